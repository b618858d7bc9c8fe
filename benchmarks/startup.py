"""How long a fresh process takes to its first training step: kernels not compiled yet, and compiled before."""

import os
import tempfile

from benchmarks.child import run_child
from benchmarks.table import Column, Table, significant
from benchmarks.timing import Effort, Spread

# Rounds with compiled kernels.
WARM_ROUNDS = 5
PARTS = ("torch", "neuraltape", "gradient", "step")


def startup(effort: Effort) -> Table:
    """Seconds to the first step, by state of the cache folder."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        cold = run_child("benchmarks.startup_program", environment=environment)
        rounds = range(1 if effort.quick else WARM_ROUNDS)
        warm = [run_child("benchmarks.startup_program", environment=environment) for _ in rounds]
    rows = (
        {"cache": "empty", **{part: cold[part] for part in PARTS}},
        {"cache": "filled", **{part: Spread(tuple(each[part] for each in warm)) for part in PARTS}},
    )
    columns = (
        Column("cache", "cache folder"),
        Column("torch", "import torch", significant),
        Column("neuraltape", "import NTM", significant),
        Column("gradient", "then: first gradient", significant),
        Column("step", "then: first optimiser's step", significant),
    )
    note = "Both last columns count from the end of the imports. An empty folder is measured once."
    return Table("startup", "A fresh process, seconds", columns, rows, (note,))
