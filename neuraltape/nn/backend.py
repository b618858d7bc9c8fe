"""Which backend runs a module's operation, chosen once for a device and dtype."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from neuraltape.kernels import Resolved, Spec, check_backend, resolve


class BackendChoice:
    """The backend of one operation, kept for the device and dtype in use.

    The choice is made when it is first asked for and again when the device or the dtype changes. It is left out of
    pickles and copies: another computer may choose otherwise.

    Args:
        op: an operation of `neuraltape.kernels`.
        backend: "auto" or a backend's name.
    """

    def __init__(self, op: str, backend: str) -> None:
        check_backend(backend)
        self.op, self.backend = op, backend
        self._chosen: tuple[torch.device, torch.dtype, Resolved] | None = None

    def resolve(self, like: Tensor, spec: Spec) -> Resolved:
        """The backend for tensors like this one.

        Raises:
            TypeError: `like` is neither float32 nor float64.
            RuntimeError: the backend was named and can't run this; the message says why.
        """
        if self._chosen is None or self._chosen[0] != like.device or self._chosen[1] != like.dtype:
            if like.dtype not in (torch.float32, torch.float64):
                raise TypeError(
                    f"parameters must be float32 or float64; got {like.dtype}. Use torch.autocast for lower precision"
                )
            self._chosen = (like.device, like.dtype, resolve(self.op, self.backend, like.device, like.dtype, spec))
        return self._chosen[2]

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the choice."""
        return {"op": self.op, "backend": self.backend, "_chosen": None}


def without_autocast(device_type: str) -> AbstractContextManager[Any]:
    """A context in which this kind of device computes in the tensors' own precision."""
    # To switch off what is off already takes a good part of a small machine's step.
    if torch.amp.is_autocast_available(device_type) and torch.is_autocast_enabled(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()
