"""Machines whose every output is known."""

import torch
from torch import Tensor, nn

from neuraltape.nn.sequence_model import SequenceModel


class Copier(SequenceModel):
    """Copies 8-bit vectors without a fault, then flips the first bit of the last `faults` answers."""

    def __init__(self, faults: int = 0, batch_first: bool = False) -> None:
        super().__init__(9, 1, 8, embedding_size=None, batch_first=batch_first, device=None)
        self.faults = faults
        self.sureness = nn.Parameter(torch.tensor(20.0))

    def initial_state(self, batch_size: int) -> tuple[()]:
        return ()

    def run(self, inputs: Tensor, state: tuple[()], lengths: Tensor | None) -> tuple[Tensor, tuple[()]]:
        answers = inputs.shape[0] // 2
        signs = torch.zeros(inputs.shape[0], inputs.shape[1], 8, dtype=inputs.dtype)
        signs[answers + 1 :] = 2 * inputs[:answers, :, :8] - 1
        if self.faults:
            signs[-self.faults :, :, 0] *= -1
        return signs * self.sureness, state


class Constant(SequenceModel):
    """Says the same at every step."""

    def __init__(self, input_size: int, outputs: list[float]) -> None:
        super().__init__(input_size, 1, len(outputs), embedding_size=None, batch_first=False, device=None)
        self.outputs = nn.Parameter(torch.tensor(outputs))

    def initial_state(self, batch_size: int) -> tuple[()]:
        return ()

    def run(self, inputs: Tensor, state: tuple[()], lengths: Tensor | None) -> tuple[Tensor, tuple[()]]:
        return self.outputs.expand(*inputs.shape[:2], -1), state
