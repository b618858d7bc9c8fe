"""Make the model that comes with the package out of a task's results: python tools/package_model.py RECIPE [LENGTH].

Of all seeds it takes the one with the lowest cost at LENGTH, as the results call it, or else at the last that was
scored. That is a choice by test
scores, and the card says so: the model is there to be looked at, the results of the recipe are those of all seeds.
"""

import shutil
import sys
from pathlib import Path

from neuraltape.nn.pretrained import CONFIG, PACKAGED, WEIGHTS
from neuraltape.runs import RunDirectory
from neuraltape.study.result import Result
from neuraltape.study.score import ProbeScore

ROOT = Path(__file__).parent.parent
CARD = """---
library_name: neuraltape
license: mit
---

# {task}

A Neural Turing Machine (Graves, Wayne and Danihelka 2014, arXiv 1410.5401) that learned the task "{task}".

- Recipe: `recipes/{recipe}.yaml`, seed {seed}; again: `neuraltape train {recipe} --seed {seed}`.
- How it was chosen: of {count} seeds, the one with the lowest cost at {chosen} below. So these scores are the
  best of {count}; those of all seeds are in `results/`, and `neuraltape reproduce {recipe}` makes them again.
- Trained on {sequences:,} sequences; {parameters:,} parameters.

{table}

Load it: `NTM.from_pretrained("{recipe}")`. Look at it: `neuraltape explore {recipe}`.
"""


def main(recipe: str, length: str | None = None) -> None:
    """Copy the best run's model and configuration into the package, with a card."""
    results = [Result.load(path) for path in sorted((ROOT / "results").glob(f"*/{recipe}-seed-*.json"))]
    if not results:
        sys.exit(f"results has none of {recipe}; first: neuraltape reproduce {recipe}")
    labels = [score.label for score in results[0].scores]
    if length is not None and length not in labels:
        sys.exit(f"LENGTH must be one of {', '.join(labels)}; got {length}")
    place = -1 if length is None else labels.index(length)
    best = min(results, key=lambda result: _cost(result.scores[place]))
    run, folder = RunDirectory(ROOT / "runs" / "reproduce" / best.name), PACKAGED / recipe
    folder.mkdir(parents=True, exist_ok=True)
    for path in (run.model / CONFIG, run.model / WEIGHTS, run.config):
        shutil.copyfile(path, folder / path.name)
    rows = [f"| {each.label} | {_cost(each):.3g} | {each.wrong_mean:.3g} |" for each in best.scores]
    cost = "bits a sequence" if best.scores[-1].optimum is None else "bits a sequence over the optimum"
    table = "\n".join([f"| length | {cost} | wrong bits a sequence |", "|---|---|---|", *rows])
    card = CARD.format(
        task=best.task,
        recipe=recipe,
        seed=best.seed,
        count=len(results),
        chosen="the last length" if length is None else f'"{length}"',
        sequences=best.sequences,
        parameters=best.parameters,
        table=table,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
    print(folder)


def _cost(score: ProbeScore) -> float:
    return score.bits - (score.optimum or 0.0)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python tools/package_model.py RECIPE [LENGTH]")
    main(*sys.argv[1:])
