"""A machine that learned graphs, asked about the London Underground: what it says, and at which rides it looked."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import torch

from neuraltape.evaluation.run import check_fits
from neuraltape.evaluation.trace import trace_batch
from neuraltape.nn.intervention import Intervention
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.nn.trace import Trace
from neuraltape.printed import record_repr
from neuraltape.tasks.batch import Batch
from neuraltape.tasks.graph_traversal import GraphTraversal, labels_of, lay_out
from neuraltape.tasks.journey import Journey, ask

# A slot is called after what was told when this share of what a write head wrote went there, and when it wrote at least
# so much: what is found by its direction need not be written strongly.
WRITTEN, LEAST = 0.5, 0.1

Names = tuple[str | None, ...]


class Step(NamedTuple):
    """One step of the sequence, in names."""

    part: Literal["told", "asked", "answer"]
    """The map is told, ride after ride; then the journey is asked for, and then answered."""
    names: Names
    """Station, line and station: what goes in, or what is to be answered; None: left open."""
    said: Names | None
    """What the machine answers; a number that stands for no station or line is given as such. None: no answer."""

    @property
    def right(self) -> bool:
        """Whether all that was to be said was said."""
        return self.said == self.names


class Travelled(NamedTuple):
    """What happened."""

    journey: Journey
    trace: Trace
    """Its slots are called after the rides that were written there."""
    steps: tuple[Step, ...]
    """Each step in names."""
    batch: Batch
    """The sequence."""

    __repr__ = record_repr

    @property
    def answers(self) -> tuple[Step, ...]:
        """The steps that answer, a ride each."""
        return tuple(step for step in self.steps if step.part == "answer")

    @property
    def right(self) -> bool:
        """Whether the whole answer is right."""
        return all(step.right for step in self.answers)


def travel(
    model: SequenceModel, journey: Journey, *, seed: int = 0, intervene: Sequence[Intervention] = ()
) -> Travelled:
    """Tell a machine the map of the journey and ask for it.

    Args:
        model: a machine that learned `graph-traversal`.
        journey: what is asked.
        seed: the numbers that stand for stations and lines, and the order in which the map is told, come from it.
        intervene: what is changed on the way.

    Raises:
        ValueError: a machine that does not fit the task or can't be traced, or a change that doesn't apply.
    """
    task = GraphTraversal(graphs=journey.map, earlier=0.0)
    check_fits(model, task)
    asked = ask(journey, seed)
    batch = lay_out([asked.told])
    trace = trace_batch(model, task, batch, intervene=intervene)
    said = labels_of(trace.outputs[:, 0]).tolist()
    steps = tuple(
        Step(part, names, asked.signs.names(tuple(said[number])) if part == "answer" else None)
        for number, (part, names) in enumerate(asked.steps())
    )
    return Travelled(journey, replace(trace, labels=(named_slots(trace, steps),)), steps, batch)


def named_slots(trace: Trace, steps: Sequence[Step]) -> tuple[str, ...]:
    """What to call each slot of a trace's first sequence: the last ride that was told, or asked, as it was written."""
    told = [f"{'' if step.part == 'told' else '(asked) '}{told_ride(step)}" for step in steps if step.part != "answer"]
    weights = trace.write_weights[: len(told), 0]
    written = weights.sum(-1, keepdim=True)
    writes = ((weights >= WRITTEN * written) & (written >= LEAST)).any(1)
    numbers = torch.arange(1, len(told) + 1).unsqueeze(1)
    last = torch.where(writes, numbers, 0).amax(0).tolist()
    return tuple(told[number - 1] if number else "" for number in last)


def told_ride(step: Step) -> str:
    """A ride in words."""
    source, line, destination = (name or "?" for name in step.names)
    return f"{source}, {line}: {destination}"
