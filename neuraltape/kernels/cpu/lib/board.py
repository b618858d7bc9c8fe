"""Where a thread says what others can help it with: int64 numbers that several threads read and change at once.

All operations are sequentially consistent. The first board is the call's own, with how many tasks are over; then there
is one for each sequence.
"""

import os
import platform

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import integers, primitive

# Numbers from one board to the next: two lines of the cache, so that no two boards share one.
BOARD = 16
# Places in the call's own board, and in a sequence's: whether there is work, who looks at it, the next piece of it and
# how many are done, the number to wait for and the number whose turn it is to change what belongs to all of them; then
# what the helpers have to know.
FINISHED = 0
OPEN, INSIDE, NEXT, DONE, TICKET, SERVING, TOLD = range(7)

# So often a thread looks again before it gives way: some microseconds.
_PATIENCE = 200
# LLVM's names for a processor's hint that a thread waits, by `platform.machine()`, and what they take.
_PAUSES: dict[str, tuple[str, tuple[int, ...]]] = {
    "x86_64": ("llvm.x86.sse2.pause", ()),
    "amd64": ("llvm.x86.sse2.pause", ()),
    "aarch64": ("llvm.aarch64.hint", (1,)),
    "arm64": ("llvm.aarch64.hint", (1,)),
}


def boards(sequences: int) -> np.ndarray:
    """Empty boards for a call; the caller keeps them."""
    return np.zeros(BOARD * (1 + sequences), np.int64)


@primitive
def peek(typing_context, board, place):
    """The number that is there now."""

    def generate(context, builder, signature, args):
        return builder.load_atomic(builder.gep(args[0], [args[1]]), "seq_cst", 8)

    return types.int64(board, types.intp), generate


@primitive
def put(typing_context, board, place, number):
    """Set a number."""

    def generate(context, builder, signature, args):
        builder.store_atomic(args[2], builder.gep(args[0], [args[1]]), "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(board, types.intp, types.int64), generate


@primitive
def add(typing_context, board, place, amount):
    """Add to a number; what it was before."""

    def generate(context, builder, signature, args):
        return builder.atomic_rmw("add", builder.gep(args[0], [args[1]]), args[2], "seq_cst")

    return types.int64(board, types.intp, types.int64), generate


@primitive
def pause(typing_context):
    """What a thread does that waits for another one without sleeping."""

    def generate(context, builder, signature, args):
        hint = _PAUSES.get(platform.machine().lower())
        if hint is not None:
            name, numbers = hint
            given = [ir.Constant(ir.IntType(32), number) for number in numbers]
            kind = ir.FunctionType(ir.VoidType(), [each.type for each in given])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), given)
        return context.get_dummy_value()

    return types.void(), generate


@primitive
def give_way(typing_context):
    """Let another thread have the core, where there is one that wants it: POSIX' sched_yield; elsewhere nothing."""

    def generate(context, builder, signature, args):
        if os.name == "posix":
            kind = ir.FunctionType(ir.IntType(32), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), generate


@helper
def wait_a_moment(times):
    """What a waiting thread does; times: how often it has. Whoever waits long lets others have the core."""
    if times < _PATIENCE:
        pause()
    else:
        give_way()
    return times + 1


@helper
def enter_alone(board, at):
    """Wait until nobody else changes what belongs to all."""
    mine, waited = add(board, at + TICKET, 1), 0
    while peek(board, at + SERVING) != mine:
        waited = wait_a_moment(waited)


@helper
def leave_to_others(board, at):
    """Let the next one."""
    add(board, at + SERVING, 1)


@helper
def one_over(address):
    """A task of the call is over. address: where its boards lie; 0: there are none."""
    if address != 0:
        add(integers(address), FINISHED, 1)
