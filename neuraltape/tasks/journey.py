"""A question about the London Underground, in words: from a station, along which lines? Knows no machine."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, NamedTuple, Self, get_args

import numpy as np

from neuraltape.tasks.graph_traversal import BLANK, MAPS, Told
from neuraltape.tasks.graphs import relabelled
from neuraltape.tasks.underground import Map, Ride, map_of

MapName = Literal["junctions", "underground"]
Labels = tuple[int, ...]
# What may be said around the names.
AROUND = re.compile(r"^from\s+|[\s:,]*\bwhere\b.*$|[?.\s]+$", re.IGNORECASE)
# What a question has at most: longer than any walk of the lessons.
MOST_RIDES = 60


@dataclass(frozen=True)
class Journey:
    """Where one gets in, and which lines one takes, a ride each.

    Raises:
        ValueError: a station that is not on the map, or a line that does not leave where it would be taken.
    """

    start: str
    lines: tuple[str, ...]
    map: MapName = "junctions"
    """The stations with more than two neighbours, or all of zone 1."""

    def __post_init__(self) -> None:
        leads = leads_of(self.map)
        if self.start not in leads:
            raise ValueError(f"start must be a station of the map; got {self.start!r}{_near(self.start, leads)}")
        if not 1 <= len(self.lines) <= MOST_RIDES:
            raise ValueError(f"lines must be from 1 to {MOST_RIDES} rides; got {len(self.lines)}")
        at = self.start
        for line in self.lines:
            if line not in leads[at]:
                raise ValueError(f"no {line!r} leaves {at}; what does: {', '.join(leads[at])}")
            at = leads[at][line]

    @classmethod
    def read(cls, text: str, map: MapName = "junctions") -> Self:  # noqa: A002 (the field's name)
        """A journey in words: "from Victoria, Victoria line north, Central line east".

        Capitals and the word "line" don't count. On each line one stays until the next one can be taken; on the last,
        for one ride.

        Raises:
            ValueError: no map, station or line of this name, or a line that never meets the next one.
        """
        if map not in get_args(MapName):
            raise ValueError(f"map must be one of {', '.join(get_args(MapName))}; got {map!r}")
        leads = leads_of(map)
        plain = text.strip()
        while (shorter := AROUND.sub("", plain)) != plain:
            plain = shorter
        start, *named = [each.strip() for each in re.split(r"[,:;]", plain)]
        at = start = _find(start, leads, "a station of the map")
        lines = sorted({line for each in leads.values() for line in each})
        wanted = [_find(re.sub(r"\s+line\b", "", each, flags=re.IGNORECASE), lines, "a line") for each in named]
        if not wanted:
            raise ValueError(f"a journey must have a station and at least one line; got {text.strip()!r}")
        taken = []
        for line, after in zip(wanted, [*wanted[1:], None], strict=True):
            entered = at
            for _ in leads:
                taken.append(line)
                if line not in leads[at]:
                    if at == entered:
                        # The constructor says what does leave here.
                        break
                    raise ValueError(f"{line!r} from {entered} never meets {after!r}; it ends at {at}")
                at = leads[at][line]
                if after is None or after in leads[at]:
                    break
            else:
                raise ValueError(f"{line!r} from {entered} never meets {after!r}; it goes round")
        return cls(start, tuple(taken), map)

    def __str__(self) -> str:
        """In words that `read` reads."""
        return ", ".join([self.start, *self.lines])

    @property
    def rides(self) -> tuple[Ride, ...]:
        """Each ride, with where it leads."""
        leads, at, found = leads_of(self.map), self.start, []
        for line in self.lines:
            found.append(Ride(at, line, leads[at][line]))
            at = found[-1].destination
        return tuple(found)

    @property
    def onward(self) -> tuple[str, ...]:
        """The lines that leave where it ends."""
        return tuple(leads_of(self.map)[self.rides[-1].destination])


@dataclass(frozen=True)
class Signs:
    """Which number stands for which station, and which for which line, in one sequence."""

    stations: Mapping[int, str]
    lines: Mapping[int, str]

    def names(self, labels: Labels) -> tuple[str | None, ...]:
        """The names of an edge's three labels; a number that stands for nothing as its digits, a blank as None."""
        kinds = self.stations, self.lines, self.stations
        return tuple(
            None if label == BLANK else known.get(label, f"{label:03}")
            for known, label in zip(kinds, labels, strict=True)
        )


class Asked(NamedTuple):
    """A journey as a sequence: the whole map with numbers for names, told in random order, then the question."""

    told: Told
    signs: Signs

    def steps(self) -> Iterator[tuple[Literal["told", "asked", "answer"], tuple[str | None, ...]]]:
        """Each step in names: what is told, what is asked (blanks are None), and what is to be answered."""
        for row in self.told.edges.tolist():
            yield "told", self.signs.names(tuple(row))
        for row in self.told.question.tolist():
            yield "asked", self.signs.names(tuple(row))
        for row in self.told.answer.tolist():
            yield "answer", self.signs.names(tuple(row))


def ask(journey: Journey, seed: int = 0) -> Asked:
    """The sequence of a journey.

    Args:
        journey: what is asked.
        seed: the numbers that stand for the names, and the order in which the map is told, come from it.
    """
    rng, known = np.random.default_rng(seed), map_of(junctions=MAPS[journey.map])
    graph = relabelled(known.ends, known.edge_lines, rng)
    numbers = {ride: edge for edge, ride in enumerate(_rides(known))}
    walk = np.array([numbers[ride] for ride in journey.rides])
    lines = {int(label): known.lines[line] for label, line in zip(graph.edge_labels, known.edge_lines, strict=True)}
    stations = dict(zip(graph.labels.tolist(), known.stations, strict=True))
    return Asked(Told(graph, rng.permutation(len(graph.ends)), walk), Signs(stations, lines))


def leads_of(name: MapName) -> dict[str, dict[str, str]]:
    """From each station of a map the lines that leave it, and where each leads."""
    leads: dict[str, dict[str, str]] = {}
    for ride in _rides(map_of(junctions=MAPS[name])):
        leads.setdefault(ride.source, {})[ride.line] = ride.destination
    return leads


def _rides(known: Map) -> Iterator[Ride]:
    for (one, other), line in zip(known.ends, known.edge_lines, strict=True):
        yield Ride(known.stations[one], known.lines[line], known.stations[other])


def _find(name: str, known: Mapping[str, object] | list[str], what: str) -> str:
    """The known name that differs in nothing but capitals and blanks."""
    plain = {" ".join(each.lower().split()): each for each in known}
    found = plain.get(" ".join(name.lower().split()))
    if found is None:
        raise ValueError(f"{what} is needed; got {name!r}{_near(name, known)}")
    return found


def _near(name: str, known: Mapping[str, object] | list[str]) -> str:
    close = get_close_matches(name.title(), list(known), n=3, cutoff=0.6)
    return f"; did you mean {', '.join(close)}?" if close else f"; there are {', '.join(sorted(known))}"
