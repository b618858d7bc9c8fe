"""Products with weights where they lie, for a few steps: to pack the weights would take longer than the steps."""

from neuraltape.kernels.cpu.lib.cells import FEEDFORWARD, GRU, LSTM
from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.simd import (
    add_totals,
    copy,
    floats,
    keep_apart,
    load,
    load_last,
    load_some,
    multiply_add,
    splat,
    total,
)


@helper
def add_products(matrix, m0, row, rows, x, x0, depth, y, y0, vector):
    """Y += W x, for a matrix that lies as PyTorch keeps it: `rows` rows, `row` apart, `depth` numbers of each used."""
    keep_apart()
    whole = depth // vector * vector
    rest = depth - whole
    # What is left of a row is the end of its last vector.
    last = depth - vector
    for i in range(0, rows, 4):
        # The last rows are taken twice if there are not four; only the first time counts.
        a = m0 + i * row
        b, c, d = a + min(1, rows - 1 - i) * row, a + min(2, rows - 1 - i) * row, a + min(3, rows - 1 - i) * row
        sum_a, sum_b, sum_c, sum_d = splat(x, 0.0), splat(x, 0.0), splat(x, 0.0), splat(x, 0.0)
        for k in range(0, whole, vector):
            seen = load(x, x0 + k)
            sum_a = multiply_add(load(matrix, a + k), seen, sum_a)
            sum_b = multiply_add(load(matrix, b + k), seen, sum_b)
            sum_c = multiply_add(load(matrix, c + k), seen, sum_c)
            sum_d = multiply_add(load(matrix, d + k), seen, sum_d)
        if last < 0:
            seen = load_some(x, x0, rest)
            sum_a = multiply_add(load_some(matrix, a, rest), seen, sum_a)
            sum_b = multiply_add(load_some(matrix, b, rest), seen, sum_b)
            sum_c = multiply_add(load_some(matrix, c, rest), seen, sum_c)
            sum_d = multiply_add(load_some(matrix, d, rest), seen, sum_d)
        elif rest > 0:
            seen = load_last(x, x0 + last, rest)
            sum_a = multiply_add(load_last(matrix, a + last, rest), seen, sum_a)
            sum_b = multiply_add(load_last(matrix, b + last, rest), seen, sum_b)
            sum_c = multiply_add(load_last(matrix, c + last, rest), seen, sum_c)
            sum_d = multiply_add(load_last(matrix, d + last, rest), seen, sum_d)
        if i + 4 <= rows:
            add_totals(y, y0 + i, sum_a, sum_b, sum_c, sum_d)
        else:
            y[y0 + i] += total(sum_a)
            if i + 1 < rows:
                y[y0 + i + 1] += total(sum_b)
            if i + 2 < rows:
                y[y0 + i + 2] += total(sum_c)


@helper
def direct_layer(z, layer, weights_at, work, seen, gates):
    """One row of a layer's gates, from weights that lie as PyTorch keeps them.

    Args:
        weights_at, work: as for `forward_block`. seen: place of what the layer sees. gates: place of the result (GRU:
            the candidate's two products apart).
    """
    keep_apart()
    read_width = z.reads
    rows = z.hidden if z.cell == FEEDFORWARD else 3 * z.hidden if z.cell == GRU else 4 * z.hidden
    own = layer * (2 if z.cell == FEEDFORWARD else 4)
    weight, hidden = floats(work, weights_at[own]), seen + (read_width if layer == 0 else 0)
    below = hidden if z.cell == FEEDFORWARD else hidden + z.hidden
    copy(floats(work, weights_at[own + (1 if z.cell == FEEDFORWARD else 2)]), 0, work, gates, rows)
    if layer == 0:
        # The weights' columns are inputs, then reads.
        together, row = z.work_forward - z.ld_first, z.inputs + read_width
        copy(work, below, work, together, z.inputs)
        copy(work, seen, work, together + z.inputs, read_width)
        add_products(weight, 0, row, rows, work, together, row, work, gates, z.vector)
    else:
        add_products(weight, 0, z.hidden, rows, work, below, z.hidden, work, gates, z.vector)
    if z.cell != FEEDFORWARD:
        recurrent, bias = floats(work, weights_at[own + 1]), floats(work, weights_at[own + 3])
        summed = rows if z.cell == LSTM else 2 * z.hidden
        for i in range(summed):
            work[gates + i] += bias[i]
        add_products(recurrent, 0, z.hidden, summed, work, hidden, z.hidden, work, gates, z.vector)
        if z.cell == GRU:
            place = gates + rows
            copy(bias, summed, work, place, z.hidden)
            add_products(
                recurrent, summed * z.hidden, z.hidden, z.hidden, work, hidden, z.hidden, work, place, z.vector
            )


@helper
def direct_interface(z, weights_at, work, top, raw):
    """One row of raw head parameters, from weights that lie as PyTorch keeps them."""
    keep_apart()
    own = z.layers * (2 if z.cell == FEEDFORWARD else 4)
    copy(floats(work, weights_at[own + 1]), 0, work, raw, z.parameters)
    weight = floats(work, weights_at[own])
    add_products(weight, 0, z.hidden, z.parameters, work, top, z.hidden, work, raw, z.vector)


@helper
def direct_output(z, call, work, top, seen, place):
    """One row of the output layer, number `place` of the results, from the controller's output and the reads."""
    keep_apart()
    outputs, rows = floats(work, call.outputs), call.output_size
    weight, reading = floats(work, call.output_weight), z.reads
    copy(floats(work, call.output_bias), 0, outputs, place * rows, rows)
    row = z.hidden + reading
    add_products(weight, 0, row, rows, work, top, z.hidden, outputs, place * rows, z.vector)
    add_products(weight, z.hidden, row, rows, work, seen, reading, outputs, place * rows, z.vector)
