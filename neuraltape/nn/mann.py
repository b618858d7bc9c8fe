"""The memory-augmented neural network: a controller with access by least-recently-used writes."""

import torch
from torch import nn

from neuraltape.functional import LRUALayout
from neuraltape.nn.access import LRUAAccess, MANNConfig
from neuraltape.nn.controllers import LSTMController
from neuraltape.nn.fast_machine import FastMachine, chosen_controller
from neuraltape.nn.machine_config import ControllerName
from neuraltape.nn.made_on import made_on
from neuraltape.nn.one_late import start_one_late


class MANN(FastMachine):
    """A recurrent layer that stores what it sees in slots that are not in use and finds it again by content.

    Santoro, Bartunov, Botvinick, Wierstra and Lillicrap (2016), arXiv 1605.06065: made for learning from one example.
    Used like torch.nn.LSTM and like `NTM`; the addressing is that of `LRUAAccess`. Made for labels that come one step
    late: with a built-in LSTM, what is written starts as the key of the step before.

    Args:
        input_size: numbers in one step's input.
        hidden_size: numbers in the controller's output.
        output_size: numbers in one step's output.
        memory_slots: N, rows of the memory.
        memory_width: W, numbers in each row.
        read_heads: each writes, then reads.
        usage_decay: what is left of a slot's usage after one step.
        controller: "lstm", "feedforward", "gru", or a module with `initial_state(batch_size)` and
            `forward(x, state) -> (y, state)`, as for `NTM`.
        controller_layers: layers of a built-in controller.
        input_scale: what inputs are multiplied with, positive: see `NTM`.
        embedding_size: each step is a symbol, an integer from 0 to input_size - 1, that is looked up in a table of so
            many numbers each (`torch.nn.Embedding`), which is trained too; 0 or None: a step is input_size numbers.
        batch_first: inputs and outputs are (batch, time, ...) instead of (time, batch, ...). States never change.
        backend: "auto", or the name of one: a named backend that can't run this raises the reason.
        device, dtype: of the parameters; None: PyTorch's defaults.

    Raises:
        TypeError: a controller that is neither a name nor such a module.
        ValueError: a size or choice that makes no machine.
        RuntimeError: the named backend can't run this machine.
    """

    kind = "mann"
    access_type = LRUAAccess
    access: LRUAAccess

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        memory_slots: int = 128,
        memory_width: int = 40,
        read_heads: int = 4,
        usage_decay: float = 0.99,
        controller: ControllerName | nn.Module = "lstm",
        controller_layers: int = 1,
        input_scale: float = 1.0,
        embedding_size: int | None = None,
        batch_first: bool = False,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        config = MANNConfig(
            hidden_size=hidden_size,
            memory_slots=memory_slots,
            memory_width=memory_width,
            read_heads=read_heads,
            usage_decay=usage_decay,
            controller_layers=controller_layers,
            input_scale=input_scale,
            embedding_size=embedding_size,
            backend=backend,
        )
        with made_on(device):
            part = chosen_controller(controller, input_size, config)
            access = LRUAAccess(hidden_size, memory_slots, LRUALayout(read_heads, memory_width, usage_decay))
        super().__init__(
            input_size, output_size, config,
            controller=part, access=access, batch_first=batch_first, device=device, dtype=dtype,
        )  # fmt: skip
        self._one_late = part is not controller
        self._start_one_late()

    def reset_parameters(self) -> None:
        """Draw all weights anew; with a built-in LSTM, what is written starts as the key of the step before."""
        super().reset_parameters()
        self._start_one_late()

    def _start_one_late(self) -> None:
        if self._one_late and isinstance(self.controller, LSTMController):
            key, _, _, add = self.access.interface.weight.split(self.layout.sizes)
            start_one_late(self.controller, key, add)
