"""Measuring several things in turn, so that whatever else the machine does meets all of them alike."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

# A turn's timed calls last about so long in all, in seconds: far above what reading the clock costs.
TURN = 0.03
MOST_CALLS = 1000


@dataclass(frozen=True)
class Spread:
    """What all rounds gave for one thing."""

    rounds: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.rounds:
            raise ValueError("rounds must hold at least one number; it is empty")

    @property
    def median(self) -> float:
        """The middle round."""
        return statistics.median(self.rounds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """A quarter of the rounds lies below the first, a quarter above the second."""
        if len(self.rounds) == 1:
            return self.rounds[0], self.rounds[0]
        low, _, high = statistics.quantiles(self.rounds, n=4, method="inclusive")
        return low, high

    def map(self, change: Callable[[float], float]) -> "Spread":
        """Every round changed."""
        return Spread(tuple(change(each) for each in self.rounds))

    def over(self, other: "Spread") -> "Spread":
        """Round by round: how many times the other."""
        return Spread(tuple(ours / theirs for ours, theirs in zip(self.rounds, other.rounds, strict=True)))


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    scale: float
    """Factor on every number of seconds."""
    rounds: int
    """Turns of each side, at least."""
    quick: bool = False
    """Leave out most sizes: to try the benchmarks, not the machines."""

    def __post_init__(self) -> None:
        if self.scale <= 0 or self.rounds < 1:
            raise ValueError(f"scale must be above 0 and rounds at least 1; got {self.scale} and {self.rounds}")

    def some(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """All sizes, or the first two."""
        return sizes[:2] if self.quick else sizes


FULL = Effort(scale=1.0, rounds=7)
QUICK = Effort(scale=0.02, rounds=2, quick=True)


def take_turns(calls: Mapping[str, Callable[[], object]], seconds: float, effort: Effort) -> dict[str, Spread]:
    """Seconds of one call of each, in rounds: in each round everyone has one turn.

    A turn starts with calls that are not timed, at least one and for as long as a turn: caches and threads are as the
    one before left them, and its threads may still be giving back its memory (JAX's do for 20 ms and more).

    Args:
        calls: what to call, by name.
        seconds: how long to go on, as `effort` scales it.
        effort: rounds at least.
    """
    counts = {name: _calls_in_a_turn(call) for name, call in calls.items()}
    taken: dict[str, list[float]] = {name: [] for name in calls}
    with _no_collection():
        end = time.perf_counter() + seconds * effort.scale
        done = 0
        while done < effort.rounds or time.perf_counter() < end:
            for name, call in calls.items():
                taken[name].append(_turn(call, counts[name]))
            done += 1
    return {name: Spread(tuple(times)) for name, times in taken.items()}


def _turn(call: Callable[[], object], count: int) -> float:
    settled = time.perf_counter() + TURN
    call()
    while time.perf_counter() < settled:
        call()
    begin = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - begin) / count


def _calls_in_a_turn(call: Callable[[], object]) -> int:
    """How many calls fill a turn. The first call, which may compile, does not count."""
    call()
    return max(1, min(MOST_CALLS, round(TURN / max(_turn(call, 1), TURN / MOST_CALLS))))


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
