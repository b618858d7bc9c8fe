# %% [markdown]
# # Your own access
#
# An access is how a machine writes and reads. Anything with `initial_state` and `forward` is one, and with a
# controller it is a machine. This one is a stack of numbers, softly pushed and popped, that reads what lies on top:
#
# $$\text{stack} \leftarrow \text{push} \cdot (\text{value above the old one}) + \text{pop} \cdot (\text{the old one
# without its top}) + \text{keep} \cdot \text{old}$$

# %%
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
    """A soft stack."""

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


# %% [markdown]
# The machine: an LSTM that sees the input and the top of the stack. Its outputs, its state, `step`, padded rows and
# carrying on work as they do for `NTM`.

# %%
WIDTH, HIDDEN = 4, 24
torch.manual_seed(0)
controller, access = LSTMController(3 + WIDTH, HIDDEN), StackAccess(HIDDEN, depth=12, width=WIDTH)
machine = Machine(3, HIDDEN, 1, controller=controller, access=access)
outputs, state = machine(torch.zeros(6, 2, 3))
print(outputs.shape, state.access.stack.shape)

# %% [markdown]
# ## Learning
#
# Bits come in, and have to come out from the last to the first: what a stack is made for.

# %%
BITS = 3


def draw(batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Bits, and as many steps to answer; the second and the third channel say which of both it is."""
    values = torch.randint(0, 2, (BITS, batch), generator=generator).float()
    inputs = torch.zeros(2 * BITS, batch, 3)
    inputs[:BITS, :, 0], inputs[:BITS, :, 1], inputs[BITS:, :, 2] = values, 1.0, 1.0
    return inputs, values.flip(0)


generator = torch.Generator().manual_seed(0)
optimizer = torch.optim.Adam(machine.parameters(), lr=1e-2)
for _ in range(120):
    inputs, answers = draw(16, generator)
    outputs, _ = machine(inputs)
    loss = nn.functional.binary_cross_entropy_with_logits(outputs[BITS:, :, 0], answers)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(machine.parameters(), 1.0)
    optimizer.step()
with torch.no_grad():
    inputs, answers = draw(500, generator)
    right = ((machine(inputs)[0][BITS:, :, 0] > 0) == (answers > 0)).float().mean().item()
print(f"{right:.0%} of the bits are right (guessing: 50 %)")

# %% [markdown]
# ## What it does with its stack
#
# Step by step, by hand: the top of the stack after each step of one sequence.

# %%
inputs, answers = draw(1, generator)
state, tops = None, []
with torch.no_grad():
    for x in inputs:
        _, state = machine.step(x, state)
        tops.append(state.access.reads[0])
print(f"bits in: {inputs[:BITS, 0, 0].int().tolist()}, to be answered: {answers[:, 0].int().tolist()}")
print(torch.stack(tops).numpy().round(2))

# %% [markdown]
# An access that says which stages it went through can be traced and drawn too, and one with a folder of kernels is as
# fast as the library's own: [how it is built](../../CONTRIBUTING.md).
