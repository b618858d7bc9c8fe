"""Score machines that read bAbI word by word on longer stories: test stories told one after the other, as one.

python tools/babi_joined.py DATA_DIR RUN [RUN ...] [--joined 1 5 20 100]

Only for tasks whose answers follow from the latest fact about somebody (1, 11, 12, 13): there they stay right. The
runs are those of `tools/babi_words.py`, in runs/babi/. One line a run and number of stories.
"""

from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from neuraltape.evaluation.run import outputs_of
from neuraltape.runs import load_run
from neuraltape.tasks import Babi
from neuraltape.tasks.batch import Batch

# Tasks whose answers follow from the latest fact about somebody.
LATEST = {1, 11, 12, 13}


def join(task: Babi, count: int) -> Batch:
    """The test stories, always so many told as one."""
    rows, table = task.held_out().rows, task.table
    groups = rows[: len(rows) // count * count].view(-1, count)

    def joined(tensor: Tensor) -> list[Tensor]:
        return [torch.cat([tensor[row, : table.lengths[row]] for row in group]) for group in groups]

    symbols = joined(table.inputs)
    lengths = torch.tensor([len(each) for each in symbols])
    targets, mask = pad_sequence(joined(table.targets)), pad_sequence(joined(table.mask))
    return Batch(pad_sequence(symbols).long(), targets, mask, lengths)


def main() -> None:
    """Score and print."""
    parser = ArgumentParser()
    parser.add_argument("data_dir")
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--joined", type=int, nargs="+", default=[1, 5, 20, 100])
    options = parser.parse_args()
    for path in options.runs:
        run = load_run(path)
        if not isinstance(run.task, Babi) or not {*run.task.questions} <= LATEST:
            parser.error(f"RUN must have learned some of the tasks {sorted(LATEST)}; {path} has not")
        task = replace(run.task, data_dir=options.data_dir)
        most = len(task.held_out().rows)
        if not all(1 <= count <= most for count in options.joined):
            parser.error(f"--joined must be from 1 to {most}, the test stories; got {options.joined}")
        for count in options.joined:
            batch = join(task, count)
            wrong = int(task.mistakes(outputs_of(run.model, batch), batch).sum())
            print(f"{path.name}: {count} stories told as one: {wrong} of {int(batch.mask.sum())} wrong", flush=True)


if __name__ == "__main__":
    main()
