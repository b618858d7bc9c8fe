"""Random LRUA machines for the kernel tests: parameters, inputs, a start and lengths, all from one seed."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from neuraltape.functional import LRUALayout, LRUAState
from neuraltape.kernels import MachineSpec, SequenceResult, Weights


def spec_of(
    *,
    inputs: int = 3,
    hidden: int = 10,
    slots: int = 7,
    heads: int = 2,
    width: int = 5,
    decay: float = 0.9,
) -> MachineSpec:
    """A small machine of odd sizes."""
    return MachineSpec("lrua", "lstm", inputs, hidden, 1, slots, LRUALayout(heads, width, decay))


class Call(NamedTuple):
    """All arguments of `sequence`."""

    inputs: Tensor
    lengths: Tensor | None
    weights: Weights
    controller: tuple[Tensor, ...]
    access: LRUAState
    spec: MachineSpec

    def leaves(self) -> list[Tensor]:
        """Everything that can have a gradient: all but the usage."""
        state = (self.access.memory, self.access.read_weights, self.access.reads)
        return [self.inputs, *self.weights.controller, *self.weights[1:], *self.controller, *state]

    def map(self, change: Callable[[Tensor], Tensor]) -> "Call":
        """Every tensor of numbers changed."""
        weights = Weights(tuple(map(change, self.weights.controller)), *map(change, self.weights[1:]))
        access = LRUAState(*map(change, self.access.parts()))
        access = access.replace(usage=access.usage.detach())
        controller = tuple(map(change, self.controller))
        return Call(change(self.inputs), self.lengths, weights, controller, access, self.spec)

    def to(self, dtype: torch.dtype) -> "Call":
        """The same numbers in another precision, as fresh leaves."""
        return self.map(lambda tensor: tensor.detach().to(dtype).requires_grad_())


def call_of(
    spec: MachineSpec, time: int, batch: int, *, seed: int = 0, lengths: bool = False, scale: float = 1.0
) -> Call:
    """A call with float64 leaves, weights large enough that every gate and head is busy; scale: of the interface's."""
    generator = torch.Generator().manual_seed(seed)
    layout, hidden = spec.layout, spec.hidden_size
    bound = hidden**-0.5

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    rows, seen = 4 * hidden, spec.input_size + layout.heads * layout.width
    controller = (draw(rows, seen), draw(rows, hidden), draw(rows), draw(rows))
    interface = draw(layout.size, hidden) * bound * 4 * scale
    weights = Weights(tuple(each * bound for each in controller), interface, draw(layout.size) * scale)
    access = LRUAState(
        draw(batch, spec.slots, layout.width),
        torch.softmax(draw(batch, layout.heads, spec.slots), -1),
        torch.rand(batch, spec.slots, generator=generator, dtype=torch.float64),
        draw(batch, layout.heads, layout.width),
    )
    steps = torch.randint(1, time + 1, (batch,), generator=generator) if lengths else None
    state = (draw(batch, 1, hidden) / 2, draw(batch, 1, hidden) / 2)
    return Call(draw(time, batch, spec.input_size), steps, weights, state, access, spec).to(torch.float64)


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
