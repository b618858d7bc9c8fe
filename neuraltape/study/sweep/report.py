"""What came of a sweep, for people and for programs: `table.md`, a row a setting, and `trials.csv`, a row a trial."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from neuraltape.study.result import Result
from neuraltape.study.store import Store
from neuraltape.study.table import count_cell, markdown, score_cell, share, spread
from neuraltape.study.trial import Trial

FIELDS = ("state", "bits", "wrong", "excess", "sequences", "solved_at", "seconds")
HEADINGS = ("ended", "solved", "after sequences", "bits, median", "worst", "sequences/s")


class Row(NamedTuple):
    """One setting, over its seeds."""

    varied: Mapping[str, Any]
    """The setting."""
    trials: int
    """How many seeds there are to be."""
    results: tuple[Result, ...]
    """The results of those that have ended."""

    @property
    def bits(self) -> float:
        """The median score of those that have ended; without any it is infinite."""
        found = spread(result.bits for result in self.results)
        return float("inf") if found is None else found.median

    @property
    def cells(self) -> list[str]:
        """What the table says, after the setting."""
        stopped = sum(result.state == "stopped" for result in self.results)
        ended = share(len(self.results), self.trials) + (f" ({stopped} stopped early)" if stopped else "")
        bits, rate = spread(each.bits for each in self.results), spread(each.rate for each in self.results)
        solved = [each.solved_at for each in self.results]
        after = spread(solved, self.trials)
        if bits is None or rate is None or after is None:
            return [ended, *["-"] * (len(HEADINGS) - 1)]
        return [
            ended,
            share(sum(each is not None for each in solved), self.trials),
            count_cell(after.median),
            score_cell(bits.median),
            score_cell(bits.worst),
            count_cell(rate.median),
        ]


def rows_of(trials: Sequence[Trial], results: Mapping[str, Result]) -> list[Row]:
    """A row a setting, the best median score first."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(json.dumps(trial.varied), []).append(trial)
    rows = [
        Row(group[0].varied, len(group), tuple(results[each.name] for each in group if each.name in results))
        for group in groups.values()
    ]
    return sorted(rows, key=lambda row: row.bits)


def table_of(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """The headings, and the cells of each row."""
    names = list(dict.fromkeys(name for row in rows for name in row.varied))
    return [*names, *HEADINGS], [[*(str(row.varied[name]) for name in names), *row.cells] for row in rows]


def write_report(trials: Sequence[Trial], results: Mapping[str, Result], store: Store) -> list[str]:
    """Write both files into the store; returns where they are."""
    files = {"table.md": markdown(*table_of(rows_of(trials, results))), "trials.csv": _csv(trials, results)}
    for name, text in files.items():
        store.write(name, text.encode())
    return [store.path(name) for name in files]


def _csv(trials: Sequence[Trial], results: Mapping[str, Result]) -> str:
    text = io.StringIO()
    names = list(dict.fromkeys(name for trial in trials for name in trial.varied))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", *names, "seed", *FIELDS])
    for trial in trials:
        result = results.get(trial.name)
        ended = [getattr(result, field) for field in FIELDS] if result else ["missing", *[""] * (len(FIELDS) - 1)]
        writer.writerow([trial.name, *(trial.varied[name] for name in names), trial.seed, *ended])
    return text.getvalue()
