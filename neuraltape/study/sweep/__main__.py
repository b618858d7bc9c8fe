"""`python -m neuraltape.study.sweep STORE NAME CONFIG` makes one trial; CONFIG is JSON.

Exit codes are those of `train`.
"""

import json
import sys

from neuraltape.settings import TrainConfig
from neuraltape.study.sweep.store import Store
from neuraltape.study.sweep.trial import work
from neuraltape.training import Interrupted, NonFiniteError, ProcessLostError


def main() -> int:
    """Make the trial that the arguments name."""
    store, name, config = sys.argv[1:]
    try:
        work(Store(store), name, TrainConfig.from_flat(json.loads(config)))
    except (ValueError, OSError, NonFiniteError, ProcessLostError, Interrupted) as error:
        sys.stderr.write(f"neuraltape: {' '.join(str(error).split())}\n")
        return 130 if isinstance(error, Interrupted) else 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
