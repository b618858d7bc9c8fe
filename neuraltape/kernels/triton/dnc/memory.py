"""Writing to the memory of one sequence, and the raw row's norm, both ways."""

import triton
import triton.language as tl

from neuraltape.kernels.triton.dnc.allocation import allocation, retention
from neuraltape.kernels.triton.lib.formulas import sigmoid
from neuraltape.kernels.triton.lib.tiles import load_focus, load_vector


@triton.jit
def normalise(raw, now, z: tl.constexpr):
    """Layer norm of a raw row in place; one over its deviation goes to the notes."""
    i = tl.arange(0, z.normalised)
    row = tl.load(raw + i, mask=i < z.emitted, other=0.0)
    centred = tl.where(i < z.emitted, row - tl.sum(row, 0) / z.emitted, 0.0)
    inverse = 1.0 / tl.sqrt(tl.sum(centred * centred, 0) / z.emitted + z.norm_eps)
    tl.debug_barrier()
    tl.store(raw + i, centred * inverse, mask=i < z.emitted)
    tl.store(now + z.deviation, inverse)
    tl.debug_barrier()


@triton.jit
def normalise_backward(raw, now, draw, z: tl.constexpr):
    """Backward of `normalise`, in place. raw: the row after it."""
    i = tl.arange(0, z.normalised)
    row = tl.load(raw + i, mask=i < z.emitted, other=0.0)
    slope = tl.load(draw + i, mask=i < z.emitted, other=0.0)
    slope -= tl.sum(slope, 0) / z.emitted + row * (tl.sum(slope * row, 0) / z.emitted)
    tl.debug_barrier()
    tl.store(draw + i, slope * tl.load(now + z.deviation), mask=i < z.emitted)


@triton.jit
def write_focus(content, usage, taken, raw, z: tl.constexpr):
    """Where to write, from where the key is and what is free."""
    allocation_gate, write_gate = sigmoid(tl.load(raw + z.allocation_gate)), sigmoid(tl.load(raw + z.write_gate))
    return write_gate * (allocation_gate * allocation(usage, taken, z) + (1.0 - allocation_gate) * content)


@triton.jit
def write(memory, raw, before, now, z: tl.constexpr):
    """Empty what was freed, if it is; erase; add. now: the notes, in which the write weights stand."""
    weights = load_focus(now + z.written, 0, z)[:, None]
    if z.wipe:
        memory *= retention(raw, before, -1, z)[:, None]
    memory *= 1.0 - weights * sigmoid(load_vector(raw + z.erase, 0, z))[None, :]
    return memory + weights * load_vector(raw + z.add, 0, z)[None, :]
