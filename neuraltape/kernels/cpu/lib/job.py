"""What all threads of one call share: a flat row of int64, which the kernels take by its address.

Every thread takes the number of its next task from there, until none is left, and works in a room of its own. What a
kernel is given goes by names, which it and Python's side take from one list of fields.
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from struct import pack
from typing import Any

import numba
import numpy as np
from numba import types
from torch import Tensor

from neuraltape.kernels.cpu.lib.simd import primitive

# Places in a job: the next task, how many threads came, how many tasks there are, addresses of the sizes and of the
# first thread's room, numbers in a room; then what the kernel is given, by the names of its fields.
NEXT, CAME, TASKS, SIZES, ROOMS, ROOM_SIZE, GIVEN = range(7)


def job(tasks: int, sizes: int, rooms: int, room_size: int, given: Iterable[int]) -> array:
    """A job for the kernels; the caller keeps what the addresses point to."""
    numbers = (0, 0, tasks, sizes, rooms, room_size, *given)
    # An array would look at each number for itself, which takes twice as long.
    return array("q", pack(f"{len(numbers)}q", *numbers))


def record(sizes: Iterable[tuple[str, int]]) -> np.ndarray:
    """Named sizes as the kernels take them: by their address."""
    names, values = zip(*sizes, strict=True)
    return np.array([values], _fields(names))


def addresses(*buffers: Tensor | None) -> list[int]:
    """Where each buffer lies; 0 for none. The caller keeps them alive."""
    return [0 if buffer is None else buffer.data_ptr() for buffer in buffers]


def _fields(names: Iterable[str]) -> np.dtype:
    return np.dtype([(name, np.int64) for name in names])


def parts_of(sizes: Sequence[str], given: Sequence[str]) -> Callable[..., Any]:
    """The function that gives a kernel the parts of its job.

    Args:
        sizes: names of its sizes, in the order of their record, which may go on with others.
        given: names of what it is given.

    Returns:
        A function of the job: the sizes and what is given, both with these names; the numbers behind what is given;
        and this thread's room.
    """
    records = tuple(numba.from_dtype(_fields(names)) for names in (sizes, given))
    behind = GIVEN + len(given)

    @primitive
    def parts(typing_context, job):
        result = types.Tuple((*records, types.CPointer(types.int64), types.CPointer(job.dtype)))

        def generate(context, builder, signature, args):
            sizes_kind, given_kind, rest_kind, room_kind = (context.get_value_type(k) for k in signature.return_type)
            start = builder.bitcast(args[0], rest_kind)

            def at(place):
                return builder.gep(start, [context.get_constant(types.intp, place)])

            found = builder.inttoptr(builder.load(at(SIZES)), sizes_kind)
            came = builder.atomic_rmw("add", at(CAME), context.get_constant(types.int64, 1), "monotonic")
            first = builder.inttoptr(builder.load(at(ROOMS)), room_kind)
            room = builder.gep(first, [builder.mul(came, builder.load(at(ROOM_SIZE)))])
            all_parts = [found, builder.bitcast(at(GIVEN), given_kind), at(behind), room]
            return context.make_tuple(builder, signature.return_type, all_parts)

        return result(job), generate

    return parts


@primitive
def another(typing_context, given, address):
    """What lies at an address, by the names of what a kernel is given."""

    def generate(context, builder, signature, args):
        return builder.inttoptr(args[1], context.get_value_type(signature.return_type))

    return given(given, types.intp), generate


@primitive
def task(typing_context, job):
    """The number of the next task, which is now this thread's; -1: none is left."""

    def generate(context, builder, signature, args):
        start = builder.bitcast(args[0], context.get_value_type(types.CPointer(types.int64)))

        def at(place):
            return builder.gep(start, [context.get_constant(types.intp, place)])

        number = builder.atomic_rmw("add", at(NEXT), context.get_constant(types.int64, 1), "monotonic")
        left = builder.icmp_signed("<", number, builder.load(at(TASKS)))
        return builder.select(left, number, context.get_constant(types.int64, -1))

    return types.int64(job), generate
