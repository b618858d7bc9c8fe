"""What if: changes made to a machine while it runs, for `machine.trace(x, intervene=...)`. Knows no machine.

An intervention changes the memory before a step, a number of a head, or the weighting that comes out of one of its
stages, all by the names that a trace lists; the equations stay those of `neuraltape.functional`. Interventions apply in
the order given; the last one to set a number wins.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neuraltape.nn.trace import Head, Trace
from neuraltape.printed import record_repr

Steps = int | range | None
"""One step, a range of steps with stride 1, or None: every step. Steps count from 0."""

# Lower and upper bound of numbers that have them in every machine, by their names in the glossary; a bound is a legal
# value here. A machine's own, which may be narrower, are in its traces.
BOUNDS = {
    "strength": (0.0, math.inf),
    "gate": (0.0, 1.0),
    "shift": (0.0, 1.0),
    "sharpness": (1.0, math.inf),
    "erase": (0.0, 1.0),
}


def bounds_of(listed: Trace, name: str) -> tuple[float, float]:
    """Between which bounds a number can be in the machine of a trace: infinite ones where it has none."""
    return listed.bounds.get(name, BOUNDS.get(name, (-math.inf, math.inf)))


class Place(NamedTuple):
    """Where an intervention could act."""

    head: str
    """The head's name, such as "read 1"."""
    stage: str
    """The stage's name; empty for the vectors that a head moves."""
    last: bool
    """Whether it is the head's last stage, whose weighting is the focus."""
    previous: Tensor | None
    """The head's focus one step before, (batch, slots)."""

    __repr__ = record_repr


@dataclass(frozen=True, kw_only=True)
class Intervention:
    """Base class: changes nothing at the steps that it covers."""

    steps: Steps = None
    """When: a step, a range, or None for every step."""

    def __post_init__(self) -> None:
        steps = self.steps
        whole = steps is None or (type(steps) is int and steps >= 0)
        if not whole and not (isinstance(steps, range) and len(steps) and steps.step == 1 and steps.start >= 0):
            raise ValueError(f"steps must be a step from 0, a range of them, or None for all; got {steps!r}")

    def covers(self, step: int) -> bool:
        """Whether it applies at this step."""
        return self.steps is None or (step in self.steps if isinstance(self.steps, range) else step == self.steps)

    def check(self, listed: Trace, steps: int) -> None:
        """Raise ValueError unless everything it names is there.

        Args:
            listed: a trace of the machine, of any length: it lists the heads, stages, numbers and slots.
            steps: how many steps the machine will take.
        """
        last = self.steps[-1] if isinstance(self.steps, range) else self.steps
        if last is not None and last >= steps:
            raise ValueError(f"steps must be below the sequence's {steps}; got {self.steps!r}")

    def change_memory(self, memory: Tensor) -> Tensor:
        """M_{t-1} as the step will see it, (batch, slots, width)."""
        return memory

    def change_number(self, at: Place, name: str, value: Tensor, ticks: tuple[Any, ...]) -> Tensor:
        """A head's number, or a vector that it moves, as the step will use it: (batch,) or (batch, n)."""
        return value

    def change_weights(self, at: Place, weights: Tensor) -> Tensor:
        """The weighting that comes out of a stage, as the step will use it: (batch, slots)."""
        return weights


