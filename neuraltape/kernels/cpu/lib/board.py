"""Where a thread says what others can help it with: int64 numbers that several threads read and change at once.

All operations are sequentially consistent. The first board is the call's own, with how many tasks are over; then there
is one for each sequence.
"""

import ctypes
import os
from functools import cache

import numpy as np
from llvmlite import ir
from numba import types

from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import integers, primitive

# Numbers from one board to the next: two lines of the cache, so that no two boards share one.
BOARD = 16
# Places in the call's own board: how many tasks are over, and where the function lies that lets another thread have the
# core, 0 where the system has none. In a sequence's: whether there is work, who looks at it, the next piece of it and
# how many are done, the number to wait for and the number whose turn it is to change what belongs to all of them; then
# what the helpers have to know.
FINISHED, WAY = range(2)
OPEN, INSIDE, NEXT, DONE, TICKET, SERVING, TOLD = range(7)

# So often a thread looks again before it gives way: some microseconds.
_PATIENCE = 200


def boards(sequences: int) -> np.ndarray:
    """Empty boards for a call; the caller keeps them."""
    made = np.zeros(BOARD * (1 + sequences), np.int64)
    made[WAY] = _way()
    return made


@cache
def _way() -> int:
    """Where POSIX' sched_yield lies, or Windows' SwitchToThread."""
    system, name = ("kernel32", "SwitchToThread") if os.name == "nt" else (None, "sched_yield")
    try:
        return ctypes.cast(getattr(ctypes.CDLL(system), name), ctypes.c_void_p).value or 0
    except (AttributeError, OSError, TypeError):
        return 0


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
    """What a thread does that looks again soon: wait for its own memory, some dozen cycles.

    Processors have hints for this, which would make a kernel one of their kind alone.
    """

    def generate(context, builder, signature, args):
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


@primitive
def _call(typing_context, address):
    """Call the function without arguments at an address."""

    def generate(context, builder, signature, args):
        kind = ir.FunctionType(ir.IntType(32), []).as_pointer()
        builder.call(builder.inttoptr(args[0], kind), [])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@helper
def wait_a_moment(board, times):
    """What a waiting thread does; times: how often it has. Whoever waits long lets others have the core."""
    pause()
    if times >= _PATIENCE and board[WAY] != 0:
        _call(board[WAY])
    return times + 1


@helper
def enter_alone(board, at):
    """Wait until nobody else changes what belongs to all."""
    mine, waited = add(board, at + TICKET, 1), 0
    while peek(board, at + SERVING) != mine:
        waited = wait_a_moment(board, waited)


@helper
def leave_to_others(board, at):
    """Let the next one."""
    add(board, at + SERVING, 1)


@helper
def one_over(address):
    """A task of the call is over. address: where its boards lie; 0: there are none."""
    if address != 0:
        add(integers(address), FINISHED, 1)
