"""An access's part of one step as a PyTorch operator: fake kernel for torch.compile, autograd."""

from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neuraltape.kernels.around import followed, refuse_backward
from neuraltape.kernels.cpu.engine.access import named
from neuraltape.kernels.cpu.engine.access_kernels import make_access_backward, make_access_forward, room
from neuraltape.kernels.cpu.engine.checks import state_shapes
from neuraltape.kernels.cpu.engine.many import for_each
from neuraltape.kernels.cpu.engine.plan import places
from neuraltape.kernels.cpu.engine.run import Constants, constants, run_kernel
from neuraltape.kernels.cpu.engine.sequence import CONTROLLER, refuse
from neuraltape.kernels.cpu.lib.checks import Shapes, check_tensors, dense
from neuraltape.kernels.cpu.lib.compiler import Kernel
from neuraltape.kernels.cpu.lib.job import addresses
from neuraltape.kernels.cpu.lib.kept import kept
from neuraltape.kernels.reference import access_step as in_plain_pytorch
from neuraltape.kernels.spec import MachineSpec

# Bytes of what is prepared for calls, kept in all.
_KEPT = 2**22


@cache
def kernels_of(access: str) -> tuple[Kernel, Kernel]:
    """Forward and backward of one step of an access."""
    return make_access_forward(named(access)), make_access_backward(named(access))


class _Prepared(NamedTuple):
    """What does not change between two calls of the same sizes."""

    fixed: Constants
    work: int
    """Numbers in a thread's room."""
    raw: Shapes
    state: Shapes


@kept(lambda made: sum(array.nbytes for array in made.fixed.arrays), _KEPT)
def _prepare(access: str, numbers: tuple[float, ...], batch: int, slots: int, item_size: int) -> _Prepared:
    layout = named(access).from_numbers(numbers)
    # The smallest machine around these heads: only its access is used.
    spec = MachineSpec(access, "feedforward", 1, 1, 1, slots, layout)
    fixed = constants(spec, 1, batch, item_size, keep=True)
    own = places(spec, 1, batch, fixed.sizes.vector, keep=True).own
    raw = (("raw", (batch, layout.size)),)
    return _Prepared(fixed, room(fixed.sizes, own), raw, fixed.of_state[CONTROLLER:])


def _prepared(state: list[Tensor], access: str, numbers: tuple[float, ...]) -> _Prepared:
    memory = state[0]
    if memory.dim() != 3 or memory.numel() == 0 or memory.dtype not in (torch.float32, torch.float64):
        raise ValueError(
            "memory must be (batch, slots, width), not empty, float32 or float64; "
            f"got {tuple(memory.shape)}, {memory.dtype}"
        )
    return _prepare(access, numbers, len(memory), memory.shape[1], memory.element_size())


def _run_forward(raw: Tensor, state: list[Tensor], access: str, numbers: tuple[float, ...]) -> list[Tensor]:
    prepared, like = _prepared(state, access, numbers), state[0]
    check_tensors((raw, *state), (*prepared.raw, *prepared.state[:-1]), like.dtype)
    after = [raw.new_empty(shape) for _, shape in prepared.state]
    before = [dense(tensor) for tensor in (raw, *state)]
    given = (*prepared.fixed.start[2:], 0, *addresses(*before, *after))
    run_kernel(kernels_of(access)[0], like.element_size(), len(like), prepared.fixed, prepared.work, given)
    return after


@torch.library.custom_op("neuraltape::access_step", mutates_args=(), device_types="cpu")
def _forward(raw: Tensor, state: list[Tensor], access: str, numbers: list[float]) -> list[Tensor]:
    return _run_forward(raw, state, access, tuple(numbers))


@torch.library.register_fake("neuraltape::access_step")
def _(raw, state, access, numbers):
    layout = named(access).from_numbers(tuple(numbers))
    reads = raw.new_empty(raw.shape[0], layout.read_heads, layout.width)
    return [*(raw.new_empty(tensor.shape) for tensor in state), reads]


@torch.library.custom_op("neuraltape::access_step_backward", mutates_args=(), device_types="cpu")
def _backward(
    slopes: list[Tensor], raw: Tensor, state: list[Tensor], access: str, numbers: list[float]
) -> list[Tensor]:
    prepared, like = _prepared(state, access, tuple(numbers)), state[0]
    before = (*prepared.raw, *prepared.state[:-1])
    check_tensors((raw, *state, *slopes), (*before, *prepared.state), like.dtype)
    made = [raw.new_empty(shape) for _, shape in before]
    came = [dense(tensor) for tensor in (raw, *state, *slopes)]
    given = (*prepared.fixed.start[2:], 0, *addresses(*came, *made))
    run_kernel(kernels_of(access)[1], like.element_size(), len(like), prepared.fixed, prepared.work, given)
    return made


@torch.library.register_fake("neuraltape::access_step_backward")
def _(slopes, raw, state, access, numbers):
    return [raw.new_empty(tensor.shape) for tensor in (raw, *state)]


def _setup(ctx, inputs, output):
    raw, state, ctx.access, ctx.numbers = inputs
    ctx.save_for_backward(raw, *state)


def _differentiate(ctx, slopes):
    refuse_backward(slopes)
    raw, *state = ctx.saved_tensors
    draw, *dstate = torch.ops.neuraltape.access_step_backward(slopes, raw, state, ctx.access, ctx.numbers)
    return draw, dstate, None, None


torch.library.register_autograd("neuraltape::access_step", _differentiate, setup_context=_setup)
torch.library.register_autograd("neuraltape::access_step_backward", refuse)
torch.library.register_vmap("neuraltape::access_step_backward", for_each(_backward))


def access_step(raw: Tensor, state: Any, layout: Any) -> Any:
    """One step of the memory: see `neuraltape.kernels.reference.access_step`."""
    plug = named(layout.access)
    # The reads before the step take no part in it.
    tensors = list(state.parts()[:-1])
    raw = raw.to(tensors[0].dtype)
    if raw.shape[0] == 0 and tensors[0].dim() == 3:
        spec = MachineSpec(layout.access, "feedforward", 1, 1, 1, tensors[0].shape[1], layout)
        wanted = (("raw", (0, layout.size)), *state_shapes(spec, 0)[CONTROLLER:-1])
        check_tensors((raw, *tensors), wanted, tensors[0].dtype)
        return in_plain_pytorch(raw, state, layout)
    numbers = plug.to_numbers(layout)
    before = (raw, *tensors)
    wants_gradient = torch.is_grad_enabled() and any(t.requires_grad for t in before)
    if wants_gradient or followed() or any(type(t) is not Tensor for t in before):
        return plug.state(*_forward(raw, tensors, layout.access, list(numbers)))
    return plug.state(*_run_forward(raw, tensors, layout.access, numbers))
