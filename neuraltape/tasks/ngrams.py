"""Dynamic N-grams: predict the bits of a source whose table of probabilities is new in every sequence."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.draft import Composed, Draft, Drawing
from neuraltape.tasks.draw import check_integer, random_bits
from neuraltape.tasks.goal import Goal
from neuraltape.tasks.ranged import RangedTask
from neuraltape.tasks.score import Score


@dataclass(frozen=True, kw_only=True)
class NGrams(RangedTask):
    """Predict the next bit of a random binary N-gram source: each bit depends on the few before it.

    Paper (Graves, Wayne and Danihelka 2014, arXiv 1410.5401), section 4.4. Each sequence draws a probability of a one
    for each of the 2^c contexts of c bits, from Beta(1/2, 1/2); the first c bits are fair coins. The input at a step
    is a bit and the target the bit after it, so n bits take n - 1 steps, scored from the first full context on.

    No predictor can do better than (N1 + 1/2) / (N0 + N1 + 1), where N1 and N0 count the ones and zeros that followed
    this context so far (equation 10); `score` gives its cost as `optimum`. What counts is the excess over that
    optimum; a training goes on to its end, as it can always come closer.

    Ten bits with contexts of five (columns are steps, blanks are not scored):

        inputs   bit       # . # # . # . # #
        targets  next bit          # . # # .
    """

    name: ClassVar[str] = "ngrams"
    summary: ClassVar[str] = "predict the bits of a source that is new in every sequence"
    goal: ClassVar[Goal | None] = Goal("excess", 0.5, ends_training=False)
    paper_parameters: ClassVar[Mapping[str, int]] = {"lstm": 61_749, "feedforward": 14_656, "baseline": 331_905}
    length_name: ClassVar[str] = "bits"
    example_length: ClassVar[int] = 40
    words: ClassVar[Mapping[str, str]] = {
        "task": "Dynamic N-grams: predict the next bit of a source whose habits must be learnt on the fly.",
    }

    min_length: int = 200
    """Bits of the shortest sequence."""
    max_length: int = 200
    """Bits of the longest sequence."""
    context_bits: int = 5
    """Bits that the next one depends on: 5 for 6-grams."""

    def __post_init__(self) -> None:
        check_integer("context_bits", self.context_bits, least=1)
        if self.context_bits > 16:
            raise ValueError(f"context_bits must be at most 16 (65,536 contexts); got {self.context_bits}")
        super().__post_init__()

    @property
    def least(self) -> int:
        """One bit more than the context: the first to predict."""
        return self.context_bits + 1

    @property
    def input_names(self) -> tuple[str, ...]:
        """The bit."""
        return ("bit",)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The bit after it."""
        return ("next bit",)

    def sample(self, batch_size: int, generator: torch.Generator, *, lengths: int | Tensor | None = None) -> Batch:
        """Draw sources and a sequence of each; see `Task.sample`."""
        return self._lay_out(*self._content(batch_size, generator, lengths))

    @property
    def drawing(self) -> Drawing:
        """The bits. A longer sequence is drawn anew: bits that are tossed up would not be the source's."""
        return Drawing(1, start=60, grows=False)

    def draw(self, length: int, generator: torch.Generator) -> Draft:
        """A random draft; see `Task.draw`."""
        bits, _ = self.at_length(length)._content(1, generator)
        return Draft(bits[:, 0])

    def compose(self, draft: Draft) -> Composed:
        """A draft laid out over time; see `Task.compose`."""
        length = self._check_draft(draft)
        return Composed(self._lay_out(draft.vectors.unsqueeze(1), torch.tensor([length])), list(range(length - 1)))

    def _content(
        self, batch_size: int, generator: torch.Generator, lengths: int | Tensor | None = None
    ) -> tuple[Float[Tensor, "items batch 1"], Int[Tensor, " batch"]]:
        """Bits, each sequence's from a source of its own, and how many of them the sequence has."""
        count = self._draw_lengths(batch_size, generator, lengths)
        longest, context = int(count.max()), self.context_bits
        # Beta(1/2, 1/2) is the law of sin^2 of a uniform angle.
        angles = torch.rand(batch_size, 2**context, generator=generator) * (math.pi / 2)
        chances = angles.sin().square().flatten().numpy()
        draws = torch.rand(longest, batch_size, generator=generator).numpy()
        bits = torch.empty(longest, batch_size, 1)
        bits[:context] = random_bits(context, batch_size, 1, generator=generator)

        # These are NumPy's arrays, as one call a step costs a fraction of torch's at this size.
        table = np.arange(batch_size) * 2**context
        codes, chosen = _codes(bits[:context, :, 0], context)[-1].numpy(), bits[:, :, 0].numpy()
        for step in range(context, longest):
            bit = draws[step] < chances[table + codes]
            chosen[step] = bit
            codes = (codes * 2 + bit) & (2**context - 1)
        return bits, count

    def _lay_out(self, bits: Float[Tensor, "items batch 1"], count: Int[Tensor, " batch"]) -> Batch:
        """The sequences that these bits make."""
        time = torch.arange(len(bits) - 1).unsqueeze(-1)
        inside = time < count - 1
        mask = inside & (time >= self.context_bits - 1)
        return Batch(bits[:-1] * inside.unsqueeze(-1), bits[1:] * inside.unsqueeze(-1), mask, count - 1)

    @torch.no_grad()
    def score(self, outputs: Float[Tensor, "time batch 1"], batch: Batch) -> Score:
        """How well each sequence went, and what the Bayes-optimal predictor pays on it."""
        costs = torch.where(batch.mask, -self.optimal_probabilities(batch).log2(), 0.0)
        return super().score(outputs, batch)._replace(optimum=costs.sum(0, dtype=torch.float64))

    def optimal_probabilities(self, batch: Batch) -> Float[Tensor, "time batch"]:
        """The probability that the Bayes-optimal predictor gives to each next bit that came (paper, equation 10).

        1/2 at the steps before the first full context.
        """
        bits, following = batch.inputs.squeeze(-1).cpu(), batch.targets.squeeze(-1).cpu()
        steps, batch_size = bits.shape
        # Each context has two counts side by side, of the zeros and of the ones that followed it.
        events = (_codes(bits, self.context_bits) * 2 + following.long()).numpy()
        events += np.arange(batch_size) * 2 ** (self.context_bits + 1)
        seen = np.full(batch_size * 2 ** (self.context_bits + 1), 0.5)
        chances = np.full((steps, batch_size), 0.5)
        for step in range(self.context_bits - 1, steps):
            event = events[step]
            this = seen[event]
            chances[step] = this / (this + seen[event ^ 1])
            # Padding comes last, so counting it changes nothing that is scored.
            seen[event] = this + 1
        return torch.from_numpy(chances).to(batch.inputs)


def _codes(bits: Tensor, context: int) -> Tensor:
    """The number that the last `context` bits spell at every step, the newest lowest; (time, batch) int64."""
    codes = torch.zeros(bits.shape, dtype=torch.int64, device=bits.device)
    for age in range(min(context, len(bits))):
        codes[age:] += bits[: len(bits) - age].long() << age
    return codes
