"""Where modules are made, whatever the default device is."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch


def made_on(device: torch.device | str | None) -> AbstractContextManager[Any]:
    """A context in which parameters are made on this device; None: where they are made anyway.

    To make them elsewhere and then move them does not do: on "meta" they have no numbers to move.
    """
    return nullcontext() if device is None else torch.device(device)
