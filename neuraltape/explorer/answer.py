"""Run a machine on what the page sent, and pack what happened. Knows no web."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neuraltape.evaluation.run import taken
from neuraltape.explorer.episode import Episode, draw_episode
from neuraltape.explorer.journey import TASK, Trip, go, steps_of
from neuraltape.explorer.loading import Machine, about_task, channel_names, resized
from neuraltape.explorer.outcome import outcome
from neuraltape.explorer.pack import pack
from neuraltape.explorer.requests import RunRequest
from neuraltape.explorer.story import Story, tell
from neuraltape.nn import Intervention, Trace
from neuraltape.printed import record_repr
from neuraltape.tasks import Batch, Composed, Draft
from neuraltape.tasks.draft import check_width

# Steps of one sequence: what bounds the time of a request.
STEPS = 2_000
# Numbers in one trace's memory and weightings over time; at 4 bytes each this bounds what one request can take.
NUMBERS = 16_000_000
# Traces at once: more would not be faster on one interpreter, and each holds its memory.
_slots = threading.BoundedSemaphore(2)


class Answer(NamedTuple):
    """A machine's run."""

    trace: Trace
    about: dict[str, Any]
    """What the page's header says besides what the trace lists."""
    arrays: dict[str, Tensor]
    """What the page draws besides what the trace holds."""

    __repr__ = record_repr

    def packed(self) -> bytes:
        """As the page takes it."""
        return pack(self.trace, self.about, self.arrays)


class GoneError(RuntimeError):
    """Whoever asked has left."""


@dataclass(frozen=True, kw_only=True)
class _StopIfLeft(Intervention):
    """Changes nothing, and ends the run before the next step when whoever asked has left."""

    left: threading.Event

    def covers(self, step: int) -> bool:
        if self.left.is_set():
            raise GoneError("the client left")
        return False


def run(machine: Machine, request: RunRequest, left: threading.Event | None = None) -> Answer:
    """Trace it.

    Args:
        machine: the machine.
        request: what it is run on.
        left: set when nobody waits for the answer any more.

    Raises:
        ValueError: a draft or a change that does not fit the machine, or a trace too large.
        GoneError: `left` was set.
    """
    draft = request.draft.draft()
    steps = 1 if isinstance(draft, Story) else STEPS
    if machine.answerer is not None:
        if not isinstance(draft, Story):
            raise ValueError("draft must be facts and a question for this machine")
        if request.slots is not None:
            raise ValueError("slots must be left out: this machine's slots are as many as it was trained with")
        changes = [each for each in (change.intervention(steps) for change in request.changes) if each is not None]
        with _slots:
            trace, answers = tell(machine.answerer, draft, changes)
        about = {"name": machine.name, "form": "story", "question": draft.question, "answers": answers}
        return Answer(trace, about | NOTHING | about_task(None) | {"mask": [True]}, {})
    if isinstance(draft, Story):
        raise ValueError("draft must be a sequence for this machine, not a story")
    if isinstance(draft, Trip):
        return _travelled(machine, draft, request, left)
    composed = _compose(machine, draft)
    inputs = composed.batch.inputs
    if len(inputs) > STEPS:
        raise ValueError(f"a sequence may have at most {STEPS} steps; these are {len(inputs)}")
    changes = _changes(request, len(inputs), left)
    with _slots:
        trace = _trace(resized(machine.model, request.slots), machine.task is not None, composed, changes)
    more, arrays = outcome(machine.task, trace, composed.batch)
    about = NOTHING | _names(machine) | more | {"form": "vectors" if isinstance(draft, Draft) else "episode"}
    about |= {
        "places": composed.places,
        "free": _free(draft),
        "numbers": _ranges(machine, draft),
        "mask": composed.batch.mask[:, 0].tolist(),
    }
    return Answer(trace, about, arrays)


