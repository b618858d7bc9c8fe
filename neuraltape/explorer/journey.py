"""A journey on the London Underground for a machine that learned graphs. Knows no web."""

from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

from neuraltape.evaluation.journey import Travelled, travel
from neuraltape.nn import Intervention
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.tasks.journey import Journey, MapName, ask
from neuraltape.tasks.task import Task

MAPS = get_args(MapName)
# The task whose machines can be asked, and journeys to begin with.
TASK = "graph-traversal"
EXAMPLES = (
    "Victoria, Victoria north, Central east",
    "Victoria, Victoria north",
    "Paddington, Circle clockwise, Northern (Bank) south",
    "Waterloo, Jubilee north, Piccadilly east, Bakerloo south",
)


class Trip(NamedTuple):
    """What is asked."""

    journey: str
    """In words, see `Journey.read`."""
    map: MapName
    """Which map is told."""
    seed: int
    """The numbers that stand for the names, and the order in which the map is told, come from it."""


def about_journeys(task: Task | None) -> dict[str, Any] | None:
    """What the page needs to ask a machine for journeys; None: it did not learn to answer them."""
    return {"maps": list(MAPS), "examples": list(EXAMPLES)} if task is not None and task.name == TASK else None


def steps_of(trip: Trip) -> int:
    """How many steps it takes. Raises ValueError where it is no journey."""
    return sum(1 for _ in ask(Journey.read(trip.journey, trip.map), trip.seed).steps())


def go(model: SequenceModel, trip: Trip, changes: Sequence[Intervention] = ()) -> tuple[Travelled, dict[str, Any]]:
    """Ask.

    Returns:
        What happened, and what the page says of it: each step in names, and the lines that lead on.

    Raises:
        ValueError: no journey, a machine that learned something else, or a change that doesn't apply.
    """
    travelled = travel(model, Journey.read(trip.journey, trip.map), seed=trip.seed, intervene=changes)
    steps = [{"part": step.part, "names": step.names, "said": step.said} for step in travelled.steps]
    told = {"asked": str(travelled.journey), "map": trip.map, "steps": steps, "onward": travelled.journey.onward}
    return travelled, told
