"""The heads' part of one step as a PyTorch operator: fake kernel for torch.compile, autograd, autocast."""

from functools import lru_cache

import torch
from torch import Tensor

from neuraltape.functional import AccessState, InterfaceLayout
from neuraltape.kernels.cpu.engine.checks import Shapes, access_shapes, check_tensors, dense
from neuraltape.kernels.cpu.engine.run import Constants, addresses, constants, run_kernel
from neuraltape.kernels.cpu.engine.sequence import refuse
from neuraltape.kernels.cpu.ntm.access_kernels import access_backward_step, access_forward_step
from neuraltape.kernels.spec import MachineSpec


@lru_cache(maxsize=256)
def _layout(numbers: tuple[int, ...]) -> InterfaceLayout:
    reading, writing, width, *offsets = numbers
    return InterfaceLayout(reading, writing, width, tuple(offsets))


def _prepare(memory: Tensor, numbers: tuple[int, ...]) -> tuple[Constants, Shapes]:
    """Sizes of a call, and the shapes of raw parameters and state."""
    layout = _layout(numbers)
    if memory.dim() != 3 or memory.numel() == 0 or memory.dtype not in (torch.float32, torch.float64):
        raise ValueError(
            "memory must be (batch, slots, width), not empty, float32 or float64; "
            f"got {tuple(memory.shape)}, {memory.dtype}"
        )
    batch, slots, _ = memory.shape
    # The smallest machine around these heads: only its access is used.
    spec = MachineSpec("ntm", "feedforward", 1, 1, 1, slots, layout)
    shapes = (("raw", (batch, layout.size)), *access_shapes(layout, slots, batch))
    return constants(spec, 1, batch, memory.element_size(), keep=True), shapes


@torch.library.custom_op("neuraltape::access_step", mutates_args=(), device_types="cpu")
def _forward(
    raw: Tensor, memory: Tensor, read_weights: Tensor, write_weights: Tensor, numbers: list[int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return _run_forward(raw, memory, read_weights, write_weights, tuple(numbers))


def _run_forward(
    raw: Tensor, memory: Tensor, read_weights: Tensor, write_weights: Tensor, numbers: tuple[int, ...]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    fixed, shapes = _prepare(memory, numbers)
    z, before = fixed.sizes, (raw, memory, read_weights, write_weights)
    check_tensors(before, shapes[:4], memory.dtype)
    memory1, read1, write1, reads = (raw.new_empty(shape) for _, shape in shapes[1:])
    before = tuple(dense(t) for t in before)
    table = (*fixed.start[2:], *addresses(*before, memory1, read1, write1, reads))
    run_kernel(access_forward_step, memory.element_size(), z.blocks, fixed, z.work_backward, table)
    return memory1, read1, write1, reads


@torch.library.register_fake("neuraltape::access_step")
def _(raw, memory, read_weights, write_weights, numbers):
    after = tuple(raw.new_empty(t.shape) for t in (memory, read_weights, write_weights))
    return *after, raw.new_empty(memory.shape[0], numbers[0], memory.shape[2])


@torch.library.custom_op("neuraltape::access_step_backward", mutates_args=(), device_types="cpu")
def _backward(
    raw: Tensor,
    memory: Tensor,
    read_weights: Tensor,
    write_weights: Tensor,
    read_after: Tensor,
    write_after: Tensor,
    dmemory: Tensor,
    dread_weights: Tensor,
    dwrite_weights: Tensor,
    dreads: Tensor,
    numbers: list[int],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    fixed, shapes = _prepare(memory, tuple(numbers))
    z, before = fixed.sizes, (raw, memory, read_weights, write_weights)
    draw, dmemory0, dread0, dwrite0 = (raw.new_empty(shape) for _, shape in shapes[:4])
    given = (*before, read_after, write_after, dmemory, dread_weights, dwrite_weights, dreads)
    check_tensors(given, (*shapes[:4], *shapes[2:4], *shapes[1:]), memory.dtype)
    given = tuple(dense(t) for t in given)
    table = (*fixed.start[2:], *addresses(*given, draw, dmemory0, dread0, dwrite0))
    run_kernel(access_backward_step, memory.element_size(), z.blocks, fixed, z.work_backward, table)
    return draw, dmemory0, dread0, dwrite0


@torch.library.register_fake("neuraltape::access_step_backward")
def _(raw, memory, read_weights, write_weights, *others):
    return tuple(raw.new_empty(t.shape) for t in (raw, memory, read_weights, write_weights))


def _setup(ctx, inputs, output):
    ctx.save_for_backward(*inputs[:4], output[1], output[2])
    ctx.numbers = inputs[4]


def _differentiate(ctx, *slopes):
    return *torch.ops.neuraltape.access_step_backward(*ctx.saved_tensors, *slopes, ctx.numbers), None


torch.library.register_autograd("neuraltape::access_step", _differentiate, setup_context=_setup)
torch.library.register_autograd("neuraltape::access_step_backward", refuse)


def access_step(raw: Tensor, state: AccessState, layout: InterfaceLayout) -> AccessState:
    """One step of the memory: see `neuraltape.functional.access_step`."""
    raw = raw.to(state.memory.dtype)
    before = (raw, state.memory, state.read_weights, state.write_weights)
    numbers = (layout.read_heads, layout.write_heads, layout.width, *layout.offsets)
    wants_gradient = torch.is_grad_enabled() and any(t.requires_grad for t in before)
    if wants_gradient or torch.compiler.is_compiling() or any(type(t) is not Tensor for t in before):
        return AccessState(*_forward(*before, list(numbers)))
    return AccessState(*_run_forward(*before, numbers))
