"""Train an NTM and an LSTM on single bAbI tasks, word by word, with several seeds, and make the table.

python tools/babi_words.py DATA_DIR [--questions 1] [--seeds 3] [--sequences 60000] [--first_seed 0]

One run after the other: `neuraltape train babi` with its recipe, then every question for testing. What is done is
skipped. One JSON a run and the table go into results/babi/, the runs into runs/babi/.
"""

import json
import resource
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from statistics import fmean
from typing import Any

from neuraltape.evaluation.answers import score_answers
from neuraltape.files import write_atomically
from neuraltape.runs import load_run
from neuraltape.tasks import Babi

ROOT = Path(__file__).parent.parent
RESULTS, RUNS = ROOT / "results" / "babi", ROOT / "runs" / "babi"
MODELS = ("ntm", "lstm")
INTRODUCTION = """# The machine itself on bAbI, word by word

Made by `tools/babi_words.py` from the files in this folder, one a run; do not edit this page. One machine a task,
`en-10k`, recipe `recipes/babi.yaml`, NTM and LSTM with as many hidden units; all seeds that were run. Wrong answers to
the 1,000 questions for testing, in per cent.

| task | machine | wrong, mean | every seed | parameters | stories read | processor time, mean |
| --- | --- | --- | --- | --- | --- | --- |
"""


def make(question: int, model: str, seed: int, sequences: int, data_dir: str) -> None:
    """One run, unless it is done."""
    name = f"qa{question}-{model}-seed-{seed}"
    path, run_dir = RESULTS / f"{name}.json", RUNS / name
    if path.exists():
        print(f"{name} is done")
        return
    before = _seconds_of_children()
    command = [sys.executable, "-m", "neuraltape", "train", "babi", "--data-dir", data_dir, "--run-dir", str(run_dir)]
    command += ["--questions", f"[{question}]", "--model", model, "--seed", str(seed)]
    subprocess.run([*command, "--max-sequences", str(sequences), "--overwrite"], check=True)
    run = load_run(run_dir)
    assert isinstance(run.task, Babi)
    (score,) = score_answers(run.model, run.task)
    values = {
        "question": question,
        "model": model,
        "seed": seed,
        "sequences": run.metrics.sequences,
        "seconds": round(_seconds_of_children() - before, 1),
        "parameters": sum(each.numel() for each in run.model.parameters()),
        "questions": score.questions,
        "wrong": score.wrong,
        "settings": {key: value for key, value in run.settings.flat().items() if key != "data_dir"},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(values, indent=1) + "\n").encode())
    print(f"{name}: {score.wrong} of {score.questions} wrong")


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def make_table() -> str:
    """A row for each task and machine."""
    groups: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for path in RESULTS.glob("*-seed-*.json"):
        values = json.loads(path.read_text(encoding="utf-8"))
        groups.setdefault((values["question"], values["model"]), []).append(values)
    rows = []
    for (question, model), runs in sorted(groups.items(), key=lambda each: (each[0][0], MODELS.index(each[0][1]))):
        runs.sort(key=lambda each: each["seed"])
        wrong = [100 * each["wrong"] / each["questions"] for each in runs]
        cells = [f"qa{question}", model.upper(), f"{fmean(wrong):.1f}", ", ".join(f"{each:.1f}" for each in wrong)]
        cells += [f"{runs[0]['parameters']:,}", ", ".join(sorted({f"{each['sequences']:,}" for each in runs}))]
        cells.append(f"{fmean(each['seconds'] for each in runs):.0f} s")
        rows.append(f"| {' | '.join(cells)} |\n")
    return INTRODUCTION + "".join(rows)


def main() -> None:
    """Make what is missing, then the table."""
    parser = ArgumentParser()
    parser.add_argument("data_dir")
    parser.add_argument("--questions", type=int, nargs="+", default=[1])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first_seed", type=int, default=0)
    parser.add_argument("--sequences", type=int, default=60000)
    options = parser.parse_args()
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for question in options.questions:
            for model in MODELS:
                make(question, model, seed, options.sequences, options.data_dir)
    write_atomically(RESULTS / "README.md", make_table().encode())


if __name__ == "__main__":
    main()
