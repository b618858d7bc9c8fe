"""The heads' part of one step as a PyTorch operator: fake kernel for torch.compile, autograd, autocast."""

from functools import lru_cache

import torch
from torch import Tensor

from neuraltape.functional import AccessState, InterfaceLayout
from neuraltape.kernels.cpu import threads
from neuraltape.kernels.cpu.access_kernels import access_backward_block, access_forward_block
from neuraltape.kernels.cpu.plan import Places, places
from neuraltape.kernels.cpu.run import addresses, constants
from neuraltape.kernels.cpu.sequence import refuse
from neuraltape.kernels.cpu.simd import VECTOR_BYTES
from neuraltape.kernels.spec import MachineSpec


@lru_cache(maxsize=256)
def _plan(numbers: tuple[int, ...], slots: int, batch: int, item_size: int) -> Places:
    reading, writing, width, *offsets = numbers
    layout = InterfaceLayout(reading, writing, width, tuple(offsets))
    # The smallest machine around these heads: only its access is used.
    spec = MachineSpec("feedforward", 1, 1, 1, slots, layout)
    return places(spec, 1, batch, VECTOR_BYTES // item_size, keep=True)


@torch.library.custom_op("neuraltape::access_step", mutates_args=(), device_types="cpu")
def _forward(
    raw: Tensor, memory: Tensor, read_weights: Tensor, write_weights: Tensor, numbers: list[int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return _run_forward(raw, memory, read_weights, write_weights, tuple(numbers))


def _run_forward(
    raw: Tensor, memory: Tensor, read_weights: Tensor, write_weights: Tensor, numbers: tuple[int, ...]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    batch, slots, width = memory.shape
    z = _plan(numbers, slots, batch, raw.element_size())
    fixed = constants(z, numbers[3:])
    before = (raw, memory, read_weights, write_weights)
    memory1, read1, write1 = (raw.new_empty(t.shape) for t in before[1:])
    reads = raw.new_empty(batch, numbers[0], width)
    before = tuple(t.contiguous() for t in before)
    table = addresses(fixed.mask, fixed.moves, *before, memory1, read1, write1, reads)

    def task(block: int) -> None:
        access_forward_block(fixed.places, block, table, threads.room(z.work_backward, fixed.mask.dtype), fixed.tiny)

    threads.run(task, z.blocks)
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
    batch, slots, _ = memory.shape
    z = _plan(tuple(numbers), slots, batch, raw.element_size())
    fixed = constants(z, tuple(numbers[3:]))
    before = (raw, memory, read_weights, write_weights)
    draw, dmemory0, dread0, dwrite0 = (raw.new_empty(t.shape) for t in before)
    given = (*before, read_after, write_after, dmemory, dread_weights, dwrite_weights, dreads)
    given = tuple(t.contiguous() for t in given)
    table = addresses(fixed.mask, fixed.moves, *given, draw, dmemory0, dread0, dwrite0)

    def task(block: int) -> None:
        access_backward_block(fixed.places, block, table, threads.room(z.work_backward, fixed.mask.dtype), fixed.tiny)

    threads.run(task, z.blocks)
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
