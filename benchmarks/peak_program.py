"""Peak memory of one side, in a process of its own: `python -m benchmarks.peak_program SIDE TIME BATCH`."""

import json
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.side import SIDES
from benchmarks.size import PAPER


def main(name: str, time: str, batch: str) -> None:
    """Two training steps after everything is loaded and compiled; the second has the optimiser's state."""
    side = SIDES[name](replace(PAPER, time=int(time), batch=int(batch)))
    side.prepare()
    _forget_peak()
    start = status("VmRSS")
    side.train()
    side.train()
    print(json.dumps({"start": start, "above": status("VmHWM") - start}))


def status(key: str) -> int:
    """A line of the kernel's account of this process, in bytes. VmRSS: memory in use; VmHWM: the most there was."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {key} in /proc/self/status")


def _forget_peak() -> None:
    """Let VmHWM start again, so that a peak while compiling does not hide what is measured."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        # Then an earlier peak can only make the result larger.
        return


if __name__ == "__main__":
    main(*sys.argv[1:])
