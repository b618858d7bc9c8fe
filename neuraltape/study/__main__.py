"""`python -m neuraltape.study RUNS RESULTS RECIPE CONFIG measure|plain` makes one trial; CONFIG is JSON.

Exit codes are those of `train`.
"""

import json
import sys

from neuraltape.settings import Settings
from neuraltape.study.store import Store
from neuraltape.study.train import training, work
from neuraltape.training import Interrupted, NonFiniteError, ProcessLostError


def main() -> int:
    """Make the trial that the arguments name."""
    runs, results, recipe, text, how = sys.argv[1:]
    try:
        # Resolved here, it shares the task's tables with the training, and files are read once.
        config = Settings.from_flat(json.loads(text)).resolved()
        work(training(recipe, config, runs=Store(runs), results=Store(results), measured=how == "measure"), config)
    except (ValueError, OSError, NonFiniteError, ProcessLostError, Interrupted) as error:
        sys.stderr.write(f"neuraltape: {' '.join(str(error).split())}\n")
        return 130 if isinstance(error, Interrupted) else 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
