"""exp, log, tanh and sigmoid of a whole vector, as LLVM instructions without a branch or a call.

The usual reductions to a short interval, then the Taylor series up to the term that is below rounding there. NaN stays
NaN.
"""

import math
from typing import Any

from llvmlite import ir

# An LLVM value. The attributes that its kinds have are not declared.
Value = Any

# For each precision: bits of the mantissa, exponent bias, terms of e^r - 1 and of log's series.
_DETAILS = {"float": (23, 127, 7, 5), "double": (52, 1023, 13, 10)}

# ln 2 in two parts, by bits of the mantissa: the first has so few bits that an exponent times it is exact.
_LN2 = {23: (0.693115234375, 3.1946184945309e-05), 52: (6.93147180369123816490e-01, 1.90821492927058770002e-10)}


class Expression:
    """A vector under construction: operators emit instructions, numbers become constants in every lane."""

    def __init__(self, builder: ir.IRBuilder, value: Value) -> None:
        self.builder, self.value = builder, value
        self.mantissa, self.bias, self.exp_terms, self.log_terms = _DETAILS[str(value.type.element)]
        self.integers = ir.VectorType(ir.IntType(32 if self.mantissa == 23 else 64), value.type.count)

    def _new(self, value: Value) -> "Expression":
        return Expression(self.builder, value)

    def _lift(self, other: "Expression | Value | float") -> Value:
        if isinstance(other, Expression):
            return other.value
        kind = self.value.type
        return ir.Constant(kind, [other] * kind.count) if isinstance(other, float) else other

    def __add__(self, other):
        return self._new(self.builder.fadd(self.value, self._lift(other)))

    def __sub__(self, other):
        return self._new(self.builder.fsub(self.value, self._lift(other)))

    def __mul__(self, other):
        return self._new(self.builder.fmul(self.value, self._lift(other)))

    def __truediv__(self, other):
        return self._new(self.builder.fdiv(self.value, self._lift(other)))

    def __lt__(self, other):
        return self.builder.fcmp_ordered("<", self.value, self._lift(other))

    def times_plus(self, factor, summand) -> "Expression":
        """The product with a factor, plus a summand."""
        return self._call("fmuladd", self.value, self._lift(factor), self._lift(summand))

    def _call(self, name: str, *args: Value) -> "Expression":
        kind, module = self.value.type, self.builder.module
        name = f"llvm.{name}.v{kind.count}f{32 if self.mantissa == 23 else 64}"
        declared = module.globals.get(name) or ir.Function(module, ir.FunctionType(kind, [kind] * len(args)), name)
        return self._new(self.builder.call(declared, args))

    def chosen_unless(self, condition: Value, other) -> "Expression":
        """`other` in the lanes where the condition holds."""
        return self._new(self.builder.select(condition, self._lift(other), self.value))

    def bits(self) -> Value:
        """The lanes as integers."""
        return self.builder.bitcast(self.value, self.integers)

    def constant(self, value: float) -> Value:
        """A constant in every lane."""
        return self._lift(value)

    def integer(self, value: int) -> Value:
        """An integer constant in every lane."""
        return ir.Constant(self.integers, [value] * self.integers.count)

    def from_bits(self, bits: Value) -> "Expression":
        """Integers as the lanes of a vector."""
        return self._new(self.builder.bitcast(bits, self.value.type))

    def without_sign(self) -> "Expression":
        """|self|."""
        everything_else = (1 << self.integers.element.width - 1) - 1
        return self.from_bits(self.builder.and_(self.bits(), self.integer(everything_else)))

    def with_sign_of(self, other: "Expression") -> "Expression":
        """self, which is not negative, with another vector's sign."""
        sign = self.builder.and_(other.bits(), self.integer(-(1 << self.integers.element.width - 1)))
        return self.from_bits(self.builder.or_(self.bits(), sign))


def _power_of_e(x: Expression) -> tuple[Expression, Expression]:
    """(2^k, p) with e^x = 2^k (1 + p), |p| below 0.42."""
    # Adding 1.5 * 2^mantissa leaves round(x / ln 2) in the lowest bits of the sum.
    magic = 1.5 * 2.0**x.mantissa
    shifted = x.times_plus(1 / math.log(2), magic)
    k = shifted - magic
    high, low = _LN2[x.mantissa]
    r = k.times_plus(-low, k.times_plus(-high, x))
    series = r * 0.0 + 1 / math.factorial(x.exp_terms)
    for n in range(x.exp_terms - 1, 0, -1):
        series = series.times_plus(r, 1 / math.factorial(n))
    builder = x.builder
    exponent = builder.add(builder.shl(shifted.bits(), x.integer(x.mantissa)), x.integer(x.bias << x.mantissa))
    return x.from_bits(exponent), series * r


