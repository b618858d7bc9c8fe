"""How much arithmetic the equations ask for: one step of one sequence, counted from the sizes alone.

A multiply-add is 2 flops. Letters: I input, H hidden, O output, N slots, W width, R read heads, V write heads.
"""

from typing import NamedTuple

from benchmarks.size import Size

# exp, log or tanh by a polynomial of degree 6: that, the reduction of its argument and putting the result together.
FLOPS_OF_A_FUNCTION = 20
# Adam: two running means, their corrections, the quotient and the step.
FLOPS_OF_ADAM = 14


class Flops(NamedTuple):
    """Of one step of one sequence."""

    products: float
    """Products with weights."""
    memory: float
    """Everything done to each of the N x W numbers of the memory."""
    weightings: float
    """Everything done to each of the N entries of a weighting."""
    functions: float
    """exp, log, tanh and their like, in flops."""

    @property
    def total(self) -> float:
        """All of them."""
        return sum(self)


def seen(size: Size) -> int:
    """What the controller's product sees without its own state: I + R W."""
    return size.input_size + size.read_heads * size.width


def recurrent_weights(size: Size) -> int:
    """Numbers in the two products of every step: gates 4 H (I + R W + H), heads' parameters K H."""
    return 4 * size.hidden_size * (seen(size) + size.hidden_size) + size.layout.size * size.hidden_size


def output_weights(size: Size) -> int:
    """Numbers in the output layer's product: O (H + R W)."""
    return size.output_size * (size.hidden_size + size.read_heads * size.width)


def parameters(size: Size) -> int:
    """All parameters, biases included; the LSTM has two."""
    biases = 8 * size.hidden_size + size.layout.size + size.output_size
    return recurrent_weights(size) + output_weights(size) + biases


def forward_flops(size: Size) -> Flops:
    """One step forward."""
    heads, offsets = size.layout.heads, len(size.layout.offsets)
    products = 2 * (recurrent_weights(size) + output_weights(size))
    memory = (
        2 * heads  # content: row times key
        + 2  # length of a row, once a step: the read heads' match and the next step's write heads' match share it
        + 5 * size.write_heads  # 1 - w e: 2; times M: 1; plus w a: 2
        + 2 * size.read_heads  # w M, summed
    )
    weightings = heads * (
        3  # content: similarity from the dot product, times strength, minus the largest
        + 3  # interpolation
        + 2 * offsets  # shift
        + 3  # sharpening: relative to the largest, times sharpness
        + 4  # both softmaxes: the sum, and dividing by it
    )
    functions = (
        5 * size.hidden_size  # three gates, the candidate, tanh(c)
        + size.layout.size  # one for each of the heads' parameters
        + 2 * heads  # softplus has a logarithm besides: strength and sharpness
        + 3 * heads * size.slots  # exp in content; log and exp in sharpening
        + size.slots  # a root a row
    )
    cells = size.slots * size.width
    return Flops(products, memory * cells, weightings * size.slots, functions * FLOPS_OF_A_FUNCTION)


def backward_flops(size: Size) -> Flops:
    """One step backward, from values that the forward pass has kept. Replaying the memory's writes does not count."""
    heads, offsets = size.layout.heads, len(size.layout.offsets)
    # Slopes of what a product saw and of its weights; nobody asks for the slopes of the input.
    products = 2 * forward_flops(size).products - 2 * 4 * size.hidden_size * size.input_size
    memory = (
        4 * size.read_heads  # w' += M r'; M' += w r'
        + size.write_heads
        * (
            2  # a' = M' w
            + 3  # e' = (M' M) w
            + 4  # w' = M' a - (M' M) e
            + 3  # M' (1 - w e)
        )
        + 4 * heads  # k' += K' M; M' += K' k
        + 2  # M' -= M times what all heads' matches say of the row's length
    )
    weightings = heads * (
        5  # sharpening: z = w (w' - sum w w'); sharpness' = z log v: the logarithm is kept
        + 2  # v' = sharpness z / v
        + 2  # the sum for sharpness'
        + 4 * offsets  # shift: s' and g'
        + 5  # interpolation: gate', c' and what goes to the step before
        + 5  # content's softmax, as sharpening's
        + 4  # strength', K' and K' K
    )
    return Flops(products, memory * size.slots * size.width, weightings * size.slots, 0)


def training_flops(size: Size) -> Flops:
    """One step forward and backward, with its share of Adam's step."""
    forward, backward = forward_flops(size), backward_flops(size)
    both = Flops(*(a + b for a, b in zip(forward, backward, strict=True)))
    adam = FLOPS_OF_ADAM * parameters(size) / (size.time * size.batch)
    return both._replace(products=both.products + adam)
