"""What counts as good: a bound that a mean score has to lie below. Knows no task and no training."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Goal:
    """A bound on a mean over fresh sequences. Training, the tables of results and the pages all ask `met`."""

    field: Literal["bits", "excess", "wrong"]
    """The measure: bits a sequence, bits over the best possible predictor's, or wrong targets a sequence."""
    below: float
    """The mean has to be less than this."""
    ends_training: bool = True
    """Whether a training that reaches the goal is over. False: it is good by then and goes on, as it can be better."""
    unit: Literal["bit", "digit"] = "bit"
    """What a target is."""

    def value(self, *, bits: float, wrong: float, excess: float | None = None) -> float:
        """The mean that the goal is about.

        Args:
            bits: mean cost in bits a sequence.
            wrong: mean number of wrong targets a sequence.
            excess: mean cost over the best possible predictor's; None: that isn't known, and counts as 0.
        """
        return {"bits": bits, "wrong": wrong, "excess": bits if excess is None else excess}[self.field]

    def met(self, *, bits: float, wrong: float, excess: float | None = None, marked: float | None = None) -> bool:
        """Whether these means reach the goal; NaN never does.

        Args:
            bits, wrong, excess: as for `value`.
            marked: share of the sequences whose end marker is right; None: there are no end markers. Where wrong
                targets are counted all have to be right; where bits are, wrong markers show in them.
        """
        if self.field == "wrong" and marked not in (None, 1.0):
            return False
        return self.value(bits=bits, wrong=wrong, excess=excess) < self.below

    def __str__(self) -> str:
        """The goal in words: "below 0.1 bit"."""
        bits = self.unit if self.below <= 1 else f"{self.unit}s"
        unit = {"bits": bits, "excess": f"{bits} over the optimum", "wrong": f"wrong {bits}"}[self.field]
        return f"below {self.below:g} {unit}"
