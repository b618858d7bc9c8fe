"""The baseline that memory is compared with: a stacked torch.nn.LSTM with the interface of `NTM`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from neuraltape.kernels.around import only_reference
from neuraltape.kernels.reference import controller_step, each_step, steps_are_open
from neuraltape.nn.checks import check_embedding, check_input_scale, check_size
from neuraltape.nn.machine_config import check_controller
from neuraltape.nn.made_on import made_on
from neuraltape.nn.pieces import run_in_pieces
from neuraltape.nn.quick import like_of
from neuraltape.nn.redraw import redraw
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.nn.state import LSTMState


@dataclass(frozen=True)
class LSTMConfig:
    """The settings of an `LSTMBaseline`.

    Raises:
        ValueError: a size or scale that makes no model.
    """

    hidden_size: int = 100
    """Units in each layer."""
    controller_layers: int = 1
    """How many layers."""
    input_scale: float = 1.0
    """What inputs are multiplied with: more than 1 where small differences of an input matter."""
    embedding_size: int | None = None
    """Numbers that a symbol is looked up as; 0: none, it is shown one-hot; null: 64 in a training on symbols."""

    def __post_init__(self) -> None:
        check_size("hidden_size", self.hidden_size)
        check_size("controller_layers", self.controller_layers)
        check_controller(self.hidden_size, self.controller_layers)
        check_input_scale(self.input_scale)
        check_embedding(self.embedding_size)


class LSTMBaseline(SequenceModel[LSTMState]):
    """A stacked LSTM and one linear layer; the baseline of Graves et al. (2014), arXiv 1410.5401, section 4.

    Args:
        input_size: numbers in one step's input.
        hidden_size: numbers in each layer's output.
        output_size: numbers in one step's output.
        controller_layers: how many layers (the paper uses 3).
        input_scale: what inputs are multiplied with, positive: see `NTM`.
        embedding_size: each step is a symbol, an integer from 0 to input_size - 1, that is looked up in a table of so
            many numbers each (`torch.nn.Embedding`), which is trained too; 0 or None: a step is input_size numbers.
        batch_first: inputs and outputs are (batch, time, ...) instead of (time, batch, ...).
        device, dtype: of the parameters; None: PyTorch's defaults.
    """

    kind = "lstm"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        *,
        controller_layers: int = 1,
        input_scale: float = 1.0,
        embedding_size: int | None = None,
        batch_first: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, output_size,
            embedding_size=embedding_size, batch_first=batch_first, device=device,
        )  # fmt: skip
        LSTMConfig(hidden_size, controller_layers, input_scale, embedding_size)
        self.controller_layers, self.input_scale = controller_layers, input_scale
        with made_on(device):
            self.lstm = nn.LSTM(self.seen_size, hidden_size, controller_layers)
            self.output = nn.Linear(hidden_size, output_size)
        self.to(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw all weights anew, as `torch.nn.LSTM` and `torch.nn.Linear` do."""
        self.redraw_embedding()
        redraw(self.lstm, "lstm")
        redraw(self.output, "output")

    def initial_state(self, batch_size: int) -> LSTMState:
        """Zeros."""
        zeros = like_of(self, self.output).new_zeros(batch_size, self.controller_layers, self.hidden_size)
        return LSTMState(zeros, zeros)

    def run(
        self, inputs: Tensor, state: LSTMState, lengths: Tensor | None, reset: Tensor | None = None
    ) -> tuple[Tensor, LSTMState]:
        """All steps: (time, batch, input) -> (time, batch, output) and the final state."""
        if lengths is not None and (lengths == 0).any():
            # torch.nn.LSTM takes no row without a step: such a row takes one, of which nothing is kept.
            none = lengths == 0
            inputs = inputs.masked_fill(none.unsqueeze(-1), 0)
            outputs, final = self.run(inputs, state, lengths.clamp(min=1), reset)
            return outputs, final.where(none, state)
        if self.input_scale != 1:
            inputs = inputs * self.input_scale
        if inputs.shape[1] == 0 or (lengths is None and reset is None):
            hidden, final = self._run_full(inputs, state)
            return self.output(hidden), final
        if reset is not None or inputs.device.type == "cpu":
            start = self.start(inputs.shape[1])
            hidden, final = run_in_pieces(self._run_full, inputs, state, start, lengths, reset)
            # Called once, it sees each row in its place.
            return self.output(hidden), final
        assert lengths is not None
        packed = pack_padded_sequence(inputs, lengths.cpu(), enforce_sorted=False)
        packed, final = self.lstm(packed, _swapped(state.parts()))
        hidden, _ = pad_packed_sequence(packed, total_length=len(inputs))
        return self.output(hidden), LSTMState(*_swapped(final))

    def _run_full(self, inputs: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        """The layers' outputs at all steps of rows that are equally long, and the final state."""
        # PyTorch's own knows neither vmap nor all of forward-mode differentiation, and is exported for so many steps.
        around = only_reference() is not None and not torch._C._get_tracing_state()
        if (around or steps_are_open(inputs)) and self._plain():
            return self._run_stepwise(inputs, state)
        hidden, final = self.lstm(inputs, _swapped(state.parts()))
        return hidden, LSTMState(*_swapped(final))

    def _plain(self) -> bool:
        """Whether the layers are what they were made as."""
        lstm = self.lstm
        switches = (lstm.bias, lstm.batch_first, lstm.dropout, lstm.bidirectional, lstm.proj_size)
        hooks = lstm._forward_hooks or lstm._forward_pre_hooks or lstm._backward_hooks or lstm._backward_pre_hooks
        bare = type(lstm) is nn.LSTM and "forward" not in lstm.__dict__ and not hooks and not _has_any_global_hook()
        return bare and switches == (True, False, 0.0, False, 0)

    def _run_stepwise(self, inputs: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        weights = tuple([getattr(self.lstm, name) for name in self.lstm._flat_weights_names])

        def one(carried: Sequence[Tensor], now: Sequence[Tensor]) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
            hidden, after = controller_step(now[0], tuple(carried), weights, "lstm")
            return after, (hidden,)

        (hidden,), carried = each_step(one, state.parts(), (inputs,))
        return hidden, LSTMState(*carried)


def _swapped(state: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """Layers first where the batch was, and the other way round."""
    return tuple(each.transpose(0, 1).contiguous() for each in state)
