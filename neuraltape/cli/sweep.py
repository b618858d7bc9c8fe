"""`neuraltape sweep`: one task, many settings, several seeds each; the table of what came of them."""

from collections.abc import Sequence
from typing import Any

from jsonargparse import Namespace

from neuraltape.cli.errors import UsageError
from neuraltape.cli.output import say, say_table, say_wrote
from neuraltape.cli.study import carry_out, end, failures, going_on, logs_of
from neuraltape.cli.subject import RUNS
from neuraltape.cli.sweep_options import SEARCHED, base_of, check, make_parser
from neuraltape.study.plan import make_plan
from neuraltape.study.processes import Outcome, make_view
from neuraltape.study.store import Store
from neuraltape.study.sweep import (
    Range,
    Search,
    Source,
    Space,
    make_source,
    make_trials,
    read_space,
    rows_of,
    run_search,
    table_of,
    write_report,
)
from neuraltape.study.trial import Trial


def run(argv: Sequence[str]) -> None:
    """Run what is missing, then write the table."""
    options = make_parser().parse(argv)
    check(options)
    store = Store(options.output or str(RUNS / f"sweep-{options.task}"))
    make = _grid if options.search == "grid" else _search
    with going_on(["sweep", *argv]):
        trials, failed = make(options, base_of(options.task, options.config), _space(options.set), store)
    results = make_plan(trials).results
    say_wrote(write_report(trials, results, store))
    say_table(*table_of(rows_of(trials, results)))
    end(failed)


def _grid(options: Namespace, base: dict[str, Any], space: Space, store: Store) -> tuple[list[Trial], list[Outcome]]:
    """Every combination; returns all trials, and what failed."""
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    try:
        trials = make_trials(options.task, base, space, seeds, store)
    except ValueError as error:
        raise UsageError(f"--set: {error}") from error
    plan = make_plan(trials)
    if plan.stale and not options.overwrite:
        name, why = next(iter(plan.stale.items()))
        raise UsageError(
            f"{store.url} holds {name} of other settings ({why}); "
            "name another --output, or make it again with --overwrite"
        )
    if not options.early_stopping:
        return trials, carry_out(plan, "sweep", options, logs_of(store))
    say(str(plan))
    source = Source(options.task, base, store, seed=0, trials=trials)
    return trials, failures(_tune(options, space, source)) if plan.left else []


def _search(options: Namespace, base: dict[str, Any], space: Space, store: Store) -> tuple[list[Trial], list[Outcome]]:
    """What Ray Tune draws; returns all trials, and what failed."""
    if not any(isinstance(values, Range) or len(values) > 1 for values in space.values()):
        raise UsageError("--set must hold a range or several values of something to search; it holds neither")
    try:
        source = make_source(options.task, base, space, store, seed=options.first_seed)
    except ValueError as error:
        raise UsageError(f"--set: {error}") from error
    say(f"{len(source.trials)} of {options.trials or SEARCHED} trials are begun or done")
    failed = failures(_tune(options, space, source))
    return list(source.trials.values()), failed


def _tune(options: Namespace, space: Space, source: Source) -> list[Outcome]:
    total = len(source.trials) if options.search == "grid" else options.trials or SEARCHED
    search = Search(options.search, options.early_stopping, total)
    return run_search(
        search,
        space,
        source,
        address=options.cluster or "local",
        view=make_view("sweep", total),
        logs=logs_of(source.store),
        at_once=options.jobs,
        retries=options.retries,
    )


def _space(words: Sequence[str]) -> Space:
    try:
        return read_space(words)
    except ValueError as error:
        raise UsageError(f"--set: {error}") from error
