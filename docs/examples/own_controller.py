"""A controller of your own: any module with `initial_state(batch_size)` and `forward(x, state) -> (y, state)`.

This one is a leaky average of a linear layer, with a leak that is learned for each unit.

    python docs/examples/own_controller.py
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from neuraltape import NTM


class LeakState(NamedTuple):
    """What the controller carries from one step to the next; tensors have the batch first."""

    average: Tensor


class Leaky(nn.Module):
    """average = leak * average + (1 - leak) * W x; the output is its tanh."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(input_size, hidden_size)
        self.leak = nn.Parameter(torch.zeros(hidden_size))

    def initial_state(self, batch_size: int) -> LeakState:
        """Averages of nothing: 0."""
        return LeakState(self.leak.new_zeros(batch_size, len(self.leak)))

    def forward(self, x: Tensor, state: LeakState) -> tuple[Tensor, LeakState]:
        """One step: (batch, input_size) -> (batch, hidden_size)."""
        leak = self.leak.sigmoid()
        average = leak * state.average + (1 - leak) * self.linear(x)
        return average.tanh(), LeakState(average)


def build(inputs: int = 4, hidden: int = 16, outputs: int = 2, width: int = 8) -> NTM:
    """The controller sees the input and what one read head brought."""
    return NTM(inputs, hidden, outputs, controller=Leaky(inputs + width, hidden), memory_slots=16, memory_width=width)


def main() -> None:
    """Run it once, forward and backward."""
    torch.manual_seed(0)
    ntm = build()
    outputs, state = ntm(torch.randn(10, 3, 4))
    outputs.sum().backward()
    print(f"outputs {tuple(outputs.shape)}, state of the controller {tuple(state.controller.average.shape)}")
    print(f"the heads still run on the {ntm.backend!r} kernels; only the controller's steps are your own")


if __name__ == "__main__":
    main()
