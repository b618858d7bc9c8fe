"""The sides made with PyTorch. All share the training step: flat parameters, clipping by the norm and fused Adam."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from benchmarks.size import Size, draw
from neuraltape import NTM
from neuraltape.settings import AdamSettings
from neuraltape.training.optimizers import Clipping, build_optimizer
from neuraltape.training.weights import FlatParameters

# So small that the machine of the last round is the machine of the first; the work does not depend on it.
LEARNING_RATE = 1e-6


class PlainLSTM(nn.Module):
    """torch.nn.LSTM and a linear layer, with nothing of ours around them."""

    def __init__(self, input_size: int, hidden_size: int, output_size: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size)
        self.output = nn.Linear(hidden_size, output_size)

    def forward(self, inputs: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """(time, batch, input) -> (time, batch, output) and the final state."""
        hidden, state = self.lstm(inputs, state)
        return self.output(hidden), state

    def step(self, inputs: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """(batch, input) -> (batch, output) and the state."""
        outputs, state = self(inputs.unsqueeze(0), state)
        return outputs.squeeze(0), state


class PlainCell(nn.Module):
    """torch.nn.LSTMCell and a linear layer: what runs step by step without a sequence around it."""

    def __init__(self, input_size: int, hidden_size: int, output_size: int) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(input_size, hidden_size)
        self.output = nn.Linear(hidden_size, output_size)

    def step(self, inputs: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """(batch, input) -> (batch, output) and the state."""
        state = self.cell(inputs, state)
        return self.output(state[0]), state


def plain_lstm(size: Size) -> PlainLSTM:
    """The machine without a memory: an LSTM as large as the controller."""
    torch.manual_seed(0)
    return PlainLSTM(size.input_size, size.hidden_size, size.output_size)


def plain_cell(size: Size) -> PlainCell:
    """The same as single steps."""
    torch.manual_seed(0)
    return PlainCell(size.input_size, size.hidden_size, size.output_size)


def tape(size: Size, *, backend: str) -> NTM:
    """The machine, with the same weights at every call."""
    torch.manual_seed(0)
    return NTM(
        size.input_size,
        size.hidden_size,
        size.output_size,
        memory_slots=size.slots,
        memory_width=size.width,
        read_heads=size.read_heads,
        write_heads=size.write_heads,
        backend=backend,
    )


class TorchSide:
    """A PyTorch model with its optimiser and one batch.

    Args:
        model: the model.
        size: the batch's size.
        own_loss: whether it trains on the loss that the model has, as training does; otherwise on PyTorch's, of what a
            call gives.
    """

    def __init__(self, model: NTM | PlainLSTM | PlainCell, size: Size, *, own_loss: bool = False) -> None:
        config = AdamSettings(learning_rate=LEARNING_RATE)
        self.model: Any = model
        self.own_loss = own_loss
        self.inputs, self.targets = draw(size)
        self.flat = FlatParameters(dict(model.named_parameters()))
        self.optimizer = build_optimizer(config, self.flat.weights)
        self.clipping = Clipping(config.clip, config.clip_at)
        self.state: Any = None

    def prepare(self) -> None:
        """One small step forward and backward: it loads all that a large one needs."""
        self._backward(self.inputs[:1, :1], self.targets[:1, :1])

    def train(self) -> None:
        """One training step, as the trainer makes it."""
        self._backward(self.inputs, self.targets)
        norm = torch.linalg.vector_norm(self.flat.gradient).item()
        self.clipping.apply(self.flat.gradient, norm)
        self.optimizer.step()

    @torch.no_grad()
    def forward(self) -> Tensor:
        """The outputs, (time, batch, output)."""
        return self.model(self.inputs)[0]

    @torch.no_grad()
    def step(self) -> Tensor:
        """The outputs of one step, (batch, output)."""
        outputs, self.state = self.model.step(self.inputs[0], self.state)
        return outputs

    def _backward(self, inputs: Tensor, targets: Tensor) -> None:
        self.flat.gradient.zero_()
        if self.own_loss:
            (self.model.loss(inputs, targets).costs.sum() / targets.numel()).backward()
            return
        binary_cross_entropy_with_logits(self.model(inputs)[0], targets).backward()
