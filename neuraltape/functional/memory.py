"""Reading from and writing to a memory with given weights, as pure functions. Knows nothing of addressing."""

from jaxtyping import Float
from torch import Tensor


def read(
    memory: Float[Tensor, "batch slots width"],
    weights: Float[Tensor, "batch heads slots"],
) -> Float[Tensor, "batch heads width"]:
    """What each head gets back: the sum of the slots, weighted by its focus. Paper, equation 2.

    Args:
        memory: M_t, (batch, slots, width).
        weights: w_t, (batch, heads, slots).

    Returns:
        r_t, (batch, heads, width).
    """
    return weights @ memory


def write(
    memory: Float[Tensor, "batch slots width"],
    weights: Float[Tensor, "batch heads slots"],
    erase: Float[Tensor, "batch heads width"],
    add: Float[Tensor, "batch heads width"],
) -> Float[Tensor, "batch slots width"]:
    """Erase, then add. Paper, equations 3 and 4.

    With several heads all erases multiply, then all adds sum, so the order of the heads does not matter.

    Args:
        memory: M_{t-1}, (batch, slots, width).
        weights: w_t, (batch, heads, slots).
        erase: e_t in [0, 1], (batch, heads, width).
        add: a_t, (batch, heads, width).

    Returns:
        M_t, (batch, slots, width).
    """
    keep = 1 - weights.unsqueeze(-1) * erase.unsqueeze(-2)
    # One factor a head, multiplied one by one: the backward of `prod` searches for zeros and is slow with them.
    for head in range(keep.shape[1]):
        memory = memory * keep[:, head]
    return memory + weights.transpose(-1, -2) @ add
