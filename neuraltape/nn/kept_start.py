"""A start that is the same at every call, kept from one to the next: to make it takes longer than a few steps."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from neuraltape.nn.state import MachineState, tensors_of

_Key = tuple[Any, ...]

# Bytes. To make a start that is larger takes little beside the call that it is for.
KEPT = 4 * 2**20


class KeptStart:
    """The last state that was asked for, unless it is large; left out of pickles and copies.

    It is for a machine's own use: who gets a state of his own may change its tensors.
    """

    def __init__(self) -> None:
        self._kept: tuple[_Key, MachineState] | None = None

    def get(
        self,
        make: Callable[[int], MachineState],
        batch_size: int,
        slots: int,
        like: Tensor,
        of: tuple[Any, ...] = (),
    ) -> MachineState:
        """The state for so many sequences and slots, with the device and dtype of `like`.

        Args:
            make: the machine's `initial_state`; the state must depend on nothing else.
            of: what else it depends on: the parts that it is made by, and their sizes.
        """
        key = (batch_size, slots, like.dtype, like.device, *of)
        kept = self._kept
        if kept is not None and kept[0] == key:
            return kept[1]
        # What is made in inference mode could not be used in a training later on.
        with torch.inference_mode(False):
            made = make(batch_size)
        tensors = tensors_of(made)
        if sum(each.nbytes for each in tensors) <= KEPT and all(_plain(each) for each in tensors):
            self._kept = key, made
        return made

    def __getstate__(self) -> dict[str, Any]:
        """Nothing."""
        return {"_kept": None}


def _plain(tensor: Tensor) -> bool:
    """Whether it holds numbers that are good for other calls: not a fake one, nor one of a functorch transform."""
    return type(tensor) is Tensor and not torch._C._functorch.is_functorch_wrapped_tensor(tensor)  # pyright: ignore
