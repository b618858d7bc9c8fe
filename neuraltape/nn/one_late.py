"""A start for machines that hear one step late what something was: what is written is the key of the step before."""

import math

import torch
from torch import Tensor, nn

from neuraltape.nn.controllers import LSTMController

# Biases at the start, before the sigmoid: gates that forget at once, and let in and out what there is.
FORGET, OPEN = -3.0, 1.0
# The scale of the units that repeat others: what they repeat is below 1, and goes through a gate and two tanh.
GAIN = 3.0
# How much of the present step is written beside the step before.
PRESENT = 0.3


@torch.no_grad()
def start_one_late(controller: LSTMController, key: Tensor, add: Tensor) -> None:
    """Change a machine's first weights so that at each step it looks for this step's key and writes the last one's.

    The first half of the last layer's units see the input and forget the past. The second half see only what the first
    half held one step before. Keys are made of the first half, and what is written is made of the second in the same
    way, and a little of the first: of what came with this step, the last one's label. So a thing is stored with its
    label, and where the like of it is looked for it is found, before anything is learned.

    Args:
        controller: whose last layer is changed.
        key, add: what makes these of the controller's output, (numbers, hidden), parts of an access's weight.
    """
    hidden, last = controller.hidden_size, controller.layers - 1
    past = hidden // 2
    now = hidden - past
    from_input, from_hidden, *biases = (getattr(controller, f"{name}_l{last}") for name in controller.names)
    for gate in range(4):
        rows = slice(gate * hidden, (gate + 1) * hidden)
        from_input[rows][now:] = 0
        from_hidden[rows][:now] = 0
    candidate = slice(2 * hidden, 3 * hidden)
    from_hidden[candidate][now:] = GAIN * torch.eye(past, hidden, device=from_hidden.device)
    for bias in biases:
        take, forget, _, out = bias.chunk(4)
        forget.fill_(FORGET / 2)
        take.fill_(OPEN / 2)
        out.fill_(OPEN / 2)
    # As long as a key of all units.
    key[:, :now] *= math.sqrt(hidden / now)
    key[:, now:] = 0
    nn.init.xavier_uniform_(add[:, :now], PRESENT)
    add[:, now:] = key[:, :past]
