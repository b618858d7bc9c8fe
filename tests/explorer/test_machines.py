from pathlib import Path
from typing import Any

from neuraltape.explorer.machines import SNAPSHOTS, SNAPSHOTS_IN_ALL, Entry, Machines, Snapshot


def test_snapshots_of_many_runs_are_kept_up_to_a_number_and_those_looked_at_last_stay():
    machines, nothing = Machines([], {}), Path()
    anything: Any = object()
    runs = [Entry(f"run:{i}", str(i), "run", nothing) for i in range(8)]
    for run in [*runs, runs[0]]:
        run.snapshots = [Snapshot(str(i), i, anything) for i in range(SNAPSHOTS)]
        machines._forget_others(run)
        assert len(run.snapshots) == SNAPSHOTS
        assert sum(len(each.snapshots) for each in runs) <= SNAPSHOTS_IN_ALL
    assert [each.name for each in runs if each.snapshots] == ["0", "5", "6", "7"]
