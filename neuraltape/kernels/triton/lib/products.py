"""A row times a matrix, for one program. The row lies in memory, so that each lane finds the numbers it needs."""

import triton
import triton.language as tl


@triton.jit
def product(
    row, size: tl.constexpr, matrix, column, columns: tl.constexpr, depth: tl.constexpr, block: tl.constexpr, one
):
    """Numbers `column` to `column + block` of row @ matrix.

    Args:
        row: where `size` numbers lie.
        matrix: (size rounded up to depth, columns), zeros where it was filled up.
        one: 1, as a number that the compiler does not know. A loop that it can count is written out whole, and then has
            more numbers under way than there are registers.
    """
    j = column + tl.arange(0, block)
    k = tl.arange(0, depth)
    summed = tl.zeros((depth, block), matrix.dtype.element_ty)
    for k0 in range(0, size * one, depth):
        x = tl.load(row + k0 + k, mask=k0 + k < size, other=0.0)
        summed += x[:, None] * tl.load(matrix + (k0 + k)[:, None] * columns + j[None, :])
    return tl.sum(summed, 0)


@triton.jit
def products(
    row,
    size: tl.constexpr,
    matrix,
    column,
    columns: tl.constexpr,
    parts: tl.constexpr,
    depth: tl.constexpr,
    block: tl.constexpr,
    one,
):
    """`product` with 1, 3 or 4 matrices side by side, (size rounded up to depth, parts, columns): four results."""
    j = column + tl.arange(0, block)
    k = tl.arange(0, depth)
    sum0 = tl.zeros((depth, block), matrix.dtype.element_ty)
    sum1, sum2, sum3 = sum0, sum0, sum0
    for k0 in range(0, size * one, depth):
        x = tl.load(row + k0 + k, mask=k0 + k < size, other=0.0)[:, None]
        at = matrix + (k0 + k)[:, None] * (parts * columns) + j[None, :]
        sum0 += x * tl.load(at)
        if parts > 1:
            sum1 += x * tl.load(at + columns)
            sum2 += x * tl.load(at + 2 * columns)
        if parts > 3:
            sum3 += x * tl.load(at + 3 * columns)
    return tl.sum(sum0, 0), tl.sum(sum1, 0), tl.sum(sum2, 0), tl.sum(sum3, 0)
