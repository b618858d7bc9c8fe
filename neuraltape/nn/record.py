"""How a trace is made: an access shows a recorder every stage, and the recorder lets interventions change it.

Knows no machine: an access that can be traced has `forward_in_stages(controller_output, state, recorder)`, which gives
what its `forward` gives, computed through the recorder. Its `bounds`, if it has any, say between which bounds its
numbers are, by their names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from neuraltape.kernels.around import check_values
from neuraltape.nn.arrange import Arranged, alive, symbols_of
from neuraltape.nn.hooks import call_with, check_own
from neuraltape.nn.intervention import Intervention, Place
from neuraltape.nn.state import keep_alive
from neuraltape.nn.trace import Head, Stage, Trace
from neuraltape.printed import record_repr

HeadKind = Literal["read", "write", "hop"]
ORDER: tuple[HeadKind, ...] = ("read", "write", "hop")


class Recorder:
    """Sees every stage of every head at every step, changes what interventions change, and keeps it all.

    Args:
        interventions: the changes, in the order in which they act.
        listed: a trace of the same machine, of any length, which lists what there is to change.
        steps: how many steps there will be.

    Raises:
        ValueError: an intervention names what is not there.
    """

    def __init__(
        self, interventions: Sequence[Intervention] = (), listed: Trace | None = None, *, steps: int = 1
    ) -> None:
        for each in interventions:
            if listed is None:
                raise ValueError("listed must be a trace where there are interventions: it lists what they may change")
            each.check(listed, steps)
        self._interventions, self._step = tuple(interventions), 0
        self._last = {} if listed is None else {head.name: head.stages[-1].name for head in listed.heads}
        self._groups: dict[tuple[HeadKind, int], Heads] = {}
        self._first_memory: Tensor | None = None
        self._memories: list[Tensor] = []

    def begin(self, step: int) -> None:
        """The step that comes now, from 0."""
        self._step = step

    @property
    def acting(self) -> list[Intervention]:
        """The interventions of the present step."""
        return [each for each in self._interventions if each.covers(self._step)]

    def memory(self, memory: Tensor) -> Tensor:
        """What stands in the memory before the step, (batch, slots, width): as the step is to see it."""
        if self._first_memory is None:
            self._first_memory = _copy(memory)
        for each in self.acting:
            memory = each.change_memory(memory)
        return memory

    def wrote(self, memory: Tensor) -> None:
        """What stands in the memory after the step's write, (batch, slots, width)."""
        self._memories.append(_copy(memory))

    def heads(self, kind: HeadKind, previous: Tensor | None = None, *, number: int = 1) -> "Heads":
        """Some heads of one kind, which take the same stages, at the present step.

        Args:
            kind: what they do.
            previous: their focus one step before, (batch, heads, slots); None: the recorder's own, if there is one.
            number: the number of the first of them.
        """
        group = self._groups.setdefault((kind, number), Heads(self, kind, number))
        group.start(previous)
        return group

    def change(
        self, tensor: Tensor, change: Callable[[Intervention, Place, Tensor], Tensor], at: list[Place]
    ) -> Tensor:
        """A tensor (batch, heads, ...) with what the present interventions make of each head's part of it."""
        acting = self.acting
        if not acting:
            return tensor
        parts = list(tensor.unbind(1))
        for each in acting:
            parts = [change(each, place, part) for place, part in zip(at, parts, strict=True)]
        return torch.stack(parts, 1)

    def is_last(self, head: str, stage: str) -> bool:
        """Whether it is the head's last stage, as far as that is known."""
        return self._last.get(head) == stage

    def listed(self, lengths: Tensor) -> tuple[tuple[Head, ...], Tensor | None, Tensor | None]:
        """All heads, the memory over time and the memory at the start; past a sequence's end its last step is held."""
        groups = sorted(self._groups.values(), key=lambda group: (ORDER.index(group.kind), group.number))
        heads = tuple(head for group in groups for head in group.listed(lengths))
        return heads, hold(self._memories, lengths) if self._memories else None, self._first_memory


@dataclass
class _Log:
    """What a stage did so far, a tensor a step."""

    kind: Literal["similarity", "focus"]
    ticks: dict[str, tuple[Any, ...]]
    weights: list[Tensor] = field(default_factory=list)
    numbers: dict[str, list[Tensor]] = field(default_factory=dict)

    __repr__ = record_repr