def _changes(request: RunRequest, steps: int, left: threading.Event | None) -> list[Intervention]:
    changes = [each for each in (change.intervention(steps) for change in request.changes) if each is not None]
    return changes if left is None else [*changes, _StopIfLeft(left=left)]


def _check_followed(model: Any, step: Tensor, steps: int) -> None:
    """Raise ValueError where a trace of so many steps would be too large: one lists what there is, each has as much."""
    listed = model.trace(step)
    numbers = sum(stage.weights.numel() for head in listed.heads for stage in head.stages)
    numbers += 0 if listed.memory is None else listed.memory.numel()
    if numbers * steps > NUMBERS:
        raise ValueError(
            f"this machine's memory can be followed for at most {NUMBERS // numbers} steps; these are {steps}"
        )


def _travelled(machine: Machine, trip: Trip, request: RunRequest, left: threading.Event | None) -> Answer:
    if machine.task is None or machine.task.name != TASK:
        raise ValueError(f"draft must be a sequence for this machine: journeys are for those that learned {TASK}")
    with _slots:
        changes = _changes(request, STEPS, left)
        model = resized(machine.model, request.slots)
        _check_followed(model, torch.zeros(1, 1, model.input_size, dtype=model.precision), steps_of(trip))
        travelled, told = go(model, trip, changes)
    more, arrays = outcome(machine.task, travelled.trace, travelled.batch)
    about = NOTHING | _names(machine) | more | {"form": "journey", "journey": told}
    return Answer(travelled.trace, about | {"mask": travelled.batch.mask[:, 0].tolist()}, arrays)


# What a header says where there is nothing to say.
NOTHING: dict[str, Any] = {
    "inputs": [], "outputs": [], "places": [], "free": 0, "numbers": {}, "mistakes": None, "score": None,
    "targets": None, "pictures": None, "journey": None,
}  # fmt: skip


def _compose(machine: Machine, draft: Draft | Episode) -> Composed:
    task = machine.task
    if isinstance(draft, Draft):
        return _bare(machine, draft) if task is None else task.compose(draft)
    if task is None:
        raise ValueError("this machine's task is not known, so its sequences cannot be drawn")
    return Composed(draw_episode(task, draft), [])


def _bare(machine: Machine, draft: Draft) -> Composed:
    """The vectors as the whole input, where no task is known: nothing is asked for, and nothing scored."""
    check_width(draft.vectors, machine.model.input_size)
    if draft.columns or draft.numbers:
        raise ValueError("columns and numbers must be left out: this machine's task is not known")
    steps = len(draft.vectors)
    nothing, mask = torch.zeros(steps, 1, machine.model.output_size), torch.zeros(steps, 1, dtype=torch.bool)
    return Composed(Batch(draft.vectors.unsqueeze(1), nothing, mask, torch.tensor([steps])), list(range(steps)))


def _free(draft: Draft | Episode) -> int:
    """How many of the input's channels hold a draft's vectors."""
    return draft.vectors.shape[1] if isinstance(draft, Draft) else 0


def _ranges(machine: Machine, draft: Draft | Episode) -> dict[str, list[int]]:
    """The least and the greatest value of each of the draft's numbers, at its length."""
    drawing = None if machine.task is None else machine.task.drawing
    if drawing is None or not isinstance(draft, Draft):
        return {}
    ranges = {name: allowed(len(draft.vectors) // drawing.item) for name, allowed in drawing.numbers.items()}
    return {name: [allowed[0], allowed[-1]] for name, allowed in ranges.items()}


def _trace(model: Any, scored: bool, composed: Composed, changes: Sequence[Intervention]) -> Trace:
    inputs = taken(model, composed.batch)
    _check_followed(model, inputs[:1], len(inputs))
    return model.trace(inputs, targets=composed.batch.targets if scored else None, intervene=changes)


def _names(machine: Machine) -> dict[str, Any]:
    task = machine.task
    pictures = None if task is None or task.pictures is None else task.pictures._asdict()
    return {"name": machine.name, "pictures": pictures} | channel_names(machine) | about_task(task)
