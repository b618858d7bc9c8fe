"""Short vectors as a type that Numba understands: what every loop of the kernels is written with.

A vector is 64 bytes: 16 float32 or 8 float64, whatever the machine's registers hold (LLVM splits or joins them).
Writing the lanes out keeps sums in a fixed order, leaves nothing to the mood of the auto-vectoriser and compiles
quickly.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

from neuraltape.kernels.cpu.formulas import Expression, Value, exp_ir, log_ir, sigmoid_ir, tanh_ir

VECTOR_BYTES = 64


def primitive(generator: Callable) -> Callable[..., Any]:
    """A function that Numba knows by the instructions it stands for: `numba.extending.intrinsic`."""
    return intrinsic(generator)


class Vector(types.Type):
    """Numba's type of one vector of float32 or float64."""

    def __init__(self, scalar: types.Float) -> None:
        self.scalar = scalar
        self.lanes = VECTOR_BYTES * 8 // scalar.bitwidth
        super().__init__(name=f"Vector({scalar})")


class Mask(types.Type):
    """Numba's type of one truth value a lane."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Mask({lanes})")


def _ir_scalar(scalar: types.Float) -> ir.Type:
    return ir.FloatType() if scalar.bitwidth == 32 else ir.DoubleType()


def ir_vector(vector: Vector) -> ir.VectorType:
    """The type as LLVM knows it."""
    return ir.VectorType(_ir_scalar(vector.scalar), vector.lanes)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, kind) -> None:
        super().__init__(manager, kind, ir_vector(kind))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager, kind) -> None:
        super().__init__(manager, kind, ir.VectorType(ir.IntType(1), kind.lanes))


def splat_ir(builder: ir.IRBuilder, value: Value, vector: ir.VectorType) -> Value:
    """The same scalar in every lane; a scalar of another precision is converted."""
    if value.type != vector.element:
        convert = builder.fptrunc if isinstance(vector.element, ir.FloatType) else builder.fpext
        value = convert(value, vector.element)
    index = ir.IntType(32)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(index, 0))
    zeros = ir.Constant(ir.VectorType(index, vector.count), None)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)


def multiply_add_ir(builder: ir.IRBuilder, a: Value, b: Value, c: Value) -> Value:
    """Compute a * b + c, rounded once where the machine can."""
    return Expression(builder, a).times_plus(b, c).value


def _is_float(kind) -> bool:
    return isinstance(kind, types.Float)


def _promoted(context, builder, kind, value, vector: Vector) -> Value:
    return value if isinstance(kind, Vector) else splat_ir(builder, value, ir_vector(vector))


def _operator(function: Callable, name: str, *, compares: bool = False) -> None:
    """Teach Numba an operator between vectors, and between a vector and a scalar."""

    @type_callable(function)
    def typing(context):
        def typer(a, b):
            if isinstance(a, Vector) and (a == b or _is_float(b)):
                return Mask(a.lanes) if compares else a
            if isinstance(b, Vector) and _is_float(a):
                return Mask(b.lanes) if compares else b
            return None

        return typer

    def lower(context, builder, signature, args):
        vector = next(kind for kind in signature.args if isinstance(kind, Vector))
        a, b = (_promoted(context, builder, k, v, vector) for k, v in zip(signature.args, args, strict=True))
        return builder.fcmp_ordered(name, a, b) if compares else getattr(builder, name)(a, b)

    for kinds in ((Vector, Vector), (Vector, types.Float), (types.Float, Vector)):
        lower_builtin(function, *kinds)(lower)


_operator(operator.add, "fadd")
_operator(operator.sub, "fsub")
_operator(operator.mul, "fmul")
_operator(operator.truediv, "fdiv")
_operator(operator.lt, "<", compares=True)
_operator(operator.gt, ">", compares=True)


@primitive
def keep_apart(typing_context):
    """Called in a helper: LLVM compiles it once, instead of a copy of it wherever it is called."""

    def generate(context, builder, signature, args):
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), generate


@primitive
def floats(typing_context, like, address):
    """The buffer at an address, of the element type of the array `like`."""

    def generate(context, builder, signature, args):
        return builder.inttoptr(args[1], context.get_value_type(signature.return_type))

    return types.CPointer(like.dtype)(like, types.intp), generate


@primitive
def beginning(typing_context, array):
    """The buffer of a NumPy array."""

    def generate(context, builder, signature, args):
        return cgutils.create_struct_proxy(signature.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), generate


@primitive
def integers(typing_context, address):
    """The buffer of int64 at an address."""

    def generate(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.int64)(types.intp), generate


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
def store(typing_context, buffer, index, value):
    """Write a vector from a buffer's element on. All lanes are written: the buffer needs room for them."""
    scalar = buffer.dtype

    def generate(context, builder, signature, args):
        pointer = builder.bitcast(builder.gep(args[0], [args[1]]), args[2].type.as_pointer())
        builder.store(args[2], pointer, align=scalar.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(buffer, types.intp, Vector(scalar)), generate


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
        parts = (_promoted(context, builder, k, v, vector) for k, v in zip(signature.args, args, strict=True))
        return multiply_add_ir(builder, *parts)

    return vector(a, b, c), generate


@primitive
def where(typing_context, condition, a, b):
    """Lane by lane `a` where the condition holds, else `b`."""
    vector = next(kind for kind in (a, b) if isinstance(kind, Vector))

    def generate(context, builder, signature, args):
        a_value, b_value = (
            _promoted(context, builder, k, v, vector) for k, v in zip(signature.args[1:], args[1:], strict=True)
        )
        return builder.select(args[0], a_value, b_value)

    return vector(condition, a, b), generate


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


def _sqrt_ir(builder: ir.IRBuilder, value: Value) -> Value:
    return Expression(builder, value).root().value


sqrt = _function(_sqrt_ir, "Square root.")
exp = _function(exp_ir, "e to the power x, for x of at most 88; 0 where the result would be subnormal.")
log = _function(log_ir, "Natural logarithm of a normal, positive x.")
tanh = _function(tanh_ir, "Hyperbolic tangent.")
sigmoid = _function(sigmoid_ir, "1 / (1 + e^-x).")