@dataclass(frozen=True, kw_only=True)
class OnHeads(Intervention):
    """Base class of the changes to one head, or to all."""

    head: str | None = None
    """"read 1", "write 1", ..., as in `Trace.heads`; None: every head that it can apply to."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.head is not None and not isinstance(self.head, str):
            raise ValueError(f"head must be a name such as 'read 1', or None; got {self.head!r}")

    def heads(self, listed: Trace) -> list[Head]:
        """Those that are meant. Raises ValueError that lists the heads if there is none of that name."""
        return list(listed.heads) if self.head is None else [listed.head(self.head)]

    def meant(self, at: Place) -> bool:
        """Whether the head is meant."""
        return self.head is None or self.head == at.head


@dataclass(frozen=True, kw_only=True)
class Force(OnHeads):
    """Set a number of a head, after its activation, wherever it has it."""

    parameter: str
    """Which one, by its name in the trace: "gate", "strength", "shift", "key", "add", ..."""
    value: float | tuple[float, ...]
    """A number, or one for each entry of the parameter: a move for shift, a column of the memory for the vectors."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.parameter, str):
            raise ValueError(f"parameter must be the name of a number, such as 'gate'; got {self.parameter!r}")
        self._check_bounds(BOUNDS.get(self.parameter, (-math.inf, math.inf)))
        if self.parameter == "shift" and (not isinstance(self.value, tuple) or abs(math.fsum(self.value) - 1) > 1e-6):
            raise ValueError(f"value of shift must be a tuple that sums to 1, one entry a move; got {self.value!r}")

    def check(self, listed: Trace, steps: int) -> None:
        """Check as `Intervention.check` does; also the length of `value`, and that this machine's number can be so."""
        super().check(listed, steps)
        found = [sizes[self.parameter] for sizes in map(_sizes, self.heads(listed)) if self.parameter in sizes]
        if not found:
            of = "this machine's heads" if self.head is None else self.head
            names = dict.fromkeys(name for head in self.heads(listed) for name in _sizes(head))
            raise ValueError(f"parameter must be one of {', '.join(names)} for {of}; got {self.parameter!r}")
        if isinstance(self.value, tuple) and set(found) != {len(self.value)}:
            expected = " and ".join(str(size) for size in dict.fromkeys(found))
            raise ValueError(f"value of {self.parameter} must have length {expected}; got {len(self.value)}")
        self._check_bounds(bounds_of(listed, self.parameter))

    def _check_bounds(self, bounds: tuple[float, float]) -> None:
        numbers, (low, high) = self.value if isinstance(self.value, tuple) else (self.value,), bounds
        legal = all(type(x) in (int, float) and math.isfinite(x) and low <= x <= high for x in numbers)
        if not numbers or not legal:
            bound = "" if low == -math.inf else f" of at least {low:g}"
            bound = bound if high == math.inf else f" from {low:g} to {high:g}"
            raise ValueError(f"value of {self.parameter} must be finite numbers{bound}; got {self.value!r}")

    def change_number(self, at: Place, name: str, value: Tensor, ticks: tuple[Any, ...]) -> Tensor:
        """The number, set."""
        if name != self.parameter or not self.meant(at):
            return value
        new = value.new_tensor(self.value)
        # A strength, gate or sharpness has one number a head, and so no last axis.
        return (new.reshape(()) if value.dim() == 1 else new).expand_as(value)


@dataclass(frozen=True, kw_only=True)
class NoShift(OnHeads):
    """Switch the shift off: all of the focus makes the move 0."""

    def check(self, listed: Trace, steps: int) -> None:
        """Check as `Intervention.check` does; also that the heads shift, and that the move 0 is one of theirs."""
        super().check(listed, steps)
        moves = [
            (head.name, stage.ticks.get("shift", ()))
            for head in self.heads(listed)
            for stage in head.stages
            if "shift" in stage.numbers
        ]
        if not moves:
            shifting = [head.name for head in listed.heads if "shift" in _sizes(head)]
            among = f"one of {', '.join(shifting)}" if shifting else "one that shifts, and this machine's don't"
            raise ValueError(f"head must be {among}; got {self.head!r}")
        for name, ticks in moves:
            if 0 not in ticks:
                raise ValueError(f"{name} cannot stay: its moves {ticks} have no 0")

    def change_number(self, at: Place, name: str, value: Tensor, ticks: tuple[Any, ...]) -> Tensor:
        """The shift, one-hot on the move 0."""
        if name != "shift" or not self.meant(at):
            return value
        return value.new_tensor([float(tick == 0) for tick in ticks]).expand_as(value)


