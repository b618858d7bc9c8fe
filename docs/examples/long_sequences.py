"""Long sequences by truncated backpropagation: the state goes on, the gradient stops at `state.detach()`.

A stream of bits without an end; the answer at every step is the bit of three steps before. Gradients go back over the
steps of one window only, so the memory that training needs does not grow with the stream.

    python docs/examples/long_sequences.py
"""

import torch
from torch import Tensor, nn

from neuraltape import NTM

WINDOW, BACK = 20, 3


def windows(batch: int, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A stream cut into windows: bits and answers, each (windows, time, batch, 1)."""
    bits = torch.randint(0, 2, (count * WINDOW + BACK, batch, 1), generator=generator).float()
    shape = (count, WINDOW, batch, 1)
    return bits[BACK:].reshape(shape), bits[:-BACK].reshape(shape)


def learn(count: int = 200, seed: int = 0) -> tuple[list[float], NTM]:
    """Follow one long stream; the loss of every window."""
    torch.manual_seed(seed)
    ntm = NTM(1, 32, 1, memory_slots=16, memory_width=8)
    optimizer = torch.optim.Adam(ntm.parameters(), lr=1e-2)
    losses, state = [], None
    for bits, answers in zip(*windows(16, count, torch.Generator().manual_seed(seed)), strict=True):
        outputs, state = ntm(bits, state)
        # The first three answers of the whole stream can't be known; all others lie in the state.
        loss = nn.functional.binary_cross_entropy_with_logits(outputs, answers)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(ntm.parameters(), 1.0)
        optimizer.step()
        state = state.detach()
        losses.append(loss.item())
    return losses, ntm


def main() -> None:
    """Show how the loss falls along the stream."""
    losses, _ = learn()
    for number in range(0, len(losses), 40):
        print(f"steps {number * WINDOW:5} to {(number + 40) * WINDOW:5}: {sum(losses[number : number + 40]) / 40:.3f}")


if __name__ == "__main__":
    main()
