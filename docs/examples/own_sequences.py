"""Your own sequences: written to a file, learned with the library's training, looked at afterwards.

Each sequence is a few symbols, 0 to 3; at every step the machine has to name the symbol of two steps before.

    python docs/examples/own_sequences.py

The same from the command line: neuraltape train --data two-back.jsonl --kind classes
"""

import json
import tempfile
from pathlib import Path

import torch

from neuraltape import NTM
from neuraltape.nn import NTMConfig
from neuraltape.settings import AdamSettings, LoopSettings, Settings
from neuraltape.tasks import Sequences
from neuraltape.training import TrainResult, train

SYMBOLS, BACK = 4, 2


def write_file(path: Path, rows: int, seed: int = 0) -> None:
    """One JSON object a line: the symbols, what to answer, and which steps have an answer."""
    generator = torch.Generator().manual_seed(seed)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(rows):
            length = int(torch.randint(4, 9, (), generator=generator))
            symbols = torch.randint(0, SYMBOLS, (length,), generator=generator).tolist()
            row = {
                "inputs": symbols,
                "targets": [0] * BACK + symbols[:-BACK],
                "mask": [0] * BACK + [1] * (length - BACK),
            }
            file.write(json.dumps(row) + "\n")


def learn(folder: Path, *, sequences: int = 4000) -> TrainResult:
    """Train a small machine on such a file; the run directory is folder/run."""
    write_file(folder / "two-back.jsonl", rows=500)
    settings = Settings(
        task=Sequences(str(folder / "two-back.jsonl"), kind="classes"),
        model=NTMConfig(hidden_size=32, memory_slots=16, memory_width=8),
        optimizer=AdamSettings(learning_rate=1e-2),
        loop=LoopSettings(max_sequences=sequences, evaluate_every=2000, evaluate_sequences=50),
    )
    return train(settings, run_dir=folder / "run", progress=False)


def main() -> None:
    """Learn, then ask the machine that was kept."""
    with tempfile.TemporaryDirectory() as folder:
        result = learn(Path(folder))
        print(f"after {result.sequences} sequences: {result.wrong:.2f} wrong answers a sequence, on rows kept apart")
        ntm = NTM.from_pretrained(Path(folder) / "run")
        symbols = torch.tensor([3, 1, 0, 2, 2, 1])
        answers, _ = ntm(symbols)
        print(f"{symbols.tolist()} -> {answers.argmax(-1).tolist()[BACK:]} (two steps before)")


if __name__ == "__main__":
    main()
