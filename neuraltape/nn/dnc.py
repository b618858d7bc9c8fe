"""The Differentiable Neural Computer: a controller with access by allocation, content and links."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from neuraltape.nn.access import DNCAccess, DNCConfig
from neuraltape.nn.fast_machine import FastMachine, chosen_controller
from neuraltape.nn.machine_config import ControllerName
from neuraltape.nn.made_on import made_on
from neuraltape.nn.resized import Resizable


class DNC(Resizable, FastMachine):
    """A recurrent layer that writes into free slots, frees them, and reads by content or in the order of writing.

    Graves et al. (2016), "Hybrid computing using a neural network with dynamic external memory", Nature 538:471, with
    one write head. Used like torch.nn.LSTM and like `NTM`; the equations are those of `neuraltape.functional.dnc_step`.
    Where this departs from the paper: heads and output see the controller's last layer, not all of them.

    Args:
        input_size: numbers in one step's input.
        hidden_size: numbers in the controller's output.
        output_size: numbers in one step's output.
        memory_slots: N, rows of the memory.
        memory_width: W, numbers in each row.
        read_heads: how many read; one head writes.
        links: whether reads can follow the order of writing. Costs N x N numbers a sequence; without it nothing does.
        masked: keys with a mask (Csordas and Schmidhuber 2019, arXiv 1904.10278).
        wipe: slots that are freed are emptied (the same). Needed where memory has to be used again many times.
        sharpen_links: what the links lead to is sharpened (the same). Runs on the reference backend only.
        layer_norm: what the controller emits for the heads is normalised (Franke, Niehues and Waibel 2018, arXiv
            1807.02658).
        bypass_dropout: how much of the controller's output doesn't reach the output layer while it trains, at least 0
            and below 1 (the same: 0.1).
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

    kind = "dnc"
    access_type = DNCAccess
    access: DNCAccess

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        memory_slots: int = 128,
        memory_width: int = 20,
        read_heads: int = 1,
        links: bool = True,
        masked: bool = False,
        wipe: bool = False,
        sharpen_links: bool = False,
        layer_norm: bool = False,
        bypass_dropout: float = 0.0,
        controller: ControllerName | nn.Module = "lstm",
        controller_layers: int = 1,
        input_scale: float = 1.0,
        embedding_size: int | None = None,
        batch_first: bool = False,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        config = DNCConfig(
            hidden_size=hidden_size,
            memory_slots=memory_slots,
            memory_width=memory_width,
            read_heads=read_heads,
            links=links,
            masked=masked,
            wipe=wipe,
            sharpen_links=sharpen_links,
            layer_norm=layer_norm,
            bypass_dropout=bypass_dropout,
            controller_layers=controller_layers,
            input_scale=input_scale,
            embedding_size=embedding_size,
            backend=backend,
        )
        with made_on(device):
            part = chosen_controller(controller, input_size, config)
            access = DNCAccess(hidden_size, memory_slots, config.layout())
        super().__init__(
            input_size, output_size, config,
            controller=part, access=access, batch_first=batch_first, device=device, dtype=dtype,
        )  # fmt: skip
        if bypass_dropout:
            self.output = WithBypassDropout(self.output, hidden_size, bypass_dropout)


class WithBypassDropout(nn.Linear):
    """A linear layer that, while it trains, drops some of its first inputs: those that come past the memory.

    Franke, Niehues and Waibel (2018), arXiv 1807.02658, section 3.3.

    Args:
        layer: the layer whose parameters it has.
        past: how many inputs come past the memory.
        rate: how much of them is dropped.
    """

    def __init__(self, layer: nn.Linear, past: int, rate: float) -> None:
        super().__init__(layer.in_features, layer.out_features, device="meta")
        self.weight, self.bias, self.past, self.rate = layer.weight, layer.bias, past, rate
        # A training that draws what is left out by itself puts its own here.
        self.drop: Callable[[Tensor, float], Tensor] = dropout

    def forward(self, inputs: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """W x + b."""
        if self.training:
            past, read = inputs.tensor_split([self.past], -1)
            inputs = torch.cat([self.drop(past, self.rate), read], -1)
        return super().forward(inputs)

    def extra_repr(self) -> str:
        """Sizes, for `repr`."""
        return f"{super().extra_repr()}, past={self.past}, rate={self.rate}"
