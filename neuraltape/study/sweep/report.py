"""What came of a sweep, for people and for programs: `table.md`, a row a setting, and `trials.csv`, a row a trial."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from neuraltape.study.sweep.result import TrialResult
from neuraltape.study.sweep.store import Store
from neuraltape.study.sweep.trial import Trial

FIELDS = ("state", "bits", "wrong", "optimum", "sequences", "solved_at", "seconds")


HEADINGS = ("ended", "solved", "after sequences", "bits, median", "worst", "sequences/s")


class Row(NamedTuple):
    """One setting, over its seeds."""

    varied: Mapping[str, Any]
    """The setting."""
    trials: int
    """How many there are to be."""
    results: tuple[TrialResult, ...]
    """Of those that have ended."""

    @property
    def bits(self) -> float:
        """The median score; without a result it is infinite."""
        return median(result.bits for result in self.results) if self.results else float("inf")

    @property
    def cells(self) -> list[str]:
        """What the table says, after the setting."""
        solved = [result.solved_at for result in self.results if result.solved_at is not None]
        stopped = sum(result.state == "stopped" for result in self.results)
        ended = f"{len(self.results)} of {self.trials}" + (f" ({stopped} stopped early)" if stopped else "")
        if not self.results:
            return [ended, *["-"] * (len(HEADINGS) - 1)]
        worst = max(result.bits for result in self.results)
        rate = median(result.rate for result in self.results)
        return [
            ended,
            f"{len(solved)} of {self.trials}",
            f"{median(solved):,.0f}" if solved else "-",
            f"{self.bits:.3g}",
            f"{worst:.3g}",
            f"{rate:,.0f}",
        ]


def rows_of(trials: Sequence[Trial], results: Mapping[str, TrialResult]) -> list[Row]:
    """A row a setting, the best median score first."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(json.dumps(trial.varied), []).append(trial)
    rows = [
        Row(group[0].varied, len(group), tuple(results[each.name] for each in group if each.name in results))
        for group in groups.values()
    ]
    return sorted(rows, key=lambda row: row.bits)


def write_report(trials: Sequence[Trial], results: Mapping[str, TrialResult], store: Store) -> list[str]:
    """Write both files into the store; returns where they are."""
    files = {"table.md": _markdown(rows_of(trials, results)), "trials.csv": _csv(trials, results)}
    for name, text in files.items():
        store.write(name, text.encode())
    return [store.path(name) for name in files]


def _markdown(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row.varied))
    lines = [[*names, *HEADINGS], ["---"] * (len(names) + len(HEADINGS))]
    lines += [[*(str(row.varied[name]) for name in names), *row.cells] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _csv(trials: Sequence[Trial], results: Mapping[str, TrialResult]) -> str:
    text = io.StringIO()
    names = list(dict.fromkeys(name for trial in trials for name in trial.varied))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", *names, "seed", *FIELDS])
    for trial in trials:
        result = results.get(trial.name)
        ended = [getattr(result, field) for field in FIELDS] if result else ["missing", *[""] * (len(FIELDS) - 1)]
        writer.writerow([trial.name, *(trial.varied[name] for name in names), trial.seed, *ended])
    return text.getvalue()
