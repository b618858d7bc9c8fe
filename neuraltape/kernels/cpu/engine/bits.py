"""What outputs cost where targets are bits, within the loops over time: the output layer, its cross-entropy, and back.

With logits x, targets y and e = e^-|x|, so that nothing overflows and both ends keep their digits,

    cost = |x| (1 - y where x >= 0, else y) + log(1 + e)        x' = sigmoid(x) - y, for each cost's gradient of 1
"""

from neuraltape.kernels.cpu.lib.compiler import helper
from neuraltape.kernels.cpu.lib.matmul import matmul
from neuraltape.kernels.cpu.lib.simd import (
    copy,
    exp,
    flags,
    floats,
    integers,
    keep_apart,
    load,
    load_some,
    log,
    store,
    where,
)

# The logit behind a row's end, whose target is 0: it costs exactly 0, and its gradient is 0.
SURE = -1e4


@helper
def pay(z, call, t, first, active, packed, work, tops, logits, costs):
    """One step of a block: outputs, what they cost, and the gradient of that with respect to the outputs.

    Args:
        z, call, packed, work: as for `forward_block`. first: the block's first sequence. active: how many go on.
        tops: place of what the output layer sees, rows of [hidden | 1 | reads]. logits: place for its results.
        costs: place of a vector a row, whose lanes' sum is what the row has cost so far.
    """
    keep_apart()
    order, outputs, targets = integers(call.order), floats(work, call.outputs), floats(work, call.targets)
    residuals, vector, depth = floats(work, call.residuals), z.vector, z.hidden + 1 + z.reads
    matmul(
        active, (z.targets + vector - 1) // vector, vector, depth, work, tops, z.ld_top, 1, packed, z.pack_output,
        depth * vector, vector, work, logits, z.ld_targets, False,
    )  # fmt: skip
    for s in range(active):
        step, row = t * z.batch + order[first + s], logits + s * z.ld_targets
        place = step * z.targets
        copy(work, row, outputs, place, z.targets)
        if call.counted != 0 and flags(call.counted)[step] == 0:
            for i in range(place, place + z.targets):
                residuals[i] = 0.0
        else:
            for i in range(row + z.targets, row + z.ld_targets):
                work[i] = SURE
            for i in range(0, z.targets, vector):
                logit, target = load(work, row + i), load_some(targets, place + i, min(vector, z.targets - i))
                low = logit < 0.0
                size = where(low, 0.0 - logit, logit)
                small = exp(0.0 - size)
                whole = 1.0 + small
                # log(1 + e) of a small e: what the sum has lost comes back.
                rest = log(whole) + (small - (whole - 1.0)) / whole
                cost = size * where(low, target, 1.0 - target) + rest
                store(work, costs + s * vector, load(work, costs + s * vector) + cost)
                one = where(low, small, small * 0.0 + 1.0)
                store(work, row + i, (one - target - target * small) / whole)
            copy(work, row, residuals, place, z.targets)


@helper
def owe(z, call, t, b, work, row):
    """The gradient of one row of outputs: that of its sequence's cost times what `pay` left."""
    keep_apart()
    residuals, slope = floats(work, call.residuals), floats(work, call.dcosts)[b]
    place = (t * z.batch + b) * z.targets
    for i in range(z.targets):
        work[row + i] = slope * residuals[place + i]