class Heads:
    """Some heads of one kind while they are recorded; `Recorder.heads` gives them."""

    def __init__(self, recorder: Recorder, kind: HeadKind, number: int) -> None:
        self.kind: HeadKind = kind
        self.number = number
        self._recorder = recorder
        self._started, self._first = False, None
        self._previous: Tensor | None = None
        self._focus: Tensor | None = None
        self._logs: dict[str, _Log] = {}
        self._vectors: dict[str, list[Tensor]] = {}

    def start(self, previous: Tensor | None) -> None:
        """Begin a step with the focus of the one before, (batch, heads, slots)."""
        if not self._started:
            self._started, self._first = True, None if previous is None else _copy(previous)
        self._previous = self._focus if previous is None else previous

    def stage(
        self,
        name: str,
        compute: Callable[..., Tensor],
        *,
        kind: Literal["similarity", "focus"] = "focus",
        ticks: dict[str, tuple[Any, ...]] | None = None,
        **numbers: Tensor,
    ) -> Tensor:
        """Take a stage.

        Args:
            name: the stage's name.
            compute: takes the numbers by name and gives the weighting, (batch, heads, slots).
            kind: what the weighting is, see `Stage`.
            ticks: names of a number's entries.
            numbers: what acts here, by its name: (batch, heads) or (batch, heads, n).

        Returns:
            The weighting, as the interventions left it.
        """
        ticks = ticks or {}
        log = self._logs.setdefault(name, _Log(kind, ticks))
        for each, value in numbers.items():
            numbers[each] = self._change_number(name, each, value, ticks.get(each, ()))
            log.numbers.setdefault(each, []).append(_copy(numbers[each]))
        weights = compute(**numbers)
        weights = self._recorder.change(
            weights, lambda change, at, part: change.change_weights(at, part), self._places(name, weights.shape[1])
        )
        log.weights.append(_copy(weights))
        self._focus = weights
        return weights

    def vector(self, name: str, value: Tensor) -> Tensor:
        """Something that the heads move, such as "add" or "read", (batch, heads, width): as it is to be used."""
        value = self._change_number("", name, value, ())
        self._vectors.setdefault(name, []).append(_copy(value))
        return value

    def listed(self, lengths: Tensor) -> list[Head]:
        """The heads with everything recorded."""
        names = self._names(next(iter(self._logs.values())).weights[0].shape[1] if self._logs else 0)

        def of(tensors: list[Tensor], head: int) -> Tensor:
            return hold([tensor[:, head] for tensor in tensors], lengths)

        return [
            Head(
                name=name,
                kind=self.kind,
                stages=tuple(
                    Stage(
                        stage,
                        of(log.weights, head),
                        log.kind,
                        {number: of(values, head) for number, values in log.numbers.items()},
                        log.ticks,
                    )
                    for stage, log in self._logs.items()
                ),
                first=None if self._first is None else self._first[:, head],
                vectors={vector: of(values, head) for vector, values in self._vectors.items()},
            )
            for head, name in enumerate(names)
        ]

    def _change_number(self, stage: str, name: str, value: Tensor, ticks: tuple[Any, ...]) -> Tensor:
        return self._recorder.change(
            value,
            lambda change, at, part: change.change_number(at, name, part, ticks),
            self._places(stage, value.shape[1]),
        )

    def _names(self, count: int) -> list[str]:
        return [f"{self.kind} {self.number + head}" for head in range(count)]

    def _places(self, stage: str, count: int) -> list[Place]:
        before = self._previous
        return [
            Place(name, stage, self._recorder.is_last(name, stage), None if before is None else before[:, head])
            for head, name in enumerate(self._names(count))
        ]


def record(
    machine: Any,
    inputs: Tensor,
    state: Any,
    lengths: Any,
    reset: Any,
    targets: Tensor | None,
    interventions: Sequence[Intervention] = (),
) -> Trace:
    """Run a machine step by step on the reference backend and keep everything; see `Machine.trace`."""
    if not hasattr(machine.access, "forward_in_stages"):
        raise ValueError(
            "a machine can be traced if its access has forward_in_stages(controller_output, state, recorder); "
            f"{type(machine.access).__name__} has none"
        )
    check_own(machine.access, "forward_in_stages", "forward", "access cannot be traced")
    if reset is not None and interventions:
        # A head may have no focus before its first step, and there is no such step but the sequence's first.
        raise ValueError("intervene must be empty where there is a reset; trace each part by itself")
    made: list[tuple[Arranged, Trace]] = []

    def forward(inputs: Any, state: Any = None, *, lengths: Any = None, reset: Any = None) -> tuple[Tensor, Any]:
        arranged = machine.arranged(inputs, lengths, reset)
        trace, outputs, state = _record(machine, arranged, state, targets, interventions)
        made.append((arranged, trace))
        return arranged.give_back(outputs), arranged.give_state(state)

    # It is called as a user calls it, so that what hooks see does not depend on the trace.
    given = () if state is None else (state,)
    options = {name: value for name, value in (("lengths", lengths), ("reset", reset)) if value is not None}
    outputs, _ = call_with(machine, forward, inputs, *given, **options)
    arranged, trace = made[-1]
    if machine.embedding_size:
        symbols = symbols_of(arranged, machine.input_size)
        shown = one_hot(symbols, machine.input_size).to(trace.inputs.dtype)
        if arranged.lengths is not None:
            shown = shown.masked_fill(~alive(arranged.lengths, len(shown)).unsqueeze(-1), 0)
        trace = replace(trace, inputs=_copy(shown))
    return replace(trace, outputs=_copy(arranged.time_first(outputs)))


