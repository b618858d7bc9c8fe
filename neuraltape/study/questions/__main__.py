"""`python -m neuraltape.study.questions RUNS RESULTS RECIPE SEED CONFIG DATA` trains networks and writes the result.

CONFIG is JSON. DATA is the data set's place; empty: the cache.
"""

import json
import sys
from pathlib import Path

from neuraltape.data import DataError
from neuraltape.runs import RunDirectory
from neuraltape.runs.metrics import MetricsFile
from neuraltape.settings.questions import QuestionsConfig
from neuraltape.study.questions.run import run_recipe
from neuraltape.study.result import name_of
from neuraltape.training import NonFiniteError
from neuraltape.training.memory_network import Epoch


def main() -> None:
    """Make the trial that the arguments name."""
    runs, results, recipe, seed, text, data = sys.argv[1:]
    folder = Path(runs) / name_of(recipe, int(seed))
    folder.mkdir(parents=True, exist_ok=True)
    metrics, seen = MetricsFile(RunDirectory(folder).metrics, 0), 0

    def told(part: str, epoch: Epoch) -> None:
        nonlocal seen
        seen += epoch.questions
        line = {"kind": "training", "step": seen, "sequences": seen, "part": part, "epoch": epoch.number}
        metrics.append({**line, "epochs": epoch.of, "loss": epoch.loss})

    config = QuestionsConfig.from_settings(json.loads(text))
    result = run_recipe(recipe, config, int(seed), folder=folder, data_dir=data or None, told=told)
    metrics.close()
    result.save(Path(results) / f"{result.name}.json")


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError, NonFiniteError, DataError) as error:
        raise SystemExit(" ".join(str(error).split())) from error
