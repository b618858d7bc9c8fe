"""Matrix products of any strides, from tiles that stay in registers. One thread, one order of summing."""

from llvmlite import ir
from numba import types

from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import keep_apart, primitive
from neuraltape.kernels.cpu.lib.vector import Vector, ir_vector, multiply_add_ir, splat_ir


def _tile(rows: int, panels: int):
    """C[rows, panels] = A B or += A B over `depth`, one vector register (or a few) an entry."""

    @primitive
    def tile(typing_context, depth, a, a0, a_row, a_step, b, b0, b_panel, b_step, c, c0, c_row, adding):
        vector = Vector(c.dtype)
        signature = types.void(depth, a, a0, a_row, a_step, b, b0, b_panel, b_step, c, c0, c_row, adding)

        def generate(context, builder, signature, args):
            depth, a_, a0_, a_row_, a_step_, b_, b0_, b_panel_, b_step_, c_, c0_, c_row_, adding_ = args
            kind, integer = ir_vector(vector), ir.IntType(64)
            alignment = c.dtype.bitwidth // 8

            def number(value):
                return ir.Constant(integer, value)

            def rows_of(pointer, stride, count):
                return [builder.gep(pointer, [builder.mul(stride, number(i))]) for i in range(count)]

            starts_a = rows_of(builder.gep(a_, [a0_]), a_row_, rows)
            starts_b = rows_of(builder.gep(b_, [b0_]), b_panel_, panels)
            places = [
                builder.bitcast(builder.gep(row, [number(p * vector.lanes)]), kind.as_pointer())
                for row in rows_of(builder.gep(c_, [c0_]), c_row_, rows)
                for p in range(panels)
            ]
            before = builder.block
            with builder.if_then(adding_):
                loaded = [builder.load(place, align=alignment) for place in places]
                reading = builder.block
            first = []
            for value in loaded:
                first.append(builder.phi(kind))
                first[-1].add_incoming(value, reading)
                first[-1].add_incoming(ir.Constant(kind, None), before)
            entry = builder.block
            loop, done = builder.append_basic_block("depth"), builder.append_basic_block("done")
            builder.branch(loop)
            builder.position_at_end(loop)
            i = builder.phi(integer)
            i.add_incoming(number(0), entry)
            sums = []
            for value in first:
                sums.append(builder.phi(kind))
                sums[-1].add_incoming(value, entry)
            b_place, a_place = builder.mul(i, b_step_), builder.mul(i, a_step_)
            columns = [
                builder.load(builder.bitcast(builder.gep(start, [b_place]), kind.as_pointer()), align=alignment)
                for start in starts_b
            ]
            after = []
            for r, start in enumerate(starts_a):
                row = splat_ir(builder, builder.load(builder.gep(start, [a_place])), kind)
                mine = sums[r * panels : (r + 1) * panels]
                after += [multiply_add_ir(builder, row, b, c) for b, c in zip(columns, mine, strict=True)]
            following = builder.add(i, number(1))
            i.add_incoming(following, loop)
            for phi, value in zip(sums, after, strict=True):
                phi.add_incoming(value, loop)
            builder.cbranch(builder.icmp_signed("<", following, depth), loop, done)
            builder.position_at_end(done)
            for place, value in zip(places, after, strict=True):
                builder.store(value, place, align=alignment)
            return context.get_dummy_value()

        return signature, generate

    return tile


_four, _three, _two, _one = (_tile(rows, 1) for rows in (4, 3, 2, 1))
_two_wide, _one_wide = _tile(2, 2), _tile(1, 4)
_eight_by_three = _tile(8, 3)
_four_by_four, _three_by_four, _two_by_four = (_tile(rows, 4) for rows in (4, 3, 2))

# Rows of a result that are made at a time: each of them is a stream that the processor fetches ahead, and of those it
# follows few. Columns first, a large result would be walked through in strides of its row length.
_STRIPE = 16


@primitive
def many_registers(typing_context):
    """Whether the machine has room for 16 sums of a whole vector each: 32 registers of 512 bits."""

    def generate(context, builder, signature, args):
        features = context.codegen().magic_tuple()[2]
        return context.get_constant(types.boolean, "+avx512f" in features.split(","))

    return types.boolean(), generate