def _record(
    machine: Any, arranged: Arranged, state: Any, targets: Tensor | None, interventions: Sequence[Intervention]
) -> tuple[Trace, Tensor, Any]:
    """The trace, the outputs (time, batch, output) and the final state."""
    x = machine.numbers_of(arranged)
    steps, batch_size = x.shape[:2]
    if batch_size == 0:
        raise ValueError(f"a trace needs at least 1 sequence; got inputs of shape {tuple(arranged.give_back(x).shape)}")
    if arranged.lengths is not None and int(arranged.lengths.min()) == 0:
        row = int(arranged.lengths.argmin())
        raise ValueError(f"a trace needs at least 1 step of each sequence; sequence {row} has length 0")
    if state is None:
        state = machine.initial_state(batch_size)
    else:
        state = machine.fitting(arranged.take_state(state), batch_size)
        check_values(state)
    sparse = hasattr(machine.access, "with_room")
    if sparse:
        # Every step has the same slots, all that will be touched.
        state = type(state)(state.controller, machine.access.with_room(state.access, steps))
    living, anew = None if arranged.lengths is None else alive(arranged.lengths, steps), arranged.reset
    if living is not None:
        anew = None if anew is None else anew & living
        x = x.masked_fill(~living.unsqueeze(-1), 0)
    if targets is not None:
        targets = targets.unsqueeze(1) if arranged.single else targets
        targets = targets.transpose(0, 1) if machine.batch_first and not arranged.single else targets
    whole = torch.full((batch_size,), steps, device="cpu")
    ends = whole if arranged.lengths is None else _copy(arranged.lengths)
    recorder = Recorder()
    if interventions:
        # What there is to change is what the first step shows.
        first, _, _ = _run(machine, x[:1], state, None, None, None, torch.ones_like(ends), recorder)
        recorder = Recorder(interventions, first, steps=steps)
    trace, outputs, state = _run(machine, x, state, living, anew, targets, ends, recorder)
    return first_slots(trace) if sparse else trace, outputs, state


def first_slots(trace: Trace) -> Trace:
    """A trace without the last slots, in which nothing ever stood and where no head ever was."""
    focuses = [stage.weights for head in trace.heads for stage in head.stages if stage.kind == "focus"]
    there = torch.stack([weights.flatten(0, 1).ne(0).any(0) for weights in focuses]).any(0)
    for memory in (trace.memory, trace.first_memory):
        there = there if memory is None else there | memory.ne(0).any(-1).flatten(0, -2).any(0)
    count = max(1, int(there.nonzero().max()) + 1 if there.any() else 1)

    def cut(head: Head) -> Head:
        stages = tuple(replace(each, weights=each.weights[..., :count]) for each in head.stages)
        return replace(head, stages=stages, first=None if head.first is None else head.first[..., :count])

    return replace(
        trace,
        heads=tuple(map(cut, trace.heads)),
        memory=None if trace.memory is None else trace.memory[:, :, :count],
        first_memory=None if trace.first_memory is None else trace.first_memory[:, :count],
    )


def _run(
    machine: Any,
    x: Tensor,
    state: Any,
    living: Tensor | None,
    reset: Tensor | None,
    targets: Tensor | None,
    lengths: Tensor,
    recorder: Recorder,
) -> tuple[Trace, Tensor, Any]:
    given, start = [], None if reset is None else machine.initial_state(x.shape[1])

    def in_stages(hidden: Tensor, state: Any) -> tuple[Tensor, Any]:
        return machine.access.forward_in_stages(hidden, state, recorder)

    for t in range(len(x)):
        recorder.begin(t)
        state = state if reset is None else keep_alive(reset[t], start, state)
        hidden, controller_state = machine.control(x[t], state)
        reads, access_state = call_with(machine.access, in_stages, hidden, state.access)
        after = type(state)(controller_state, access_state)
        state = after if living is None else keep_alive(living[t], after, state)
        given.append(torch.cat([hidden, reads.flatten(1)], -1))
    outputs = machine.output(torch.stack(given))
    if living is not None:
        outputs = outputs.masked_fill(~living.unsqueeze(-1), 0)
    heads, memory, first_memory = recorder.listed(lengths)
    trace = Trace(
        machine=machine.kind,
        inputs=_copy(x),
        outputs=_copy(outputs),
        lengths=lengths,
        heads=heads,
        targets=None if targets is None else _copy(targets),
        memory=memory,
        first_memory=first_memory,
        bounds=dict(getattr(machine.access, "bounds", {})),
    )
    return trace, outputs, state


def hold(tensors: list[Tensor], lengths: Tensor) -> Tensor:
    """A tensor a step, (batch, ...), as one, (time, batch, ...), in which a sequence's last step stays past its end."""
    stacked = torch.stack(tensors)
    steps, rows = (torch.arange(size, device=lengths.device) for size in stacked.shape[:2])
    return stacked[steps.unsqueeze(1).minimum(lengths - 1), rows]


def _copy(tensor: Tensor) -> Tensor:
    """A copy on the CPU, which what happens to the user's own tensors doesn't change."""
    return tensor.detach().to("cpu", copy=True)
