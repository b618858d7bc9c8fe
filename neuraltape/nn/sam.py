"""The sparse access memory: a controller with heads that touch a few slots of very many."""

from typing import Any

import torch
from torch import Tensor, nn

from neuraltape.kernels.around import check_values
from neuraltape.nn.access import SAMAccess, SAMConfig
from neuraltape.nn.arrange import check_reset
from neuraltape.nn.controllers import LSTMController
from neuraltape.nn.fast_machine import FastMachine, chosen_controller
from neuraltape.nn.machine_config import ControllerName
from neuraltape.nn.made_on import made_on
from neuraltape.nn.one_late import start_one_late
from neuraltape.nn.resized import Resizable
from neuraltape.nn.state import MachineState, like_state, map_state


class SAM(Resizable, FastMachine):
    """A recurrent layer whose memory costs what was written, however many slots there are.

    Rae et al. (2016), "Scaling memory-augmented neural networks with sparse reads and writes", arXiv 1610.09027. Used
    like torch.nn.LSTM and like `NTM`; the equations are those of `neuraltape.functional.sam_step`. A state keeps the
    slots that were touched, so it grows with the sequence, up to `memory_slots` rows.

    Args:
        input_size: numbers in one step's input.
        hidden_size: numbers in the controller's output.
        output_size: numbers in one step's output.
        memory_slots: N, rows of the memory, at most 2^24.
        memory_width: W, numbers in each row.
        read_heads: each writes, then reads.
        sparse_reads: K, how many slots a head reads.
        sparse_links: K_L, how many links of a slot are kept each way, so that heads can follow the order of their
            writing: then it is the paper's Sparse Differentiable Neural Computer (there 8); 0: there are none.
        one_late: what is written starts as the key of the step before, as in `MANN`, for answers that are shown one
            step late; needs the built-in LSTM.
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

    kind = "sam"
    access_type = SAMAccess
    access: SAMAccess

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        memory_slots: int = 2**20,
        memory_width: int = 32,
        read_heads: int = 4,
        sparse_reads: int = 4,
        sparse_links: int = 0,
        one_late: bool = False,
        controller: ControllerName | nn.Module = "lstm",
        controller_layers: int = 1,
        input_scale: float = 1.0,
        embedding_size: int | None = None,
        batch_first: bool = False,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        config = SAMConfig(
            hidden_size=hidden_size,
            memory_slots=memory_slots,
            memory_width=memory_width,
            read_heads=read_heads,
            sparse_reads=sparse_reads,
            sparse_links=sparse_links,
            one_late=one_late,
            controller=controller if isinstance(controller, str) else "lstm",
            controller_layers=controller_layers,
            input_scale=input_scale,
            embedding_size=embedding_size,
            backend=backend,
        )
        if one_late and not isinstance(controller, str):
            raise ValueError(f"one_late belongs to the lstm controller; got True with a {type(controller).__name__}")
        with made_on(device):
            part = chosen_controller(controller, input_size, config)
            access = SAMAccess(hidden_size, config.layout())
        super().__init__(
            input_size, output_size, config,
            controller=part, access=access, batch_first=batch_first, device=device, dtype=dtype,
        )  # fmt: skip
        self._one_late = one_late
        self._start_one_late()

    def reset_parameters(self) -> None:
        """Draw all weights anew, as when it was made."""
        super().reset_parameters()
        self._start_one_late()

    def _start_one_late(self) -> None:
        if self._one_late and isinstance(self.controller, LSTMController):
            key, _, _, _, add, _ = self.access.interface.weight.split(self.layout.sizes)
            start_one_late(self.controller, key, add)

    def stream(self, state: Any = None, *, batch_size: int = 1) -> "SAMStream":
        """A long stream, step by step, in a memory of its own that is not copied at every step.

        Args:
            state: where it begins, that of a call without a batch too; it is copied once, and stays as it is. None: the
                initial state.
            batch_size: how many sequences.

        Raises:
            TypeError, ValueError: a state that does not fit.
        """
        return SAMStream(self, state, batch_size)


class SAMStream:
    """What `SAM.stream` gives: it owns its state and changes it, so that a step costs the search and no copy.

    The outputs are those of `SAM.step`, without gradients. Where there is no room for what a step may touch, a quarter
    more is made, and the rows are copied once. It is for one thread at a time.
    """

    def __init__(self, sam: SAM, state: Any, batch_size: int) -> None:
        # Whether the state has no batch axis for its user: as it came, then as the last step's inputs.
        self._single = False
        with torch.no_grad():
            if state is None:
                state = sam.initial_state(batch_size)
            else:
                state = like_state(state, sam.initial_state(batch_size))
                self._single = isinstance(state.access.memory, Tensor) and state.access.memory.dim() == 2
                state = map_state(lambda each: each.unsqueeze(0), state) if self._single else state
                state = sam.fitting(state, batch_size)
                check_values(state)
            self._sam, self._state = sam, map_state(lambda each: each.detach().clone(), state)
        # At most so many slots have been touched: to ask the state how many takes longer than to count on.
        self._touched = self._state.access.memory.shape[1]

    @torch.no_grad()
    def step(self, inputs: Tensor, *, reset: Tensor | None = None) -> Tensor:
        """One step.

        Args:
            inputs: (batch, input_size), or (input_size,) for a single sequence; with an embedding: symbols, integers
                without the last axis.
            reset: which sequences begin anew with this step: bool, (batch,), or () for a single one. Such a step
                copies.

        Returns:
            The outputs, (batch, output_size) or (output_size,).

        Raises:
            TypeError, ValueError: see `SAM.step`; the stream is then as it was.
        """
        self._make_room()
        axes = 0 if self._sam.embedding_size else 1
        single = isinstance(inputs, Tensor) and inputs.dim() == axes and len(self._state.access.memory) == 1
        if single:
            reset = None if reset is None else check_reset(reset, (), "()", inputs.device).unsqueeze(0)
            inputs = inputs.unsqueeze(0)
        outputs, self._state = self._sam._step(inputs, self._state, reset, own=True)
        self._single = single
        self._touched = min(self._touched + self._sam.layout.touched, self._sam.memory_slots)
        return outputs.squeeze(0) if single else outputs

    @property
    def state(self) -> MachineState:
        """A copy of the state after the last step: what `SAM.step` would have given back."""
        access = self._state.access.settled()
        state = self._state.replace(access=access)
        return map_state(lambda each: (each.squeeze(0) if self._single else each).clone(), state)

    def _make_room(self) -> None:
        """Rows for one more step, and for many where there are none."""
        access, layout = self._state.access, self._sam.layout
        rows, slots = access.memory.shape[1], self._sam.memory_slots
        if rows == slots or self._touched + layout.touched <= rows or len(access.used) == 0:
            return
        self._touched = int(access.used.max())
        if self._touched + layout.touched > rows:
            self._state = self._state.replace(
                access=access.with_rows(min(slots, rows + rows // 4 + 16 * layout.touched))
            )
