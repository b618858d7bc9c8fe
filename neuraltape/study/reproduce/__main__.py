"""`python -m neuraltape.study.reproduce RUN_DIR RECIPE RESULT` measures a run that has ended and writes its result."""

import sys
from pathlib import Path

from neuraltape.runs import load_run
from neuraltape.study.reproduce.result import measure

if __name__ == "__main__":
    try:
        run_dir, recipe, path = sys.argv[1:]
        measure(load_run(run_dir), recipe).save(Path(path))
    except (ValueError, OSError) as error:
        raise SystemExit(" ".join(str(error).split())) from error
