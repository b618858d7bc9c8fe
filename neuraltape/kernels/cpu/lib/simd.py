"""What the loops of the kernels are made of: vectors are loaded, computed with and stored whole.

Writing the lanes out keeps sums in a fixed order, leaves nothing to the mood of the auto-vectoriser and compiles
quickly.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from neuraltape.kernels.cpu.lib.formulas import Value, exp_ir, inverse_root_ir, log_ir, sigmoid_ir, tanh_ir
from neuraltape.kernels.cpu.lib.vector import Vector, ir_vector, multiply_add_ir, promoted, splat_ir


def primitive(generator: Callable) -> Callable[..., Any]:
    """A function that Numba knows by the instructions it stands for: `numba.extending.intrinsic`."""
    return intrinsic(generator)


@primitive
def keep_apart(typing_context):
    """Called in a helper: LLVM compiles it once, instead of a copy of it wherever it is called."""

    def generate(context, builder, signature, args):
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), generate


@primitive
def smallest(typing_context, like):
    """The smallest normal number of a buffer's element type."""
    value = float(np.finfo(f"float{like.dtype.bitwidth}").tiny)
    return like.dtype(like), lambda context, builder, signature, args: context.get_constant(like.dtype, value)


@primitive
def floats(typing_context, like, address):
    """The buffer at an address, of the element type of the buffer `like`."""

    def generate(context, builder, signature, args):
        return builder.inttoptr(args[1], context.get_value_type(signature.return_type))

    return types.CPointer(like.dtype)(like, types.intp), generate


@primitive
def address_of(typing_context, buffer):
    """Where a buffer lies."""

    def generate(context, builder, signature, args):
        return builder.ptrtoint(args[0], context.get_value_type(types.intp))

    return types.intp(buffer), generate


@primitive
def integers(typing_context, address):
    """The buffer of int64 at an address."""

    def generate(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.int64)(types.intp), generate


@primitive
def flags(typing_context, address):
    """The buffer of bool, a byte each, at an address."""

    def generate(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.uint8)(types.intp), generate


@primitive
def load(typing_context, buffer, index):
    """The vector that starts at a buffer's element."""
    vector = Vector(buffer.dtype)

    def generate(context, builder, signature, args):
        kind = ir_vector(vector)
        pointer = builder.bitcast(builder.gep(args[0], [args[1]]), kind.as_pointer())
        return builder.load(pointer, align=buffer.dtype.bitwidth // 8)

    return vector(buffer, types.intp), generate


@primitive
def load_some(typing_context, buffer, index, count):
    """The first `count` lanes of the vector that starts at a buffer's element, 0 in the others. Reads no further."""
    vector = Vector(buffer.dtype)

    def generate(context, builder, signature, args):
        kind, index_kind = ir_vector(vector), ir.VectorType(ir.IntType(64), vector.lanes)
        pointer = builder.bitcast(builder.gep(args[0], [args[1]]), kind.as_pointer())
        lanes = ir.Constant(index_kind, list(range(vector.lanes)))
        some = builder.icmp_signed("<", lanes, splat_ir(builder, args[2], index_kind))
        alignment = ir.Constant(ir.IntType(32), buffer.dtype.bitwidth // 8)
        given = [pointer.type, alignment.type, some.type, kind]
        name = f"llvm.masked.load.v{kind.count}f{buffer.dtype.bitwidth}.p0"
        masked = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, given), name)
        return builder.call(masked, [pointer, alignment, some, ir.Constant(kind, None)])

    return vector(buffer, types.intp, types.intp), generate


