"""Neural Turing Machines in PyTorch: recurrent layers with an external memory.

>>> from neuraltape import NTM
>>> ntm = NTM(input_size=9, hidden_size=100, output_size=8)
>>> outputs, state = ntm(inputs)  # (time, batch, 9) -> (time, batch, 8), like torch.nn.LSTM
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuraltape.nn import DNC as DNC
    from neuraltape.nn import MANN as MANN
    from neuraltape.nn import NTM as NTM
    from neuraltape.nn import SAM as SAM
    from neuraltape.nn import Bidirectional as Bidirectional
    from neuraltape.nn import LSTMBaseline as LSTMBaseline
    from neuraltape.nn import Machine as Machine
    from neuraltape.nn import MachineState as MachineState
    from neuraltape.nn import Stacked as Stacked
    from neuraltape.nn import Trace as Trace

__version__ = "0.1.0"

# Loaded at their first use: the command line answers without PyTorch where it can, in a fraction of the time.
_NAMES = ("NTM", "DNC", "SAM", "MANN", "Machine", "LSTMBaseline", "MachineState", "Stacked", "Bidirectional", "Trace")
_PARTS = ("functional", "nn")


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module("neuraltape.nn"), name)
    if name in _PARTS:
        return import_module(f"neuraltape.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_NAMES, *_PARTS])
