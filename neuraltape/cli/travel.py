"""What `neuraltape ask` says of journeys on the Underground: each ride, whether it is right, and where was looked."""

from collections.abc import Iterator
from typing import NamedTuple, get_args

import torch

from neuraltape.cli.errors import UsageError
from neuraltape.cli.output import say
from neuraltape.cli.subject import Subject
from neuraltape.evaluation.journey import Step, Travelled, told_ride, travel
from neuraltape.nn.machines import kind_of
from neuraltape.tasks.graph_traversal import GraphTraversal
from neuraltape.tasks.journey import Journey, MapName, leads_of

MAPS = get_args(MapName)
HELLO = """Ask where a journey on the London Underground leads: a station, then lines, with commas between them.
On each line you stay until you can take the next one, on the last for one ride. For example:
  from Victoria, Victoria line north, Central line east
The machine is told the map anew for every question, with random numbers for all names.
Other words: `stations` and `lines` list the names, `again` asks with other numbers, Ctrl-D ends."""
# Rides that a head read less of are not shown; of one head at one step at most so many are.
SHOWN, MOST = 0.05, 2


class Traveller(NamedTuple):
    """A machine that is asked about journeys."""

    subject: Subject
    map: MapName
    """Which map it is told."""


def open_traveller(subject: Subject, name: str | None) -> Traveller:
    """The machine with the map of this name; None: the junctions.

    Raises:
        UsageError: it learned something else, or has no memory to look into, or there is no such map.
    """
    if not isinstance(subject.task, GraphTraversal):
        raise UsageError(
            f"journeys are for machines that learned graph-traversal; {subject.name} learned {subject.task.name}"
        )
    if not kind_of(subject.model).traceable:
        raise UsageError(f"{subject.name} is a machine of the kind {kind_of(subject.model).name}, without a memory")
    if name is not None and name not in MAPS:
        raise UsageError(f"--map must be one of {', '.join(MAPS)}; got {name!r}")
    return Traveller(subject, "underground" if name == "underground" else "junctions")


class Conversation:
    """Remembers what was asked last, for `again`, and with which numbers.

    Args:
        traveller: who answers.
        seed: the first question's numbers.
    """

    def __init__(self, traveller: Traveller, seed: int) -> None:
        self.traveller, self.seed = traveller, seed
        self.last: Journey | None = None

    def reply(self, line: str) -> None:
        """Do what a line asks for, and say what came of it."""
        command = line.lower()
        if not line:
            return
        if command in ("help", "?"):
            say(HELLO)
        elif command in ("stations", "lines"):
            leads = leads_of(self.traveller.map)
            say(
                "  "
                + ", ".join(
                    leads if command == "stations" else sorted({line for each in leads.values() for line in each})
                )
            )
        elif command == "again" and self.last is not None:
            self.seed += 1
            self._say(self.last)
        else:
            try:
                self._say(Journey.read(line, self.traveller.map))
            except ValueError as error:
                say(f"  {error}")

    def _say(self, journey: Journey) -> None:
        self.last = journey
        say_travelled(travel(self.traveller.subject.model, journey, seed=self.seed))


def say_travelled(travelled: Travelled) -> None:
    """Each ride of the answer, and at which rides every read head looked."""
    answers = travelled.answers
    wrong = sum(not step.right for step in answers)
    rides = "1 ride" if len(answers) == 1 else f"{len(answers)} rides"
    *_, last = answers
    end = (last.said or ("?",))[-1]
    say(f"  {end}   ({f'right, {rides}' if not wrong else f'{wrong} of {rides} wrong'})")
    heads = [head for head in travelled.trace.heads if head.kind == "read"]
    for number, step in enumerate(travelled.steps):
        if step.part == "told":
            continue
        say(f"  {step_told(step)}")
        for head in heads:
            looked = ", ".join(f"{share:.0%} {name}" for name, share in looked_at(travelled, number, head.name))
            say(f"      {head.name}: {looked or 'nowhere in particular'}")


def step_told(step: Step) -> str:
    """What is asked or answered at a step."""
    if step.part == "asked":
        return f"asked: {told_ride(step)}"
    if step.right:
        return f"says: {told_ride(step)}"
    said = ", ".join(name or "?" for name in step.said or ())
    return f"says: {said}   (should be {told_ride(step)})"


def looked_at(travelled: Travelled, number: int, head: str) -> Iterator[tuple[str, float]]:
    """The rides that a head looked at most at a step, and how much."""
    names = (travelled.trace.labels or ((),))[0]
    shares, slots = torch.sort(travelled.trace.head(head).weights[number, 0], descending=True)
    for share, slot in zip(shares[:MOST].tolist(), slots[:MOST].tolist(), strict=True):
        if share >= SHOWN:
            yield names[slot] or f"slot {slot}", share