@helper
def eights(rows, panels, lanes, depth, a, a0, a_row, a_step, b, b0, b_panel, b_step, c, c0, c_row, adding):
    """`stripe` for a multiple of eight rows, where there are many registers."""
    p = 0
    while p < panels:
        wide = 3 if p + 3 <= panels else 1
        b1, c1 = b0 + p * b_panel, c0 + p * lanes
        for i in range(0, rows, 8 if wide == 3 else 4):
            a1, c2 = a0 + i * a_row, c1 + i * c_row
            if wide == 3:
                _eight_by_three(depth, a, a1, a_row, a_step, b, b1, b_panel, b_step, c, c2, c_row, adding)
            else:
                _four(depth, a, a1, a_row, a_step, b, b1, b_panel, b_step, c, c2, c_row, adding)
        p += wide


@helper
def stripe(rows, panels, lanes, depth, a, a0, a_row, a_step, b, b0, b_panel, b_step, c, c0, c_row, adding):
    """`matmul` of a few rows, fewer than eight where there are many registers."""
    many = many_registers()
    p = 0
    while p < panels:
        left = panels - p
        # How many panels a tile takes: as many as leave its sums in registers.
        wide = 4 if left >= 4 and (many or rows == 1) else 2 if left >= 2 and rows == 2 else 1
        b1, c1 = b0 + p * b_panel, c0 + p * lanes
        i = 0
        while i + 4 <= rows:
            a1, c2 = a0 + i * a_row, c1 + i * c_row
            if many and wide == 4:
                _four_by_four(depth, a, a1, a_row, a_step, b, b1, b_panel, b_step, c, c2, c_row, adding)
            else:
                _four(depth, a, a1, a_row, a_step, b, b1, b_panel, b_step, c, c2, c_row, adding)
            i += 4
        a1, c1 = a0 + i * a_row, c1 + i * c_row
        if rows - i == 3:
            if many and wide == 4:
                _three_by_four(depth, a, a1, a_row, a_step, b, b1, b_panel, b_step, c, c1, c_row, adding)
            else:
                _three(depth, a, a1, a_row, a_step, b, b1, b_panel, b_step, c, c1, c_row, adding)
        elif rows - i == 2:
            if many and wide == 4:
                _two_by_four(depth, a, a1, a_row, a_step, b, b1, b_panel, b_step, c, c1, c_row, adding)
            elif wide == 2:
                _two_wide(depth, a, a1, a_row, a_step, b, b1, b_panel, b_step, c, c1, c_row, adding)
            else:
                _two(depth, a, a1, a_row, a_step, b, b1, b_panel, b_step, c, c1, c_row, adding)
        elif rows - i == 1:
            if wide == 4:
                _one_wide(depth, a, a1, a_row, a_step, b, b1, b_panel, b_step, c, c1, c_row, adding)
            else:
                _one(depth, a, a1, a_row, a_step, b, b1, b_panel, b_step, c, c1, c_row, adding)
        p += wide


@helper
def matmul(rows, panels, lanes, depth, a, a0, a_row, a_step, b, b0, b_panel, b_step, c, c0, c_row, adding):
    """C = A B, or C += A B when `adding`.

    Args:
        rows, panels, lanes, depth: C is (rows, panels * lanes), A is (rows, depth), B is (depth, panels * lanes).
        a, a0, a_row, a_step: A starts at a[a0]; from one row to the next, from one column to the next.
        b, b0, b_panel, b_step: B starts at b[b0]; from one panel of `lanes` columns to the next, from one row to the
        next.
        c, c0, c_row: C starts at c[c0]; from one row to the next.

    An entry is summed over `depth` in order, whatever the tile it falls into: a row's result does not depend on its
    company.
    """
    keep_apart()
    for start in range(0, rows, _STRIPE):
        some = min(rows - start, _STRIPE)
        whole = some // 8 * 8 if many_registers() else 0
        if whole > 0:
            eights(
                whole, panels, lanes, depth, a, a0 + start * a_row, a_row, a_step, b, b0, b_panel, b_step, c,
                c0 + start * c_row, c_row, adding,
            )  # fmt: skip
        if some > whole:
            first = start + whole
            stripe(
                some - whole, panels, lanes, depth, a, a0 + first * a_row, a_row, a_step, b, b0, b_panel, b_step, c,
                c0 + first * c_row, c_row, adding,
            )  # fmt: skip
