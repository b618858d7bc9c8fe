"""Make the network of `neuraltape ask` out of a recipe's results: python tools/package_questions.py RECIPE.

Of all seeds it takes the one with the least training error, as the table does; the card says how many there were.
"""

import shutil
import sys
from pathlib import Path

from neuraltape.cli.ask import MODEL
from neuraltape.nn.pretrained import CONFIG, WEIGHTS
from neuraltape.study.questions.page import failed, mean_error
from neuraltape.study.result import Result

ROOT = Path(__file__).parent.parent
FILES = (CONFIG, WEIGHTS, "vocabulary.json")
CARD = """---
library_name: neuraltape
license: mit
---

# questions

An end-to-end memory network (Sukhbaatar et al. 2015, arXiv 1503.08895) that answers the questions of all twenty bAbI
tasks (Weston et al. 2015, arXiv 1502.05698; CC BY 3.0).

- Recipe: `recipes/questions/{recipe}.yaml`, seed {seed}; again: `neuraltape questions {recipe}`.
- How it was chosen: of {count} seed(s), the one with the least error in training.
- {parameters:,} parameters; {train:.1f} % wrong answers to the questions for training, {test:.1f} % to those for
  testing ({failed} of {tasks} tasks over 5 %).

Talk to it: `neuraltape ask`.
"""


def main(recipe: str) -> None:
    """Copy the chosen run's network into the package, with a card."""
    results = [Result.load(path) for path in sorted((ROOT / "results" / "questions").glob(f"{recipe}-seed-*.json"))]
    if not results:
        sys.exit(f"results/questions has none of {recipe}; first: neuraltape questions {recipe}")
    best = min(results, key=lambda result: mean_error(result, "train"))
    MODEL.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(ROOT / "runs" / "questions" / f"{recipe}-seed-{best.seed}" / "joint" / name, MODEL / name)
    card = CARD.format(
        recipe=recipe,
        seed=best.seed,
        count=len(results),
        parameters=best.parameters,
        train=mean_error(best, "train"),
        test=mean_error(best, "test"),
        failed=failed(best.errors["test"]),
        tasks=len(best.errors["test"]),
    )
    (MODEL / "README.md").write_text(card, encoding="utf-8")
    print(MODEL)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/package_questions.py RECIPE")
    main(sys.argv[1])
