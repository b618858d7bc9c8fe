"""What `sweep`, `reproduce` and `questions` share: options, and many trainings from what is left to what failed."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jsonargparse import Namespace

from neuraltape.cli.output import say
from neuraltape.cli.parser import Parser
from neuraltape.cli.subject import RUNS
from neuraltape.study.plan import Plan
from neuraltape.study.processes import Outcome
from neuraltape.study.store import Store

CLUSTER_HELP = "run as Ray tasks: the address of a cluster whose nodes reach the folders by the same names, or local"


def add_options(parser: Parser, *, seeds: int | None, seeds_help: str) -> None:
    """Which seeds, how many at a time and where."""
    # A plan lists all its trainings.
    kind, most = int if seeds else int | None, 10_000
    parser.add_argument("--seeds", type=kind, default=seeds, at_least=1, below=most + 1, help=seeds_help)
    parser.add_argument("--first_seed", type=int, default=0, at_least=0, below=2**63, help="the first of them")
    parser.add_argument(
        "--jobs", type=int, default=2, at_least=1, below=10_001, help="trainings at a time, one thread each"
    )
    parser.add_argument(
        "--retries", type=int, default=2, at_least=0, help="how often a training that fails is tried again"
    )
    parser.add_argument("--cluster", type=str | None, default=None, help=CLUSTER_HELP)


def carry_out(plan: Plan, title: str, options: Namespace, logs: Path) -> list[Outcome]:
    """Say what is left and make it; returns the trials that failed."""
    for name, why in plan.stale.items():
        say(f"{name} is out of date and is made again: {why}")
    say(str(plan))
    how = {"at_once": options.jobs, "retries": options.retries, "cluster": options.cluster}
    return failures(plan.run(title, logs, **how))


@contextmanager
def going_on(command: Sequence[str]) -> Iterator[None]:
    """Where a person stops it: say how it goes on."""
    try:
        yield
    except KeyboardInterrupt as error:
        again = shlex.join(["neuraltape", *command])
        raise KeyboardInterrupt(f"stopped; what was done is kept; go on with: {again}") from error


def failures(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those that failed."""
    return [outcome for outcome in outcomes if outcome.state == "failed"]


def end(failed: Sequence[Outcome]) -> None:
    """Say what failed. Raises SystemExit where something did."""
    for outcome in failed:
        tries = f" {outcome.attempts} times" if outcome.attempts > 1 else ""
        say(f"failed{tries}: {outcome.job.name}: {outcome.reason} (see {outcome.job.log})")
    if failed:
        raise SystemExit(1)


def logs_of(store: Store) -> Path:
    """The folder for what trials print: with them, or for a store elsewhere on this computer."""
    return store.local or RUNS / f"logs-of-{store.url.rstrip('/').rpartition('/')[2]}"
