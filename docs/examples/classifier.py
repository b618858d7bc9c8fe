"""A sequence classifier: one answer at the end of each sequence, in a training loop of your own.

Is there as much up as down? A sequence of +1 and -1 of any length up to 12 is above or below zero in the end.

    python docs/examples/classifier.py
"""

import torch
from torch import Tensor, nn

from neuraltape import NTM


class Classifier(nn.Module):
    """A machine that reads a whole sequence; its last output are the classes' logits."""

    def __init__(self, input_size: int, classes: int) -> None:
        super().__init__()
        self.ntm = NTM(input_size, 32, classes, memory_slots=16, memory_width=8)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """(time, batch, input) and (batch,) -> (batch, classes)."""
        outputs, _ = self.ntm(inputs, lengths=lengths)
        return outputs[lengths - 1, torch.arange(len(lengths))]


def draw(batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Walks of odd lengths from 3 to 11, padded: inputs (time, batch, 1), lengths, and whether each ends above zero."""
    lengths = torch.randint(1, 6, (batch,), generator=generator) * 2 + 1
    inputs = torch.randint(0, 2, (11, batch, 1), generator=generator).float() * 2 - 1
    inside = torch.arange(11).unsqueeze(-1) < lengths
    return inputs, lengths, ((inputs[..., 0] * inside).sum(0) > 0).long()


def learn(steps: int = 200, seed: int = 0) -> tuple[Classifier, float]:
    """The classifier, and its share of right answers on fresh sequences."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = Classifier(1, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(steps):
        inputs, lengths, above = draw(32, generator)
        loss = nn.functional.cross_entropy(model(inputs, lengths), above)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        inputs, lengths, above = draw(500, generator)
        return model, (model(inputs, lengths).argmax(-1) == above).float().mean().item()


if __name__ == "__main__":
    print(f"right on fresh sequences: {learn()[1]:.1%}")
