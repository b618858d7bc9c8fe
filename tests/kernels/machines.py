"""Random machines for the kernel tests: parameters, inputs, a start, lengths and resets, all from one seed."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neuraltape.functional import (
    AccessState,
    DNCLayout,
    DNCState,
    InterfaceLayout,
    LRUALayout,
    LRUAState,
    SAMLayout,
    SAMState,
)
from neuraltape.functional.sam import NEVER
from neuraltape.kernels import MachineSpec, Restart, SequenceResult, Weights
from neuraltape.kernels.spec import STATES


def spec_of(
    cell: Any = "lstm",
    *,
    inputs: int = 3,
    hidden: int = 10,
    layers: int = 1,
    slots: int = 7,
    heads: tuple[int, int] = (1, 1),
    width: int = 5,
    offsets: tuple[int, ...] = (-1, 0, 1),
    access: str = "ntm",
    linear_units: int = 0,
) -> MachineSpec:
    """A small machine of odd sizes; of the linear units as many as there can be."""
    linear = min(linear_units, hidden) if cell == "lstm" else 0
    return MachineSpec(access, cell, inputs, hidden, layers, slots, InterfaceLayout(*heads, width, offsets), linear)


def lrua_spec_of(
    cell: Any = "lstm",
    *,
    inputs: int = 3,
    hidden: int = 10,
    layers: int = 1,
    slots: int = 7,
    heads: int = 2,
    width: int = 5,
    decay: float = 0.9,
) -> MachineSpec:
    """A small LRUA machine of odd sizes."""
    return MachineSpec("lrua", cell, inputs, hidden, layers, slots, LRUALayout(heads, width, decay))


def dnc_spec_of(
    cell: Any = "lstm",
    *,
    inputs: int = 3,
    hidden: int = 10,
    layers: int = 1,
    slots: int = 7,
    heads: int = 2,
    width: int = 5,
    **switches: bool,
) -> MachineSpec:
    """A small DNC of odd sizes."""
    return MachineSpec("dnc", cell, inputs, hidden, layers, slots, DNCLayout(heads, width, **switches))


def sam_spec_of(
    cell: Any = "lstm",
    *,
    inputs: int = 3,
    hidden: int = 10,
    layers: int = 1,
    slots: int = 30,
    heads: int = 2,
    width: int = 5,
    reads: int = 3,
    links: int = 0,
) -> MachineSpec:
    """A small SAM of odd sizes."""
    layout = SAMLayout(heads, width, min(reads, slots), max(slots, heads), min(links, slots))
    return MachineSpec("sam", cell, inputs, hidden, layers, layout.slots, layout)


class Call(NamedTuple):
    """All arguments of `sequence`."""

    inputs: Tensor
    lengths: Tensor | None
    weights: Weights
    controller: tuple[Tensor, ...]
    access: AccessState | LRUAState | DNCState | SAMState
    spec: MachineSpec
    restart: Restart | None = None

    def leaves(self) -> list[Tensor]:
        """Everything that can have a gradient: all but an LRUA's usage and a DNC's last write."""
        weights = (*self.weights.controller, self.weights.interface_weight, self.weights.interface_bias)
        tensors = [self.inputs, *weights, *self.controller, *self.access.parts()]
        tensors += [] if self.restart is None else [*self.restart.controller, *self.restart.access.parts()]
        return [tensor for tensor in tensors if tensor.requires_grad]

    def to(self, dtype: torch.dtype) -> "Call":
        """The same numbers in another precision, as fresh leaves."""
        return self.map(lambda tensor: tensor.detach().to(dtype).requires_grad_())

    def map(self, change: Callable[[Tensor], Tensor]) -> "Call":
        """Every leaf changed."""
        weights = Weights(tuple(map(change, self.weights.controller)), *map(change, self.weights[1:]))
        restart, controller = self.restart, tuple(map(change, self.controller))
        if restart is not None:
            restart = Restart(restart.at, tuple(map(change, restart.controller)), changed(restart.access, change))
        access = changed(self.access, change)
        return Call(change(self.inputs), self.lengths, weights, controller, access, self.spec, restart)


def changed(access: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Every leaf of an access's state changed."""
    if isinstance(access, SAMState):
        # What says where, how long ago and how many has no gradient.
        kept = {
            name: change(getattr(access, name)).detach()
            for name in ("read_slots", "age", "used", "links", "precedence")
        }
        smooth = {name: change(getattr(access, name)) for name in ("memory", "read_weights", "reads")}
        return access.replace(**kept, **smooth)
    access = type(access)(*map(change, access.parts()))
    # What a step takes without a gradient.
    fixed = {LRUAState: "usage", DNCState: "write_weights"}.get(type(access))
    return access if fixed is None else access.replace(**{fixed: getattr(access, fixed).detach()})


