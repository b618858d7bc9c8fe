"""What if: changes made to a machine while it runs, for `NTM.trace(x, intervene=...)`. Knows no controller.

An intervention changes the memory before a step, or the activated parameters of the heads in it; the equations stay
those of `neuraltape.functional`. Interventions apply in the order given; the last one to set a number wins.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from neuraltape.functional import Interface, InterfaceLayout

Steps = int | range | None
"""One step, a range of steps with stride 1, or None: every step. Steps count from 0."""

Parameter = Literal["strength", "gate", "shift", "sharpness", "key", "erase", "add"]
WRITE_ONLY = ("erase", "add")
# Lower and upper bound of each parameter's numbers (neuraltape.functional.interface); a bound is a legal value here.
BOUNDS = {
    "strength": (0.0, math.inf),
    "gate": (0.0, 1.0),
    "shift": (0.0, 1.0),
    "sharpness": (1.0, math.inf),
    "key": (-1.0, 1.0),
    "erase": (0.0, 1.0),
    "add": (-1.0, 1.0),
}


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

    def check(self, layout: InterfaceLayout, slots: int, steps: int) -> None:
        """Raise ValueError if a machine of these sizes, run for so many steps, has no such head, slot or step."""
        last = self.steps[-1] if isinstance(self.steps, range) else self.steps
        if last is not None and last >= steps:
            raise ValueError(f"steps must be below the sequence's {steps}; got {self.steps!r}")

    def change_memory(self, memory: Tensor) -> Tensor:
        """M_{t-1} as the step will see it, (batch, slots, width)."""
        return memory

    def change_interface(self, interface: Interface, layout: InterfaceLayout) -> Interface:
        """The heads' activated parameters as the step will use them, (batch, heads, ...)."""
        return interface


@dataclass(frozen=True, kw_only=True)
class Force(Intervention):
    """Set a parameter of a head, after its activation."""

    parameter: Parameter
    """Which one, by its name in `Interface`."""
    value: float | tuple[float, ...]
    """A number, or one for each entry of the parameter: a move for shift, a column of the memory for the vectors."""
    head: str | None = None
    """"read 1", "write 1", ..., as in `Trace.heads`; None: every head that has the parameter."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.parameter not in BOUNDS:
            raise ValueError(f"parameter must be one of {', '.join(get_args(Parameter))}; got {self.parameter!r}")
        numbers = self.value if isinstance(self.value, tuple) else (self.value,)
        low, high = BOUNDS[self.parameter]
        legal = all(type(x) in (int, float) and math.isfinite(x) and low <= x <= high for x in numbers)
        if not numbers or not legal:
            bound = f"of at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
            raise ValueError(f"value of {self.parameter} must be finite numbers {bound}; got {self.value!r}")
        if self.parameter == "shift" and (not isinstance(self.value, tuple) or abs(math.fsum(self.value) - 1) > 1e-6):
            raise ValueError(f"value of shift must be a tuple that sums to 1, one entry a move; got {self.value!r}")
        if self.head is not None and not isinstance(self.head, str):
            raise ValueError(f"head must be a name such as 'read 1', or None; got {self.head!r}")

    def check(self, layout: InterfaceLayout, slots: int, steps: int) -> None:
        """As `Intervention.check`; also the length of `value`."""
        super().check(layout, slots, steps)
        head_rows(self.head, layout)
        if self.parameter in WRITE_ONLY and self.head is not None and self.head.startswith("read"):
            raise ValueError(f"head must be a write head for {self.parameter}; got {self.head!r}")
        if isinstance(self.value, tuple):
            sizes = {"shift": len(layout.offsets), "strength": 1, "gate": 1, "sharpness": 1}
            expected = sizes.get(self.parameter, layout.width)
            if len(self.value) != expected:
                raise ValueError(f"value of {self.parameter} must have length {expected}; got {len(self.value)}")

    def change_interface(self, interface: Interface, layout: InterfaceLayout) -> Interface:
        """The parameter, set."""
        old = getattr(interface, self.parameter)
        rows = head_rows(self.head, layout)
        if self.parameter in WRITE_ONLY:
            rows = [row - layout.read_heads for row in rows if row >= layout.read_heads]
        value = old.new_tensor(self.value)
        new = old.clone()
        # A strength, gate or sharpness has one number a head, and so no last axis.
        new[:, rows] = value.reshape(()) if old.dim() == 2 else value
        return interface._replace(**{self.parameter: new})


@dataclass(frozen=True, kw_only=True)
class NoShift(Intervention):
    """Switch the shift off: all of the focus makes the move 0."""

    head: str | None = None
    """"read 1", "write 1", ..., or None: every head."""

    def check(self, layout: InterfaceLayout, slots: int, steps: int) -> None:
        """As `Intervention.check`; also that the move 0 is one of the machine's."""
        super().check(layout, slots, steps)
        head_rows(self.head, layout)
        _stay(layout)

    def change_interface(self, interface: Interface, layout: InterfaceLayout) -> Interface:
        """The shift, one-hot on the move 0."""
        return Force(parameter="shift", value=_stay(layout), head=self.head).change_interface(interface, layout)


@dataclass(frozen=True, kw_only=True)
class Freeze(NoShift):
    """Freeze a head: it keeps its previous focus (gate 0, no shift, sharpness 1)."""

    def change_interface(self, interface: Interface, layout: InterfaceLayout) -> Interface:
        """Gate, shift and sharpness, set so that the focus stays."""
        interface = super().change_interface(interface, layout)
        for force in (
            Force(parameter="gate", value=0.0, head=self.head),
            Force(parameter="sharpness", value=1.0, head=self.head),
        ):
            interface = force.change_interface(interface, layout)
        return interface


@dataclass(frozen=True, kw_only=True)
class Erase(Intervention):
    """Set memory slots to 0 before the step, as writing with erase 1 and add 0 does."""

    slots: tuple[int, ...]
    """Which."""

    def __post_init__(self) -> None:
        super().__post_init__()
        integers = isinstance(self.slots, tuple) and all(type(slot) is int and slot >= 0 for slot in self.slots)
        if not integers or not self.slots or len(set(self.slots)) != len(self.slots):
            raise ValueError(f"slots must be a tuple of distinct slots from 0, at least one; got {self.slots!r}")

    def check(self, layout: InterfaceLayout, slots: int, steps: int) -> None:
        """As `Intervention.check`; also that the slots are there."""
        super().check(layout, slots, steps)
        if max(self.slots) >= slots:
            raise ValueError(f"slots must be below the memory's {slots}; got {max(self.slots)}")

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


def head_rows(head: str | None, layout: InterfaceLayout) -> list[int]:
    """Where a head stands in an `Interface`; None: all of them. Raises ValueError that lists the heads."""
    counts = (("read", layout.read_heads), ("write", layout.write_heads))
    names = [f"{kind} {number + 1}" for kind, count in counts for number in range(count)]
    if head is not None and head not in names:
        raise ValueError(f"head must be one of {', '.join(names)}; got {head!r}")
    return list(range(len(names))) if head is None else [names.index(head)]


def _stay(layout: InterfaceLayout) -> tuple[float, ...]:
    if 0 not in layout.offsets:
        raise ValueError(f"this machine's heads cannot stay: its shift_offsets {layout.offsets} have no 0")
    return tuple(float(offset == 0) for offset in layout.offsets)
