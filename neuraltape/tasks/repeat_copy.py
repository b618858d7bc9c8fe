"""Repeat copy: give a sequence back a given number of times, then say that it is over."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuraltape.tasks.repeated import RepeatedTask


@dataclass(frozen=True, kw_only=True)
class RepeatCopy(RepeatedTask):
    """Give back a sequence of random bit vectors as many times as a number says, then emit an end marker.

    Paper (Graves, Wayne and Danihelka 2014, arXiv 1410.5401), section 4.2. The number stands on its own input
    channel at the step after the sequence, normalised to mean 0 and variance 1 over the trained range; that scale
    stays when a task is asked for other lengths and repeats. While the machine answers its input is all zero. The end
    marker has its own output channel, 0 through the copies and 1 at the step after the last; there all bits are 0. A
    sequence of L vectors and R repeats takes L + 1 + L R + 1 steps.

    The count is also the only sign that the sequence is over. With an odd number of possible counts the middle one
    would be 0, no sign at all: set `count_mean` there.

    One vector of three bits, twice (columns are steps, blanks are not scored, + stands for the number):

        inputs   bit 1       # . . . .
                 bit 2       . . . . .
                 bit 3       # . . . .
                 count       . + . . .
        targets  bit 1           # # .
                 bit 2           . . .
                 bit 3           # # .
                 end marker      . . #
    """

    name: ClassVar[str] = "repeat-copy"
    summary: ClassVar[str] = "give back a sequence a given number of times, then an end marker"
    paper_parameters: ClassVar[Mapping[str, int]] = {"lstm": 66_111, "feedforward": 16_712, "baseline": 5_312_007}
    words: ClassVar[Mapping[str, str]] = {
        "task": "Repeat copy: give the vectors back as many times as the count says, then an end marker.",
        "draft repeats": "Repeats",
    }

    count_mean: float | None = None
    """Number of repeats that the count channel shows as 0; null: the mean of the range."""
    count_deviation: float | None = None
    """Repeats that make a difference of 1 on the count channel; null: the standard deviation over the range."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.count_mean is not None and not math.isfinite(self.count_mean):
            raise ValueError(f"count_mean must be finite or null; got {self.count_mean!r}")
        deviation = self.count_deviation
        if deviation is not None and not (math.isfinite(deviation) and deviation > 0):
            raise ValueError(f"count_deviation must be above 0 and finite, or null; got {deviation!r}")

    @property
    def input_names(self) -> tuple[str, ...]:
        """The vector's bits and the normalised number of repeats."""
        return *self._bit_names, "count"

    @property
    def count_scale(self) -> tuple[float, float]:
        """Mean and standard deviation that the count is normalised with; deviation 1 where there is only one count."""
        choices = self.max_repeats - self.min_repeats + 1
        mean = (self.min_repeats + self.max_repeats) / 2 if self.count_mean is None else self.count_mean
        # A uniform choice from n numbers in a row has the variance (n^2 - 1) / 12.
        deviation = math.sqrt((choices**2 - 1) / 12) or 1.0
        return mean, deviation if self.count_deviation is None else self.count_deviation

    def _number(self, copies: Int[Tensor, " batch"]) -> tuple[Float[Tensor, "1 batch"], Int[Tensor, " batch"]]:
        """The normalised number, at one step."""
        mean, deviation = self.count_scale
        return ((copies.double() - mean) / deviation).float().unsqueeze(0), torch.ones_like(copies)

    def _fixed(self) -> "RepeatCopy":
        """This task with the count's scale written down, so that a change of range does not move it."""
        mean, deviation = self.count_scale
        return replace(self, count_mean=mean, count_deviation=deviation)