def call_of(
    spec: MachineSpec,
    time: int,
    batch: int,
    *,
    seed: int = 0,
    lengths: bool = False,
    resets: bool = False,
    scale: float = 1.0,
) -> Call:
    """A call with float64 leaves, weights large enough that every gate and head is busy.

    resets: a fourth of all steps begin anew. scale: factor on the interface's weights.
    """
    generator = torch.Generator().manual_seed(seed)
    layout, hidden = spec.layout, spec.hidden_size
    bound = hidden**-0.5

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    def focus(heads: int) -> Tensor:
        return torch.softmax(draw(batch, heads, spec.slots), -1)

    gates = {"lstm": 4, "gru": 3, "feedforward": 1}[spec.cell]
    controller: list[Tensor] = []
    for layer in range(spec.layers):
        seen = spec.input_size + layout.read_heads * layout.width if layer == 0 else hidden
        controller.append(draw(gates * hidden, seen) * bound)
        if spec.cell != "feedforward":
            controller += [draw(gates * hidden, hidden) * bound, draw(gates * hidden) * bound]
        controller.append(draw(gates * hidden) * bound)
    weights = Weights(tuple(controller), draw(layout.size, hidden) * bound * 4 * scale, draw(layout.size) * scale)

    def state() -> tuple[tuple[Tensor, ...], AccessState | LRUAState | DNCState | SAMState]:
        carried = tuple(draw(batch, spec.layers, hidden) / 2 for _ in range(STATES[spec.cell]))
        memory, reads = draw(batch, spec.slots, layout.width), draw(batch, layout.read_heads, layout.width)
        if isinstance(layout, LRUALayout):
            usage = torch.rand(batch, spec.slots, generator=generator, dtype=torch.float64)
            return carried, LRUAState(memory, focus(layout.heads), usage, reads)
        if isinstance(layout, SAMLayout):
            # Some of the slots were given, of which some were accessed.
            count, given = layout.sparse_reads, max(layout.sparse_reads, layout.slots * 2 // 3)
            order = torch.rand(batch, layout.read_heads, given, generator=generator).argsort(-1)[..., :count]
            age = torch.randint(0, 5, (batch, given), generator=generator).double()
            used = torch.full((batch,), given, dtype=torch.float64)
            parts = memory[:, :given], order.double(), torch.softmax(draw(batch, layout.read_heads, count), -1)
            ages, heads = age.masked_fill(age == 4, NEVER), layout.read_heads
            # Nothing is linked.
            links, last = (memory.new_zeros(batch, heads, *of, layout.sparse_links) for of in ((given, 4), (2,)))
            return carried, SAMState(*parts, ages, used, links, last, reads)
        if isinstance(layout, DNCLayout):
            usage = torch.rand(batch, spec.slots, generator=generator, dtype=torch.float64)
            linked = spec.slots if layout.links else 0
            links = torch.rand(batch, linked, linked, generator=generator, dtype=torch.float64) / max(linked, 1)
            last = focus(1)[:, 0, :linked]
            return carried, DNCState(memory, focus(layout.read_heads), focus(1)[:, 0], usage, links, last, reads)
        return carried, AccessState(memory, focus(layout.read_heads), focus(layout.write_heads), reads)

    before = state()
    steps = torch.randint(0, time + 1, (batch,), generator=generator) if lengths else None
    inputs = draw(time, batch, spec.input_size)
    restart = Restart(torch.rand(time, batch, generator=generator) < 0.25, *state()) if resets else None
    return Call(inputs, steps, weights, *before, spec, restart).to(torch.float64)


def results_of(result: SequenceResult) -> list[Tensor]:
    """All tensors of a result."""
    return [result.hidden, result.reads, *result.controller, *result.access.parts()]


def run(sequence: Callable[..., SequenceResult], call: Call, *, seed: int = 1) -> tuple[list[Tensor], list[Tensor]]:
    """Results, and the gradients of all leaves for random gradients of all results that have one."""
    outputs = results_of(sequence(*call))
    smooth = [tensor for tensor in outputs if tensor.requires_grad]
    generator = torch.Generator().manual_seed(seed)
    slopes = [torch.randn(t.shape, generator=generator, dtype=torch.float64).to(t.dtype) for t in smooth]
    return outputs, list(torch.autograd.grad(smooth, call.leaves(), slopes))


def assert_near(got: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    """Each tensor's error, as a length, is at most `tolerance` of the expected tensor's length."""
    for i, (a, b) in enumerate(zip(got, expected, strict=True)):
        error = (a.double() - b.double()).norm() / b.double().norm().clamp_min(1e-30)
        assert error <= tolerance, f"tensor {i}, {tuple(b.shape)}: relative error {error:.2e} above {tolerance:.0e}"