@primitive
def load_last(typing_context, buffer, index, count):
    """The last `count` lanes of the vector that starts at a buffer's element, 0 in the others; all are read.

    It takes a third of `load_some`'s time with AVX2.
    """
    vector = Vector(buffer.dtype)

    def generate(context, builder, signature, args):
        kind, integer = ir_vector(vector), ir.IntType(32)
        index_kind = ir.VectorType(integer, vector.lanes)
        pointer = builder.bitcast(builder.gep(args[0], [args[1]]), kind.as_pointer())
        first = builder.trunc(builder.sub(ir.Constant(args[2].type, vector.lanes), args[2]), integer)
        lanes = ir.Constant(index_kind, list(range(vector.lanes)))
        some = builder.icmp_signed(">=", lanes, splat_ir(builder, first, index_kind))
        return builder.select(some, builder.load(pointer, align=buffer.dtype.bitwidth // 8), ir.Constant(kind, None))

    return vector(buffer, types.intp, types.intp), generate


@primitive
def store(typing_context, buffer, index, value):
    """Write a vector from a buffer's element on. All lanes are written: the buffer needs room for them."""
    scalar = buffer.dtype

    def generate(context, builder, signature, args):
        pointer = builder.bitcast(builder.gep(args[0], [args[1]]), args[2].type.as_pointer())
        builder.store(args[2], pointer, align=scalar.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(buffer, types.intp, Vector(scalar)), generate


def _columns(builder: ir.IRBuilder, rows: list[Value]) -> list[Value]:
    """The columns of a square of numbers: its off-diagonal blocks change places, single numbers first."""
    count, side = len(rows), 1
    kind = ir.VectorType(ir.IntType(32), count)
    while side < count:
        low = ir.Constant(kind, [count + lane - side if lane & side else lane for lane in range(count)])
        high = ir.Constant(kind, [count + lane if lane & side else lane + side for lane in range(count)])
        for i in range(count):
            if not i & side:
                a, b = rows[i], rows[i + side]
                rows[i], rows[i + side] = (builder.shuffle_vector(a, b, lanes) for lanes in (low, high))
        side *= 2
    return rows


@primitive
def transpose(typing_context, source, source_index, source_row, target, target_index, target_row):
    """As many vectors as a vector has lanes, a square of numbers: its columns become rows, elsewhere.

    source_row, target_row: numbers from one row to the next.
    """
    vector = Vector(source.dtype)

    def generate(context, builder, signature, args):
        # Squares of half a vector's lanes stay in the registers of most machines.
        side, size = vector.lanes // 2, source.dtype.bitwidth // 8
        kind = ir.VectorType(ir_vector(vector).element, side)

        def at(buffer, start, distance, row, column):
            place = builder.add(start, builder.mul(distance, ir.Constant(distance.type, row)))
            place = builder.add(place, ir.Constant(place.type, column))
            return builder.bitcast(builder.gep(buffer, [place]), kind.as_pointer())

        for top, left in product((0, side), repeat=2):
            rows = [builder.load(at(*args[:3], top + i, left), align=size) for i in range(side)]
            for i, column in enumerate(_columns(builder, rows)):
                builder.store(column, at(*args[3:], left + i, top), align=size)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, target, types.intp, types.intp), generate


@primitive
def copy(typing_context, source, source_index, target, target_index, count):
    """Copy `count` elements between two places that do not overlap."""
    size = source.dtype.bitwidth // 8

    def generate(context, builder, signature, args):
        a, b = builder.gep(args[0], [args[1]]), builder.gep(args[2], [args[3]])
        cgutils.raw_memcpy(builder, b, a, args[4], size)
        return context.get_dummy_value()

    return types.void(source, types.intp, target, types.intp, types.intp), generate


@primitive
def fetch(typing_context, buffer, index, count):
    """Ask for `count` elements that will be used or written soon, and wait for nothing."""
    step = 64 * 8 // buffer.dtype.bitwidth

    def generate(context, builder, signature, args):
        integer, byte = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, integer, integer, integer])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        start, count = builder.gep(args[0], [args[1]]), args[2]
        zero, line = (ir.Constant(count.type, value) for value in (0, step))
        with cgutils.for_range_slice(builder, zero, count, line, intp=count.type) as (place, _):
            address = builder.bitcast(builder.gep(start, [place]), byte)
            # To write, to keep near, data.
            builder.call(function, [address, *(ir.Constant(integer, value) for value in (1, 3, 1))])
        return context.get_dummy_value()

    return types.void(buffer, types.intp, types.intp), generate


@primitive
def splat(typing_context, buffer, value):
    """`value` in every lane of a vector of the buffer's type."""
    vector = Vector(buffer.dtype)

    def generate(context, builder, signature, args):
        return splat_ir(builder, args[1], ir_vector(vector))

    return vector(buffer, types.float64), generate


@primitive
def multiply_add(typing_context, a, b, c):
    """Compute a * b + c, where any of them may be a scalar."""
    vector = next(kind for kind in (a, b, c) if isinstance(kind, Vector))

    def generate(context, builder, signature, args):
        parts = (promoted(context, builder, k, v, vector) for k, v in zip(signature.args, args, strict=True))
        return multiply_add_ir(builder, *parts)

    return vector(a, b, c), generate


@primitive
def less_product(typing_context, a, b, c):
    """Compute c - a * b, where any of them may be a scalar."""
    vector = next(kind for kind in (a, b, c) if isinstance(kind, Vector))

    def generate(context, builder, signature, args):
        first, *others = (promoted(context, builder, k, v, vector) for k, v in zip(signature.args, args, strict=True))
        return multiply_add_ir(builder, builder.fneg(first), *others)

    return vector(a, b, c), generate


