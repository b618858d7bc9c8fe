"""The baseline that memory is compared with: a stacked torch.nn.LSTM with the interface of `NTM`."""

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from neuraltape.nn.sequence_model import SequenceModel, check_size
from neuraltape.nn.state import LSTMState


class LSTMBaseline(SequenceModel):
    """A stacked LSTM and one linear layer; the baseline of Graves et al. (2014), arXiv 1410.5401, section 4.

    Args:
        input_size: numbers in one step's input.
        hidden_size: numbers in each layer's output.
        output_size: numbers in one step's output.
        num_layers: how many layers (the paper uses 3).
        batch_first: inputs and outputs are (batch, time, ...) instead of (time, batch, ...).
    """

    def __init__(
        self, input_size: int, hidden_size: int, output_size: int, *, num_layers: int = 1, batch_first: bool = False
    ) -> None:
        super().__init__(input_size, hidden_size, output_size, batch_first=batch_first)
        check_size("num_layers", num_layers)
        self.num_layers = num_layers
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers)
        self.output = nn.Linear(hidden_size, output_size)

    def initial_state(self, batch_size: int) -> LSTMState:
        """Zeros."""
        zeros = self.output.weight.new_zeros(batch_size, self.num_layers, self.hidden_size)
        return LSTMState(zeros, zeros)

    def run(self, inputs: Tensor, state: LSTMState, lengths: Tensor | None) -> tuple[Tensor, LSTMState]:
        """All steps: (time, batch, input) -> (time, batch, output) and the final state."""
        layers_first = tuple(tensor.transpose(0, 1).contiguous() for tensor in state)
        if lengths is None:
            hidden, final = self.lstm(inputs, layers_first)
        else:
            packed = pack_padded_sequence(inputs, lengths.cpu(), enforce_sorted=False)
            packed, final = self.lstm(packed, layers_first)
            hidden, _ = pad_packed_sequence(packed, total_length=len(inputs))
        return self.output(hidden), LSTMState(*(tensor.transpose(0, 1) for tensor in final))
