"""How many bytes have to move: one step of one sequence, counted from the sizes and the division of the work.

Two borders: between the arithmetic and the cache, for what is used again and again (weights, memory); and between
the cache and the main memory, for what passes once (inputs, outputs, what is kept for the backward pass). float32.
"""

from dataclasses import dataclass

from benchmarks.counting import parameters, recurrent_weights
from benchmarks.size import Size

NUMBER = 4


@dataclass(frozen=True)
class Sharing:
    """How the kernels divide the work."""

    rows: int
    """Sequences that share each load of a weight."""
    segment: int
    """Steps from one kept memory to the next, and from one sum of weight gradients to the next."""


def cache_bytes(size: Size, sharing: Sharing, *, training: bool) -> float:
    """Through the border to the cache."""
    cells = size.slots * size.width
    weightings = size.layout.heads * size.slots
    weights = recurrent_weights(size) / sharing.rows
    forward = (
        weights
        + 4 * cells  # write heads' match; writing: in and out, the read heads' match with it; reading
        + 2 * weightings  # the step before, this step
    )
    if not training:
        return NUMBER * forward
    not_asked_for = 4 * size.hidden_size * size.input_size / sharing.rows
    backward = (
        weights
        - not_asked_for
        + 2 * recurrent_weights(size) / (sharing.rows * sharing.segment)  # the sum of gradients: in and out
        + 2 * cells  # replay of a write: in and out
        + cells  # w' of the read heads: M
        + 3 * cells  # reading and the read heads' match: M; M' in and out
        + 2 * cells  # w', e', a' of the write heads: M and M'
        + 3 * cells  # writing and the write heads' match: M; M' in and out
        + 4 * weightings  # this step, the step before, the slopes in and out
    )
    return NUMBER * (forward + backward)


def main_bytes(size: Size, sharing: Sharing, *, training: bool) -> float:
    """Through the border to the main memory."""
    result = size.hidden_size + size.read_heads * size.width
    # Inputs in, the result out and in again for the output layer, outputs out.
    forward = size.input_size + 2 * result + size.output_size
    if not training:
        return NUMBER * forward
    kept = (
        4 * size.hidden_size  # gates
        + size.layout.size  # the heads' parameters
        + size.layout.heads * size.slots  # weightings
        + (size.slots * (size.width + 1) + 2 * size.hidden_size) / sharing.segment  # memory, lengths of rows, state
    )
    # Kept: out and in. Then inputs and results in once more, slopes of outputs in, slopes of the result out and in.
    backward = 2 * kept + size.input_size + result + size.output_size + 2 * result
    # Adam: weights, gradient and two means in; weights, means and a gradient of zeros out.
    adam = 8 * parameters(size) / (size.time * size.batch)
    return NUMBER * (forward + backward + adam)
