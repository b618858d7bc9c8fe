"""One step of one sequence, forward."""

import math

from neuraltape.kernels.cpu.lib.activations import sigmoid_of
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import copy, floats


@helper
def load(call, z, b, work, memory, saved, notes):
    """Bring one sequence's first state in."""
    copy(floats(work, call.memory0), b * z.ld_memory, work, memory, z.ld_memory)
    copy(floats(work, call.weights0), b * z.slots, saved, notes, z.slots)


@helper
def store(call, z, b, work, memory, saved, notes):
    """Bring one sequence's last state out."""
    copy(work, memory, floats(work, call.memory1), b * z.ld_memory, z.ld_memory)
    copy(saved, notes, floats(work, call.weights1), b * z.slots, z.slots)


@helper
def add_to(z, work, old, new, saved, parameters, after):
    """The memory after the write."""
    for n in range(z.slots):
        for i in range(z.width):
            place = n * z.width + i
            work[new + place] = work[old + place] + saved[after + n] * saved[parameters + 1 + i]


@helper
def forward(call, z, work, memory, raw, saved, parameters, before, after, reads, scratch):
    """Turn, add, read."""
    gate = sigmoid_of(work[raw])
    saved[parameters] = gate
    for i in range(1, z.width + 1):
        saved[parameters + i] = math.tanh(work[raw + i])
    for n in range(z.slots):
        last = before + (n if n > 0 else z.slots) - 1
        saved[after + n] = gate * saved[last] + (1 - gate) * saved[before + n]
    add_to(z, work, memory, memory, saved, parameters, after)
    for i in range(z.width):
        total = 0.0
        for n in range(z.slots):
            total += saved[after + n] * work[memory + n * z.width + i]
        work[reads + i] = total


@helper
def replay(call, z, work, old, new, saved, parameters, before, after, scratch):
    """The memory after the step from that before."""
    add_to(z, work, old, new, saved, parameters, after)
