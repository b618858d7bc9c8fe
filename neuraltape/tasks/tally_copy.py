"""Tally copy: give a sequence back once for each mark that follows it, then say that it is over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuraltape.tasks.repeated import RepeatedTask


@dataclass(frozen=True, kw_only=True)
class TallyCopy(RepeatedTask):
    """Give back a sequence of random bit vectors once for each mark that follows it, then emit an end marker.

    Repeat copy (Graves, Wayne and Danihelka 2014, arXiv 1410.5401, section 4.2) with another way to say how often; not
    a task of the paper. There the number is one value, and a machine that was trained up to ten need not tell twenty
    from eleven. Here it is R marks on a channel, one a step, so that it can be written to memory like anything else,
    and a larger number is a longer one. The step after the last mark has no input and is the first of the answer. A
    sequence of L vectors and R marks takes L + R + L R + 1 steps.

    One vector of three bits, twice (columns are steps, blanks are not scored):

        inputs   bit 1       # . . . . .
                 bit 2       . . . . . .
                 bit 3       # . . . . .
                 mark        . # # . . .
        targets  bit 1             # # .
                 bit 2             . . .
                 bit 3             # # .
                 end marker        . . #
    """

    name: ClassVar[str] = "tally-copy"
    summary: ClassVar[str] = "give back a sequence once for each mark after it, then an end marker"
    words: ClassVar[Mapping[str, str]] = {
        "task": "Tally copy: give the vectors back once for each mark that follows them, then an end marker.",
        "draft repeats": "Marks",
    }

    @property
    def input_names(self) -> tuple[str, ...]:
        """The vector's bits and the mark."""
        return *self._bit_names, "mark"

    def _number(self, copies: Int[Tensor, " batch"]) -> tuple[Float[Tensor, "most batch"], Int[Tensor, " batch"]]:
        """Ones, as many as copies."""
        return torch.ones(int(copies.max()), len(copies)), copies
