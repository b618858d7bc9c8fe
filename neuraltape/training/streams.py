"""Where a training's random numbers come from: each draw depends on the seed, its stream and its place, on no other."""

from hashlib import blake2b

from torch import Generator


def generator_at(seed: int, stream: str, *place: int) -> Generator:
    """A generator for one draw.

    Args:
        seed: the run's.
        stream: what is drawn; equal places in different streams have nothing in common.
        place: where in the stream, such as the step.
    """
    words = " ".join([str(seed), stream, *map(str, place)])
    return Generator().manual_seed(int.from_bytes(blake2b(words.encode(), digest_size=7).digest(), "little"))
