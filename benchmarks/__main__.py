"""Measure: `python -m benchmarks [--only NAME ...] [--quick] [--output PATH]`."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.check import check
from benchmarks.inference import forward, step
from benchmarks.limit import limit
from benchmarks.machine import describe, in_words
from benchmarks.memory import memory
from benchmarks.report import write
from benchmarks.scaling import slots, steps, widths
from benchmarks.sparse import scan, sparse
from benchmarks.startup import startup
from benchmarks.table import Table
from benchmarks.timing import FULL, QUICK, Effort
from benchmarks.training_step import larger, training

MEASUREMENTS: dict[str, Callable[[Effort], Table]] = {
    "training": training,
    "forward": forward,
    "step": step,
    "steps": steps,
    "slots": slots,
    "widths": widths,
    "memory": memory,
    "sparse": sparse,
    "scan": scan,
    "larger": larger,
    "limit": limit,
    "startup": startup,
}
RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str] | None = None) -> int:
    """Check, measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed and memory, side by side.")
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("--quick", action="store_true", help="few sizes and rounds: to try the benchmarks themselves")
    parser.add_argument(
        "--output",
        type=Path,
        help="where to write: PATH.json and PATH.md (default for a whole run: benchmarks/results; otherwise nothing)",
    )
    options = parser.parse_args(arguments)
    machine, start = describe(), time.perf_counter()
    print(in_words(machine), flush=True)
    try:
        findings = check()
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    tables = []
    for name in options.only or MEASUREMENTS:
        begin = time.perf_counter()
        tables.append(MEASUREMENTS[name](QUICK if options.quick else FULL))
        print(f"\n{tables[-1].markdown()}\n[{time.perf_counter() - begin:.0f} s]", flush=True)
    print(f"\n[{time.perf_counter() - start:.0f} s in all]")
    output = options.output or (None if options.only or options.quick else RESULTS)
    if output is not None:
        print("written:", *(path.name for path in write(output, machine, findings, tables)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
