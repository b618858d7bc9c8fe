"""One step of one sequence, backward."""

from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import copy, floats


@helper
def load_slopes(call, z, b, work, slopes, dnotes):
    """Bring in the gradient of one sequence's last state."""
    if call.dmemory1 != 0:
        copy(floats(work, call.dmemory1), b * z.ld_memory, work, slopes, z.ld_memory)
    if call.dweights1 != 0:
        copy(floats(work, call.dweights1), b * z.slots, work, dnotes, z.slots)


@helper
def store_slopes(call, z, b, work, slopes, dnotes):
    """Bring out the gradient of one sequence's first state."""
    if call.dmemory0 != 0:
        copy(work, slopes, floats(work, call.dmemory0), b * z.ld_memory, z.ld_memory)
    if call.dweights0 != 0:
        copy(work, dnotes, floats(work, call.dweights0), b * z.slots, z.slots)


@helper
def backward(call, z, work, old, new, slopes, saved, parameters, before, after, dnotes, dreads, dparameters, scratch):
    """Backward of `step.forward`."""
    gate = saved[parameters]
    for i in range(z.width):
        work[dparameters + 1 + i] = 0.0
    for n in range(z.slots):
        slope = work[dnotes + n]
        for i in range(z.width):
            place = n * z.width + i
            slope += work[dreads + i] * work[new + place]
            work[slopes + place] += saved[after + n] * work[dreads + i]
            slope += work[slopes + place] * saved[parameters + 1 + i]
            work[dparameters + 1 + i] += work[slopes + place] * saved[after + n]
        work[scratch + n] = slope
    dgate = 0.0
    for n in range(z.slots):
        last = n - 1 if n > 0 else z.slots - 1
        dgate += work[scratch + n] * (saved[before + last] - saved[before + n])
        following = n + 1 if n + 1 < z.slots else 0
        work[dnotes + n] = gate * work[scratch + following] + (1 - gate) * work[scratch + n]
    work[dparameters] = dgate * gate * (1 - gate)
    for i in range(1, z.width + 1):
        work[dparameters + i] *= (1 - saved[parameters + i]) * (1 + saved[parameters + i])
