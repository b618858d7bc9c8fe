"""`neuraltape sweep`: one task, many settings, several seeds each; the table of what came of them."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from neuraltape.cli.errors import UsageError
from neuraltape.cli.output import say, say_table, say_wrote
from neuraltape.cli.subject import RUNS
from neuraltape.cli.sweep_options import base_of, check, make_parser
from neuraltape.study.processes import Outcome, make_view, run_jobs, run_on_cluster
from neuraltape.study.sweep import (
    HEADINGS,
    Plan,
    Search,
    Store,
    Trial,
    make_plan,
    make_source,
    make_trials,
    read_space,
    rows_of,
    run_search,
    write_report,
)
from neuraltape.study.sweep.source import Source
from neuraltape.study.sweep.space import Range, Space


def run(argv: Sequence[str]) -> None:
    """Run what is missing, then write the table."""
    options = make_parser().parse(argv)
    check(options)
    store = Store(options.output or str(RUNS / f"sweep-{options.task}"))
    try:
        make = _grid if options.search == "grid" else _search
        trials, failed = make(options, base_of(options.task, options.config), _space(options.set), store)
    except KeyboardInterrupt as error:
        again = shlex.join(["neuraltape", "sweep", *argv])
        raise KeyboardInterrupt(f"stopped; what was done is kept; go on with: {again}") from error
    results = make_plan(trials, store).results
    say_wrote(write_report(trials, results, store))
    rows = rows_of(trials, results)
    if rows:
        names = list(rows[0].varied)
        say_table([*names, *HEADINGS], [[*(str(row.varied[name]) for name in names), *row.cells] for row in rows])
    for outcome in failed:
        tries = f" {outcome.attempts} times" if outcome.attempts > 1 else ""
        say(f"failed{tries}: {outcome.job.name}: {outcome.reason} (see {outcome.job.log})")
    if failed:
        raise SystemExit(1)


def _grid(options: Namespace, base: dict[str, Any], space: Space, store: Store) -> tuple[list[Trial], list[Outcome]]:
    """Every combination; returns all trials, and what failed."""
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    try:
        trials = make_trials(options.task, base, space, seeds)
    except ValueError as error:
        raise UsageError(f"--set: {error}") from error
    plan = make_plan(trials, store)
    if plan.stale and not options.overwrite:
        name, changes = next(iter(plan.stale.items()))
        raise UsageError(
            f"{store.url} holds {name} of other settings ({'; '.join(changes)}); "
            "name another --output, or make it again with --overwrite"
        )
    say(f"{len(trials) - len(plan.left)} of {len(trials)} trials are done, {len(plan.left)} to run")
    return trials, failures(_run(plan, options, base, space)) if plan.left else []


def _run(plan: Plan, options: Namespace, base: dict[str, Any], space: Space) -> list[Outcome]:
    if options.early_stopping:
        return _tune(options, space, Source(options.task, base, plan.store, seed=0, trials=plan.trials))
    jobs = plan.jobs(logs_of(plan.store))
    how: dict[str, Any] = {"at_once": options.jobs, "retries": options.retries, "view": make_view("sweep", len(jobs))}
    return run_jobs(jobs, **how) if options.cluster is None else run_on_cluster(jobs, address=options.cluster, **how)


def _search(options: Namespace, base: dict[str, Any], space: Space, store: Store) -> tuple[list[Trial], list[Outcome]]:
    """What Ray Tune draws; returns all trials, and what failed."""
    if not any(isinstance(values, Range) or len(values) > 1 for values in space.values()):
        raise UsageError("--set must hold a range or several values of something to search; it holds neither")
    try:
        source = make_source(options.task, base, space, store, seed=options.first_seed)
    except ValueError as error:
        raise UsageError(f"--set: {error}") from error
    begun = len(source.trials)
    say(f"{begun} of {options.trials} trials are begun or done")
    failed = failures(_tune(options, space, source))
    return list(source.trials.values()), failed


def _tune(options: Namespace, space: Space, source: Source) -> list[Outcome]:
    search = Search(options.search, options.early_stopping, options.trials)
    total = len(source.trials) if options.search == "grid" else options.trials
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


def failures(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those that failed."""
    return [outcome for outcome in outcomes if outcome.state == "failed"]


def logs_of(store: Store) -> Path:
    """The folder for what trials print: with them, or for a store elsewhere on this computer."""
    return store.local or RUNS / f"logs-of-{store.url.rstrip('/').rpartition('/')[2]}"
