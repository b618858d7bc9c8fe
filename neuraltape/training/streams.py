"""Where a training's random numbers come from: each draw depends on the seed, its stream and its place, on no other."""

from hashlib import blake2b

import torch
from torch import Generator, Tensor


def generator_at(seed: int, stream: str, *place: int) -> Generator:
    """A generator for one draw.

    Args:
        seed: the run's.
        stream: what is drawn; equal places in different streams have nothing in common.
        place: where in the stream, such as the step.
    """
    words = " ".join([str(seed), stream, *map(str, place)])
    return Generator().manual_seed(int.from_bytes(blake2b(words.encode(), digest_size=7).digest(), "little"))


def random_states() -> dict[str, Tensor]:
    """The states of PyTorch's own generators."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def restore_random_states(states: dict[str, Tensor]) -> None:
    """Put back what `random_states` gave, as far as this computer has the device."""
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
