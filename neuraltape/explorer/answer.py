"""Run a machine on what the page sent, and pack what happened. Knows no web."""

import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor

from neuraltape.explorer.draft import Composed, Draft, compose
from neuraltape.explorer.episode import Episode, draw_episode
from neuraltape.explorer.loading import Machine
from neuraltape.explorer.outcome import outcome
from neuraltape.explorer.pack import pack
from neuraltape.explorer.requests import RunRequest
from neuraltape.explorer.story import Story, tell
from neuraltape.nn import Intervention, Trace

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

    def packed(self) -> bytes:
        """As the page takes it."""
        return pack(self.trace, self.about, self.arrays)


def run(machine: Machine, request: RunRequest) -> Answer:
    """Trace it. Raises ValueError for a draft or a change that does not fit the machine, or a trace too large."""
    draft = request.draft.draft()
    steps = 1 if isinstance(draft, Story) else STEPS
    if machine.answerer is not None:
        if not isinstance(draft, Story):
            raise ValueError("draft must be facts and a question for this machine")
        changes = [each for each in (change.intervention(steps) for change in request.changes) if each is not None]
        with _slots:
            trace, answers = tell(machine.answerer, draft, changes)
        about = {"name": machine.name, "task": None, "form": "story", "question": draft.question, "answers": answers}
        return Answer(trace, about | NOTHING | {"mask": [True]}, {})
    if isinstance(draft, Story):
        raise ValueError("draft must be a sequence for this machine, not a story")
    composed = _compose(machine, draft)
    inputs = composed.batch.inputs
    if len(inputs) > STEPS:
        raise ValueError(f"a sequence may have at most {STEPS} steps; these are {len(inputs)}")
    changes = [each for each in (change.intervention(len(inputs)) for change in request.changes) if each is not None]
    with _slots:
        trace = _trace(machine, composed, changes)
    more, arrays = outcome(machine.task, trace, composed.batch)
    about = NOTHING | _names(machine) | more | {"form": "vectors" if isinstance(draft, Draft) else "episode"}
    about |= {"places": composed.places, "free": composed.width, "mask": composed.batch.mask[:, 0].tolist()}
    return Answer(trace, about, arrays)


# What a header says where there is nothing to say.
NOTHING: dict[str, Any] = {
    "inputs": [], "outputs": [], "places": [], "free": 0, "mistakes": None, "score": None, "targets": None,
    "pictures": None,
}  # fmt: skip


def _compose(machine: Machine, draft: Draft | Episode) -> Composed:
    task, model = machine.task, machine.model
    if isinstance(draft, Draft):
        return compose(task, draft, model.input_size, model.output_size)
    if task is None:
        raise ValueError("this machine's task is not known, so its sequences cannot be drawn")
    return Composed(draw_episode(task, draft), [], 0)


def _trace(machine: Machine, composed: Composed, changes: Sequence[Intervention]) -> Trace:
    model = machine.model
    inputs = composed.batch.inputs.to(model.output.weight.dtype)
    # One step lists what there is; the whole has as much a step.
    listed = model.trace(inputs[:1])
    numbers = sum(stage.weights.numel() for head in listed.heads for stage in head.stages)
    numbers += 0 if listed.memory is None else listed.memory.numel()
    if numbers * len(inputs) > NUMBERS:
        raise ValueError(
            f"this machine's memory can be followed for at most {NUMBERS // numbers} steps; these are {len(inputs)}"
        )
    return model.trace(inputs, targets=composed.batch.targets if machine.task else None, intervene=changes)


def _names(machine: Machine) -> dict[str, Any]:
    task, model = machine.task, machine.model
    if task is None:
        inputs, outputs = ([str(i + 1) for i in range(size)] for size in (model.input_size, model.output_size))
    else:
        inputs, outputs = list(task.input_names), list(task.output_names)
    pictures = None if task is None or task.pictures is None else task.pictures._asdict()
    name = None if task is None else task.name
    return {"name": machine.name, "task": name, "inputs": inputs, "outputs": outputs, "pictures": pictures}