@dataclass(frozen=True, kw_only=True)
class Focus(OnHeads):
    """Put a head's focus on slots of your choice, in equal parts, as it comes out of one of its stages."""

    slots: tuple[int, ...]
    """Where to."""
    stage: str | None = None
    """The stage's name, as in `Head.stages`; None: the last one, whose weighting the head uses."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_slots(self.slots)
        if self.stage is not None and not isinstance(self.stage, str):
            raise ValueError(f"stage must be a name such as 'look up', or None; got {self.stage!r}")

    def check(self, listed: Trace, steps: int) -> None:
        """Check as `Intervention.check` does; also that slots and stage are there, and that the stage gives a focus."""
        super().check(listed, steps)
        _check_slots_there(self.slots, listed.slots)
        heads = self.heads(listed)
        if self.stage is not None:
            stages = [stage.name for head in heads for stage in head.stages if stage.kind == "focus"]
            if self.stage not in stages:
                raise ValueError(f"stage must be one of {', '.join(dict.fromkeys(stages))}; got {self.stage!r}")

    def change_weights(self, at: Place, weights: Tensor) -> Tensor:
        """The weighting, on these slots alone."""
        if not self.meant(at) or not (at.last if self.stage is None else at.stage == self.stage):
            return weights
        weights = torch.zeros_like(weights)
        weights[:, list(self.slots)] = 1 / len(self.slots)
        return weights


@dataclass(frozen=True, kw_only=True)
class Freeze(OnHeads):
    """Freeze a head: it keeps its previous focus, whatever its stages say."""

    def check(self, listed: Trace, steps: int) -> None:
        """Check as `Intervention.check` does; also that the head has a focus before step 0, if that is covered."""
        super().check(listed, steps)
        without = [head.name for head in self.heads(listed) if head.first is None]
        if without and self.covers(0):
            raise ValueError(f"steps must begin after step 0, before which {', '.join(without)} has no focus to keep")

    def change_weights(self, at: Place, weights: Tensor) -> Tensor:
        """The previous focus, in place of the last stage's."""
        if not self.meant(at) or not at.last:
            return weights
        assert at.previous is not None, "checked before the first step"
        return at.previous


@dataclass(frozen=True, kw_only=True)
class Erase(Intervention):
    """Set memory slots to 0 before the step, as writing with erase 1 and add 0 does."""

    slots: tuple[int, ...]
    """Which."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_slots(self.slots)

    def check(self, listed: Trace, steps: int) -> None:
        """Check as `Intervention.check` does; also that there is a memory with these slots."""
        super().check(listed, steps)
        if listed.memory is None:
            raise ValueError(f"slots can't be changed: this machine's trace ({listed.machine}) has no memory")
        _check_slots_there(self.slots, listed.slots)

    def change_memory(self, memory: Tensor) -> Tensor:
        """The memory with these slots empty."""
        memory = memory.clone()
        memory[:, list(self.slots)] = 0
        return memory


@dataclass(frozen=True, kw_only=True)
class Damage(Erase):
    """Add Gaussian noise to memory slots before the step: the same to every sequence and at every step covered."""

    deviation: float
    """Standard deviation of the noise."""
    seed: int = 0
    """Where the noise comes from."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (type(self.deviation) in (int, float) and math.isfinite(self.deviation) and self.deviation >= 0):
            raise ValueError(f"deviation must be a finite number of at least 0; got {self.deviation!r}")
        if type(self.seed) is not int or not 0 <= self.seed < 2**63:
            raise ValueError(f"seed must be an integer from 0 to 2^63 - 1; got {self.seed!r}")

    def change_memory(self, memory: Tensor) -> Tensor:
        """The memory with noise in these slots."""
        generator = torch.Generator().manual_seed(self.seed)
        noise = self.deviation * torch.randn(len(self.slots), memory.shape[-1], generator=generator)
        memory = memory.clone()
        memory[:, list(self.slots)] += noise.to(memory)
        return memory


def _sizes(head: Head) -> dict[str, int]:
    """How many entries each number of a head has, its vectors included."""
    numbers = {name: value for stage in head.stages for name, value in stage.numbers.items()}
    return {name: 1 if value.dim() == 2 else value.shape[-1] for name, value in (numbers | head.vectors).items()}


def _check_slots(slots: Any) -> None:
    integers = isinstance(slots, tuple) and all(type(slot) is int and slot >= 0 for slot in slots)
    if not integers or not slots or len(set(slots)) != len(slots):
        raise ValueError(f"slots must be a tuple of distinct slots from 0, at least one; got {slots!r}")


def _check_slots_there(slots: tuple[int, ...], count: int) -> None:
    if max(slots) >= count:
        raise ValueError(f"slots must be below the memory's {count}; got {max(slots)}")
