"""What all threads of one call share: a flat row of int64, which the kernels take by its address.

Every thread takes the number of its next task from there, until none is left, and works in a room of its own.
"""

from array import array
from collections.abc import Callable, Iterable
from typing import Any

from numba import types

from neuraltape.kernels.cpu.lib.simd import primitive

# Places in a job: the next task, how many threads came, how many tasks there are, addresses of the sizes and of the
# first thread's room, numbers in a room; then the table, whose meaning each kernel says.
NEXT, CAME, TASKS, PLACES, ROOMS, ROOM_SIZE, TABLE = range(7)


def job(tasks: int, places: int, rooms: int, room_size: int, table: Iterable[int]) -> array:
    """A job for the kernels; the caller keeps what the addresses point to."""
    return array("q", (0, 0, tasks, places, rooms, room_size, *table))


def parts_with(sizes: Any) -> Callable[..., Any]:
    """The function that gives a job's sizes (a record of this Numba type), its table and this thread's room."""

    @primitive
    def parts(typing_context, job):
        result = types.Tuple((sizes, types.CPointer(types.int64), types.CPointer(job.dtype)))

        def generate(context, builder, signature, args):
            places_kind, table_kind, room_kind = signature.return_type
            start = builder.bitcast(args[0], context.get_value_type(table_kind))

            def at(place):
                return builder.gep(start, [context.get_constant(types.intp, place)])

            places = builder.inttoptr(builder.load(at(PLACES)), context.get_value_type(places_kind))
            came = builder.atomic_rmw("add", at(CAME), context.get_constant(types.int64, 1), "monotonic")
            first = builder.inttoptr(builder.load(at(ROOMS)), context.get_value_type(room_kind))
            room = builder.gep(first, [builder.mul(came, builder.load(at(ROOM_SIZE)))])
            return context.make_tuple(builder, signature.return_type, [places, at(TABLE), room])

        return result(job), generate

    return parts


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
