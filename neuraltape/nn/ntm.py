"""The Neural Turing Machine: a controller, an access and one linear layer for the output."""

import torch
from torch import nn

from neuraltape.functional import InterfaceLayout
from neuraltape.nn.access import NTMAccess, NTMConfig
from neuraltape.nn.fast_machine import FastMachine, chosen_controller
from neuraltape.nn.initial import MemoryInit
from neuraltape.nn.machine_config import ControllerName
from neuraltape.nn.made_on import made_on
from neuraltape.nn.resized import Resizable


class NTM(Resizable, FastMachine):
    """A recurrent layer with an external memory, used like torch.nn.LSTM.

    Graves, Wayne and Danihelka (2014), arXiv 1410.5401. At each step the controller sees the input and the previous
    reads; all write heads address the memory and write; all read heads address what results and read; the output is
    one linear layer on the controller's output and the reads. What the paper leaves open is fixed as in
    `neuraltape.functional`; the memory starts as the constant 1e-6 (Collier and Beel 2018, arXiv 1807.08518).

    Args:
        input_size: numbers in one step's input.
        hidden_size: numbers in the controller's output.
        output_size: numbers in one step's output.
        memory_slots: N, rows of the memory.
        memory_width: W, numbers in each row.
        read_heads, write_heads: how many of each.
        controller: "lstm", "feedforward", "gru", or a module with `initial_state(batch_size)` and
            `forward(x, state) -> (y, state)`, where x is (batch, input_size + read_heads * memory_width), y is
            (batch, hidden_size) and the tensors of the state have the batch first.
        controller_layers: layers of a built-in controller.
        shift_offsets: the moves that a head can make from one step to the next: distinct integers. (0,): none.
        memory_init: where the memory starts: "constant" (1e-6), "random" (one draw, kept) or "learned".
        train_initial_memory: whether that start is trained; None: only if "learned".
        train_initial_weights: whether the heads' first focus is trained; it starts on slot 0.
        train_initial_reads: whether the first reads are trained; they start at 0.
        linear_units: so many units of each layer of an "lstm" controller, the first, take their candidate as it is: see
            `LSTMController`. For what comes as a number, such as a count. Ours; not in the paper.
        input_scale: what inputs are multiplied with, positive. More than 1 where small differences of an input matter:
            a controller learns sooner to tell them apart.
        embedding_size: each step is a symbol, an integer from 0 to input_size - 1, that is looked up in a table of so
            many numbers each (`torch.nn.Embedding`), which is trained too; 0 or None: a step is input_size numbers.
        batch_first: inputs and outputs are (batch, time, ...) instead of (time, batch, ...). States never change.
        backend: "auto", or the name of one: a named backend that can't run this raises the reason.
        device, dtype: of the parameters; None: PyTorch's defaults.

    Raises:
        TypeError: a controller that is neither a name nor such a module.
        ValueError: a size, offset or choice that makes no machine.
        RuntimeError: the named backend can't run this machine.
    """

    kind = "ntm"
    access_type = NTMAccess
    access: NTMAccess

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        memory_slots: int = 128,
        memory_width: int = 20,
        read_heads: int = 1,
        write_heads: int = 1,
        controller: ControllerName | nn.Module = "lstm",
        controller_layers: int = 1,
        shift_offsets: tuple[int, ...] = (-1, 0, 1),
        memory_init: MemoryInit = "constant",
        train_initial_memory: bool | None = None,
        train_initial_weights: bool = False,
        train_initial_reads: bool = False,
        linear_units: int = 0,
        input_scale: float = 1.0,
        embedding_size: int | None = None,
        batch_first: bool = False,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        config = NTMConfig(
            hidden_size=hidden_size,
            memory_slots=memory_slots,
            memory_width=memory_width,
            read_heads=read_heads,
            write_heads=write_heads,
            controller_layers=controller_layers,
            embedding_size=embedding_size,
            shift_offsets=shift_offsets,
            memory_init=memory_init,
            train_initial_memory=train_initial_memory,
            train_initial_weights=train_initial_weights,
            train_initial_reads=train_initial_reads,
            linear_units=linear_units,
            input_scale=input_scale,
            backend=backend,
        )
        layout = InterfaceLayout(read_heads, write_heads, memory_width, config.shift_offsets)
        with made_on(device):
            part = chosen_controller(controller, input_size, config)
            access = NTMAccess(
                hidden_size,
                memory_slots,
                layout,
                memory_init=memory_init,
                train_memory=train_initial_memory,
                train_weights=train_initial_weights,
                train_reads=train_initial_reads,
                backend=backend,
            )
        super().__init__(
            input_size, output_size, config,
            controller=part, access=access, batch_first=batch_first, device=device, dtype=dtype,
        )  # fmt: skip
