"""Random pieces that the tasks are put together from. Everything comes from the generator that is passed in."""

import math

import numpy as np
import torch
from torch import Tensor

# Channels of a vector, and labels, at the most: more than anybody trains, few enough to list their names at once.
MOST_CHANNELS = 10_000


def random_bits(*shape: int, generator: torch.Generator) -> Tensor:
    """Independent fair bits, float32."""
    count = math.prod(shape)
    # A draw gives eight bits, as most of a batch's time goes into drawing.
    octets = torch.randint(0, 256, (-(-count // 8),), dtype=torch.uint8, generator=generator)
    return torch.from_numpy(np.unpackbits(octets.numpy(), count=count)).float().reshape(shape)


def random_vectors(count: int, batch_size: int, bits: int, *, blank: float, generator: torch.Generator) -> Tensor:
    """Vectors of fair bits, (count, batch, bits) float32; with probability `blank` each is made all zero."""
    vectors = random_bits(count, batch_size, bits, generator=generator)
    if blank:
        vectors *= torch.rand(count, batch_size, 1, generator=generator) >= blank
    return vectors


def check_blank(share: float) -> None:
    """Raise ValueError unless `blank_vectors` is a probability below 1."""
    if not 0 <= share < 1:
        raise ValueError(f"blank_vectors must be at least 0 and below 1; got {share!r}")


def random_integers(low: Tensor | int, high: Tensor, *, generator: torch.Generator) -> Tensor:
    """Independent integers, uniform from low to high, both included; shape of `high`, int64."""
    # The draws are float64, as in float32 the largest draw times a large span can round up to the span itself.
    draws = torch.rand(high.shape, generator=generator, dtype=torch.float64)
    return low + (draws * (high - low + 1)).long()


def random_priorities(*shape: int, generator: torch.Generator) -> Tensor:
    """Independent and uniform over (-1, 1), float32; never exactly -1, 0 or 1."""
    # `rand` gives k / 2^24; the odd numbers over 2^24 between -1 and 1 are all exact in float32.
    return torch.rand(shape, generator=generator) * 2 - (1 - 2**-24)


def draw_lengths(
    name: str,
    batch_size: int,
    given: int | Tensor | None,
    *,
    smallest: int,
    low: int,
    high: int,
    generator: torch.Generator,
) -> Tensor:
    """One length a sequence: the given ones, or uniform from low to high, drawn independently.

    Args:
        name: the argument's name, for messages.
        batch_size: the number of sequences, at least 1.
        given: one length for all, (batch,) integers, or None to draw.
        smallest: the least length that makes sense.

    Returns:
        (batch,) int64.

    Raises:
        ValueError: batch_size below 1, a length below `smallest`, a tensor of another shape or not of integers.
    """
    check_integer("batch_size", batch_size, least=1)
    if given is None:
        return random_integers(low, torch.full((batch_size,), high), generator=generator)
    if not isinstance(given, Tensor):
        check_integer(name, given, least=smallest)
        return torch.full((batch_size,), given)
    if given.shape != (batch_size,) or given.is_floating_point() or given.dtype == torch.bool:
        raise ValueError(
            f"{name} must be an integer or an integer tensor of shape ({batch_size},); "
            f"got {given.dtype} of shape {tuple(given.shape)}"
        )
    if int(given.min()) < smallest:
        raise ValueError(f"{name} must be at least {smallest}; got {int(given.min())}")
    return given.to("cpu", torch.int64)


def check_integer(name: str, value: object, *, least: int, most: int | None = None) -> None:
    """Raise ValueError unless `value` is an integer of at least `least`, and of at most `most` where that is given."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}; got {value!r}")
    if most is not None and value > most:
        raise ValueError(f"{name} must be an integer of at most {most}; got {value:.6g}")


def check_range(names: tuple[str, str], low: int, high: int, *, least: int) -> None:
    """Raise ValueError unless least <= low <= high, all integers."""
    check_integer(names[0], low, least=least)
    check_integer(names[1], high, least=least)
    if low > high:
        raise ValueError(f"{names[0]} must not exceed {names[1]}; got {low} and {high}")


def place(vectors: Tensor, index: Tensor, inside: Tensor) -> Tensor:
    """Lay vectors out over time: step t of sequence b gets vectors[index[t, b], b] where `inside`, else 0.

    Args:
        vectors: (items, batch, width).
        index: which item, (time, batch) int64; anything where not `inside`.
        inside: (time, batch) bool.

    Returns:
        (time, batch, width).
    """
    items, batch, width = vectors.shape
    # Whole rows out of a flat list are faster than `gather`; the last row is the 0 for what is not inside.
    rows = torch.cat([vectors.reshape(-1, width), vectors.new_zeros(1, width)])
    flat = torch.where(inside, index * batch + torch.arange(batch), items * batch)
    return rows.index_select(0, flat.flatten()).view(*flat.shape, width)
