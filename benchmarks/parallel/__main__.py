"""Measure and simulate: `python -m benchmarks.parallel [--rounds N] [--steps N]`; prints Markdown."""

import argparse
from collections.abc import Iterable, Sequence

from benchmarks.machine import describe, in_words
from benchmarks.parallel.measure import BATCHES, MODELS, Measured, loopback, measure_exchange, measure_step
from benchmarks.parallel.network import Network, Plan, efficiency, simulate

PROCESSES = (2, 4, 8, 16, 64, 256, 1000)
NETWORKS = (
    Network("1 Gbit/s, 100 µs", 100e-6, 1e9 / 8),
    Network("10 Gbit/s, 30 µs", 30e-6, 10e9 / 8),
    Network("100 Gbit/s, 3 µs", 3e-6, 100e9 / 8),
)
# Sequences: a batch that is divided, and shares that stay so that the batch grows with the processes.
DIVIDED = 64
SHARES = (16, 64)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parallel", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="measurements of each step and of each exchange")
    parser.add_argument("--steps", type=int, default=300, help="simulated steps for each figure")
    options = parser.parse_args()
    print(in_words(describe()))
    models = {name: measure_step(size, options.rounds) for name, size in MODELS.items()}
    print("\nA training step of 41 steps of time, milliseconds of processor time in one thread, by sequences:\n")
    heads = ["model", "parameters", *map(str, BATCHES), "fixed + a sequence"]
    rows = (
        [
            *(name, f"{each.parameters:,}", *(f"{1e3 * each.seconds[batch]:.1f}" for batch in BATCHES)),
            f"{1e3 * each.cost.fixed:.1f} + {1e3 * each.cost.sequence:.2f}",
        ]
        for name, each in models.items()
    )
    print_table(heads, rows)
    exchange = measure_exchange(options.rounds)
    here = loopback(exchange)
    print("\nAn all-reduce between two processes over loopback, milliseconds:\n")
    print_table(
        ["numbers", "fastest", "median"],
        ([f"{size:,}", f"{1e3 * low:.2f}", f"{1e3 * middle:.2f}"] for size, (low, middle) in exchange.items()),
    )
    print(f"\nThe fastest as a network: {1e6 * here.latency:.0f} µs a message, {here.bandwidth / 1e9:.2g} GB/s.")
    for name, measured in models.items():
        print(f"\nEfficiency, {name}: by the formula, and simulated with the measured unevenness of steps\n")
        print_table(["batch", "network", *map(str, PROCESSES)], efficiencies(measured, options.steps))


def efficiencies(measured: Measured, steps: int) -> Iterable[list[str]]:
    """A row a batch and network: by the formula, and simulated."""
    for share in (None, *SHARES):
        for network in NETWORKS:
            plans = (plan_of(processes, measured.parameters, share) for processes in PROCESSES)
            cells = [cell(measured, network, plan, steps) for plan in plans]
            yield [f"{DIVIDED} in all" if share is None else f"{share} a process", network.name, *cells]


def plan_of(processes: int, parameters: int, share: int | None) -> Plan | None:
    """A share each, or else the batch that is divided; None where there are not enough sequences."""
    if share is not None:
        return Plan(processes, parameters, share, share)
    return Plan(processes, parameters, DIVIDED / processes, DIVIDED) if processes <= DIVIDED else None


def cell(measured: Measured, network: Network, plan: Plan | None, steps: int) -> str:
    """Both figures."""
    if plan is None:
        return "-"
    simulated = simulate(measured.cost, network, plan, steps=steps)
    return f"{efficiency(measured.cost, network, plan):.0%}, {simulated:.0%}"


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """As Markdown."""
    for cells in (heads, ["---"] * len(heads), *rows):
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
