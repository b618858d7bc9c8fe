"""An access's part of one step for a whole batch, forward and backward: for controllers that are not built in."""

from typing import Any

from neuraltape.kernels.cpu.engine.access import Access
from neuraltape.kernels.cpu.engine.forward import fill
from neuraltape.kernels.cpu.engine.plan import Sizes, parts
from neuraltape.kernels.cpu.lib.compiler import Kernel, kernel
from neuraltape.kernels.cpu.lib.job import task
from neuraltape.kernels.cpu.lib.simd import copy, floats


def room(z: Sizes, own: Any) -> int:
    """Numbers in a thread's room."""
    state = 3 * (own.ld_memory + own.ld_notes)
    return 3 * z.ld_parameters + 2 * z.ld_first + state + own.ld_scratch + 8 * z.vector


def given_forward(access: Access) -> tuple[str, ...]:
    """Names of what the kernel is given: addresses.

    The access's constants; boards: 0, as nobody helps here; raw: (B, parameters); its state before the step, without
    the reads, and after it, which is received.
    """
    before, after = ([f"{name}{i}" for name in access.state.names] for i in (0, 1))
    return *access.constant_names, "boards", "raw", *before[:-1], *after


def given_backward(access: Access) -> tuple[str, ...]:
    """Names of what the kernel is given: addresses.

    Constants, raw and the state before as for `given_forward`; gradients of the state after; receiving those of `raw`
    and of the state before.
    """
    before = [f"{name}0" for name in access.state.names[:-1]]
    slopes = [[f"d{name}{i}" for name in access.state.names] for i in (0, 1)]
    return *access.constant_names, "boards", "raw", *before, *slopes[1], "draw", *slopes[0][:-1]


def make_access_forward(access: Access) -> Kernel:
    """The kernel of an access, one step of each sequence."""
    load, step, store = access.load, access.forward, access.store
    parts_of_job = parts(access, given_forward(access))

    @kernel(f"{access.name}.access_forward")
    def access_forward(job):
        z, call, _, work = parts_of_job(job)
        parameters = z.ld_parameters
        before = parameters + z.ld_parameters
        after = before + z.ld_notes
        reads = after + z.ld_notes
        memory = reads + z.ld_first
        scratch = memory + z.ld_memory
        b = task(job)
        while b >= 0:
            copy(floats(work, call.raw), b * z.parameters, work, 0, z.parameters)
            load(call, z, b, work, memory, work, before)
            step(call, z, work, memory, 0, work, parameters, before, after, reads, scratch)
            store(call, z, b, work, memory, work, after)
            copy(work, reads, floats(work, call.reads1), b * z.reads, z.reads)
            b = task(job)

    return access_forward


def make_access_backward(access: Access) -> Kernel:
    """The kernel of an access, one step of each sequence: forward once more, then backward."""
    load, step = access.load, access.forward
    load_slopes, backward, store_slopes = access.load_slopes, access.backward, access.store_slopes
    parts_of_job = parts(access, given_backward(access))

    @kernel(f"{access.name}.access_backward")
    def access_backward(job):
        z, call, _, work = parts_of_job(job)
        parameters = z.ld_parameters
        dparameters = parameters + z.ld_parameters
        before = dparameters + z.ld_parameters
        after = before + z.ld_notes
        dnotes = after + z.ld_notes
        reads = dnotes + z.ld_notes
        dreads = reads + z.ld_first
        old = dreads + z.ld_first
        new = old + z.ld_memory
        slopes = new + z.ld_memory
        scratch = slopes + z.ld_memory
        b = task(job)
        while b >= 0:
            copy(floats(work, call.raw), b * z.parameters, work, 0, z.parameters)
            load(call, z, b, work, old, work, before)
            copy(work, old, work, new, z.ld_memory)
            step(call, z, work, new, 0, work, parameters, before, after, reads, scratch)
            fill(work, slopes, z.ld_memory, 0.0)
            fill(work, dnotes, z.ld_notes, 0.0)
            load_slopes(call, z, b, work, slopes, dnotes)
            copy(floats(work, call.dreads1), b * z.reads, work, dreads, z.reads)
            backward(
                call, z, work, old, new, slopes, work, parameters, before, after, dnotes, dreads, dparameters, scratch
            )
            copy(work, dparameters, floats(work, call.draw), b * z.parameters, z.parameters)
            store_slopes(call, z, b, work, slopes, dnotes)
            b = task(job)

    return access_backward