def _exp(x: Expression) -> Expression:
    lowest = (1 - x.bias) * math.log(2) * (1 - 1e-6)
    too_low = x < lowest
    scale, p = _power_of_e(x.chosen_unless(too_low, lowest))
    return scale.times_plus(p, scale).chosen_unless(too_low, 0.0)


def inverse_root_ir(builder: ir.IRBuilder, value: Value) -> Value:
    """1 / sqrt(x) of a normal, positive x, 0 of infinity: from half the exponent, by Newton's steps.

    A root and a division of whole vectors take as long as twenty multiplications.
    """
    x = Expression(builder, value)
    magic = 0x5F3759DF if x.mantissa == 23 else 0x5FE6EB50C7B537A9
    y = x.from_bits(builder.sub(x.integer(magic), builder.lshr(x.bits(), x.integer(1))))
    half = x * 0.5
    for _ in range(3 if x.mantissa == 23 else 4):
        y = y * ((half * y * -1.0).times_plus(y, 1.5))
    infinite = builder.fcmp_ordered("==", x.value, x.constant(math.inf))
    return y.chosen_unless(infinite, 0.0).value


def exp_ir(builder: ir.IRBuilder, value: Value) -> Value:
    """e^x for x up to 88; 0 where it would be subnormal."""
    return _exp(Expression(builder, value)).value


def sigmoid_ir(builder: ir.IRBuilder, value: Value) -> Value:
    """1 / (1 + e^-|x|), or e^-|x| times it for a negative x: exact at both ends."""
    x = Expression(builder, value)
    small = _exp(x.without_sign() * -1.0)
    top = (small * 0.0 + 1.0).chosen_unless(x < 0.0, small)
    return (top / (small + 1.0)).value


def tanh_ir(builder: ir.IRBuilder, value: Value) -> Value:
    """-m / (m + 2) with m = e^(-2|x|) - 1, which keeps the digits of a small x."""
    x = Expression(builder, value)
    y = x.without_sign() * -2.0
    y = y.chosen_unless(y < -40.0, -40.0)
    scale, p = _power_of_e(y)
    m = scale.times_plus(p, scale - 1.0)
    return ((m * -1.0) / (m + 2.0)).without_sign().with_sign_of(x).value


def log_ir(builder: ir.IRBuilder, value: Value) -> Value:
    """From x = 2^k m with m near 1; log m = 2 atanh(s), s = (m - 1) / (m + 1)."""
    x = Expression(builder, value)
    width = x.integers.element.width
    root_half = {32: 0x3F3504F3, 64: 0x3FE6A09E667F3BCD}[width]
    above = builder.sub(x.bits(), x.integer(root_half))
    mantissa_only = builder.and_(above, x.integer((1 << x.mantissa) - 1))
    m = x.from_bits(builder.add(mantissa_only, x.integer(root_half)))
    # The exponent, made positive, in the lowest bits of 2^mantissa: an integer becomes a float without a conversion.
    biased = builder.lshr(builder.add(above, x.integer(x.bias << x.mantissa)), x.integer(x.mantissa))
    integer_as_float = builder.or_(biased, x.integer(x.bias + x.mantissa << x.mantissa))
    k = x.from_bits(integer_as_float) - (2.0**x.mantissa + x.bias)
    f = m - 1.0
    s = f / (f + 2.0)
    z = s * s
    series = z * 0.0 + 2 / (2 * x.log_terms + 1)
    for n in range(x.log_terms - 1, 0, -1):
        series = series.times_plus(z, 2 / (2 * n + 1))
    half_square = f * f * 0.5
    high, low = _LN2[x.mantissa]
    rest = s.times_plus(series.times_plus(z, half_square), k * low)
    result = k.times_plus(high, f - (half_square - rest))
    # NaN has an exponent like any other number here.
    return result.chosen_unless(builder.fcmp_unordered("uno", value, value), x).value
