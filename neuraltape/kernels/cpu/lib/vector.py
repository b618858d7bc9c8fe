"""A short vector as a type that Numba understands, with its operators. See simd.py for what is done with it.

A vector is 64 bytes: 16 float32 or 8 float64, whatever the machine's registers hold (LLVM splits or joins them).
"""

import operator
from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.extending import lower_builtin, models, register_model, type_callable

from neuraltape.kernels.cpu.lib.formulas import Expression, Value

VECTOR_BYTES = 64


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


def promoted(context, builder, kind, value, vector: Vector) -> Value:
    """The value as a vector: a scalar goes into every lane."""
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
        a, b = (promoted(context, builder, k, v, vector) for k, v in zip(signature.args, args, strict=True))
        return builder.fcmp_ordered(name, a, b) if compares else getattr(builder, name)(a, b)

    for kinds in ((Vector, Vector), (Vector, types.Float), (types.Float, Vector)):
        lower_builtin(function, *kinds)(lower)


_operator(operator.add, "fadd")
_operator(operator.sub, "fsub")
_operator(operator.mul, "fmul")
_operator(operator.truediv, "fdiv")
_operator(operator.lt, "<", compares=True)
_operator(operator.gt, ">", compares=True)