@primitive
def where(typing_context, condition, a, b):
    """Lane by lane `a` where the condition holds, else `b`."""
    vector = next(kind for kind in (a, b) if isinstance(kind, Vector))

    def generate(context, builder, signature, args):
        a_value, b_value = (
            promoted(context, builder, k, v, vector) for k, v in zip(signature.args[1:], args[1:], strict=True)
        )
        return builder.select(args[0], a_value, b_value)

    return vector(condition, a, b), generate


@primitive
def everywhere(typing_context, condition):
    """Whether a condition holds in every lane."""

    def generate(context, builder, signature, args):
        bits = ir.IntType(condition.lanes)
        return builder.icmp_unsigned("==", builder.bitcast(args[0], bits), ir.Constant(bits, -1))

    return types.boolean(condition), generate


def _reduction(combine: Callable[[ir.IRBuilder, Value, Value], Value]):
    """Halve the vector until one lane is left: always the same order."""

    def generate(context, builder, signature, args):
        value, count = args[0], signature.args[0].lanes
        index = ir.IntType(32)
        while count > 1:
            count //= 2
            lanes = ir.VectorType(index, count)
            low, high = (ir.Constant(lanes, list(range(start, start + count))) for start in (0, count))
            value = combine(
                builder, builder.shuffle_vector(value, value, low), builder.shuffle_vector(value, value, high)
            )
        return builder.extract_element(value, ir.Constant(index, 0))

    return generate


@primitive
def total(typing_context, vector):
    """Sum of all lanes."""
    return vector.scalar(vector), _reduction(lambda builder, a, b: builder.fadd(a, b))


@primitive
def add_totals(typing_context, buffer, index, a, b, c, d):
    """Add the sums of the lanes of four vectors to four numbers that lie one after the other."""

    def generate(context, builder, signature, args):
        values, integer = list(args[2:]), ir.IntType(32)

        def halved(low, high):
            """Both vectors' upper halves added to their lower ones, one after the other; each holds `parts` sums."""
            count, width = low.type.count, low.type.count // parts
            lanes = [v * count + p * width + i for v in (0, 1) for p in range(parts) for i in range(width // 2)]
            first, second = (
                ir.Constant(ir.VectorType(integer, count), [lane + shift for lane in lanes])
                for shift in (0, width // 2)
            )
            return builder.fadd(builder.shuffle_vector(low, high, first), builder.shuffle_vector(low, high, second))

        parts = 1
        values = [halved(values[0], values[1]), halved(values[2], values[3])]
        parts = 2
        value = halved(*values)
        while value.type.count > 4:
            count, width = value.type.count, value.type.count // 4
            lanes = [p * width + i for p in range(4) for i in range(width // 2)]
            first, second = (
                ir.Constant(ir.VectorType(integer, count // 2), [lane + shift for lane in lanes])
                for shift in (0, width // 2)
            )
            value = builder.fadd(
                builder.shuffle_vector(value, value, first), builder.shuffle_vector(value, value, second)
            )
        place = builder.bitcast(builder.gep(args[0], [args[1]]), value.type.as_pointer())
        size = buffer.dtype.bitwidth // 8
        builder.store(builder.fadd(builder.load(place, align=size), value), place, align=size)
        return context.get_dummy_value()

    return types.void(buffer, types.intp, a, b, c, d), generate


def _larger(builder: ir.IRBuilder, a: Value, b: Value) -> Value:
    return builder.select(builder.fcmp_ordered("<", a, b), b, a)


@primitive
def largest(typing_context, vector):
    """The largest lane."""
    return vector.scalar(vector), _reduction(_larger)


def _function(formula: Callable[[ir.IRBuilder, Value], Value], summary: str):
    def implementation(typing_context, vector):
        return vector(vector), lambda context, builder, signature, args: formula(builder, args[0])

    implementation.__doc__ = summary
    implementation.__name__ = formula.__name__
    return primitive(implementation)


inverse_root = _function(inverse_root_ir, "1 / square root, of a normal, positive x.")
exp = _function(exp_ir, "e to the power x, for x of at most 88; 0 where the result would be subnormal.")
log = _function(log_ir, "Natural logarithm of a normal, positive x.")
tanh = _function(tanh_ir, "Hyperbolic tangent.")
sigmoid = _function(sigmoid_ir, "1 / (1 + e^-x).")
