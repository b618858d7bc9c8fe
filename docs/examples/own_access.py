"""An access of your own: another way to write and read, in one file, with any controller.

This one is a stack of numbers between 0 and 1, softly pushed and popped: it reads what lies on top.

    python docs/examples/own_access.py
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from neuraltape import Machine
from neuraltape.nn import LSTMController


class StackState(NamedTuple):
    """What the access carries; `reads` is what the controller sees at the next step."""

    stack: Tensor
    """(batch, depth, width), the top first."""
    reads: Tensor
    """(batch, width)."""


class StackAccess(nn.Module):
    """stack = push * (value above the old one) + pop * (the old one without its top) + keep * old; reads its top."""

    def __init__(self, controller_size: int, depth: int, width: int) -> None:
        super().__init__()
        self.depth, self.width = depth, width
        self.interface = nn.Linear(controller_size, 3 + width)

    def initial_state(self, batch_size: int) -> StackState:
        """An empty stack."""
        zeros = self.interface.weight.new_zeros(batch_size, self.depth, self.width)
        return StackState(zeros, zeros[:, 0])

    def forward(self, controller_output: Tensor, state: StackState) -> tuple[Tensor, StackState]:
        """One step: (batch, controller_size) -> the top, (batch, width)."""
        action, value = self.interface(controller_output).split([3, self.width], -1)
        push, pop, keep = action.softmax(-1).unsqueeze(-1).unsqueeze(-1).unbind(1)
        old = state.stack
        pushed = torch.cat([value.sigmoid().unsqueeze(1), old[:, :-1]], 1)
        popped = torch.cat([old[:, 1:], torch.zeros_like(old[:, :1])], 1)
        stack = push * pushed + pop * popped + keep * old
        return stack[:, 0], StackState(stack, stack[:, 0])


def build(inputs: int = 3, hidden: int = 24, outputs: int = 1, width: int = 4) -> Machine:
    """An LSTM that sees the input and the top of the stack."""
    controller, access = LSTMController(inputs + width, hidden), StackAccess(hidden, depth=12, width=width)
    return Machine(inputs, hidden, outputs, controller=controller, access=access)


def draw(batch: int, bits: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Bits, a mark, and then, as answers, the same bits from the last to the first."""
    values = torch.randint(0, 2, (bits, batch), generator=generator).float()
    inputs = torch.zeros(2 * bits, batch, 3)
    inputs[:bits, :, 0], inputs[:bits, :, 1], inputs[bits:, :, 2] = values, 1.0, 1.0
    return inputs, values.flip(0)


def learn(steps: int = 300, bits: int = 4, seed: int = 0) -> float:
    """Share of right bits on fresh sequences."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    machine = build()
    optimizer = torch.optim.Adam(machine.parameters(), lr=1e-2)
    for _ in range(steps):
        inputs, answers = draw(32, bits, generator)
        outputs, _ = machine(inputs)
        loss = nn.functional.binary_cross_entropy_with_logits(outputs[bits:, :, 0], answers)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(machine.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        inputs, answers = draw(500, bits, generator)
        return ((machine(inputs)[0][bits:, :, 0] > 0) == (answers > 0)).float().mean().item()


if __name__ == "__main__":
    print(f"bits in reverse order, right: {learn():.1%}")
