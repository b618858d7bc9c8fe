"""One sequence of a trace as arrays: which slots its heads used, and what to show of them. Knows no figure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import one_hot

from neuraltape.nn.trace import Head, Trace
from neuraltape.tasks.score import BASE
from neuraltape.tasks.table import Kind

# A slot is in use if some head puts this much of its focus there at some step.
IN_USE = 0.05
# Slots shown on either side of those in use.
MARGIN = 1


@dataclass(frozen=True)
class Tape:
    """What one sequence did, without its padding.

    Args:
        trace: a machine's run.
        sequence: which of the trace's sequences.

    Raises:
        ValueError: the trace has no such sequence.
    """

    trace: Trace
    sequence: int = 0

    def __post_init__(self) -> None:
        count = len(self.trace.lengths)
        if not 0 <= self.sequence < count:
            raise ValueError(
                f"sequence must be from 0 to {count - 1}, the sequences of this trace; got {self.sequence}"
            )

    @property
    def steps(self) -> int:
        """How many steps it has."""
        return int(self.trace.lengths[self.sequence])

    def of(self, values: Tensor) -> NDArray[np.floating]:
        """This sequence's part of a tensor of the trace: (time, batch, ...) -> (time, ...)."""
        return values[: self.steps, self.sequence].double().numpy()

    @property
    def targets(self) -> NDArray[np.floating] | None:
        """The targets in the form of the outputs, (time, output): class numbers as 0 and 1; None without targets.

        They are 0 at steps of which the trace says that they aren't scored.
        """
        targets, scored, count = self.trace.targets, self.scored, self.trace.outputs.shape[2]
        if targets is None:
            return None
        found = self.of(targets if targets.is_floating_point() else one_hot(targets.clamp(0, count - 1), count))
        return found if scored is None else np.where(scored[:, None], found, 0.0)

    @property
    def scored(self) -> NDArray[np.bool_] | None:
        """(time,): which steps are scored; None where the trace does not say."""
        return None if self.trace.scored is None else self.of(self.trace.scored) > 0

    def heads(self, *kinds: str) -> list[Head]:
        """The trace's heads of these kinds, in order."""
        return [head for head in self.trace.heads if head.kind in kinds]

    def before(self, head: Head, step: int) -> NDArray[np.floating] | None:
        """A head's focus one step before, (slots,); None where it has none."""
        if step:
            return self.of(head.weights)[step - 1]
        return None if head.first is None else head.first[self.sequence].double().numpy()

    def slot_names(self, slots: NDArray[np.integer]) -> list[str]:
        """What to call these slots: their labels, or their numbers."""
        labels = None if self.trace.labels is None else self.trace.labels[self.sequence]
        return [str(slot) if labels is None else labels[slot] for slot in slots]

    @property
    def predictions(self) -> NDArray[np.floating]:
        """What the outputs say, (time, output): probabilities; the outputs themselves where the targets are values."""
        kind = self.trace.target_kind or guessed_kind(self.trace.targets)
        return predictions(self.trace.outputs[: self.steps, self.sequence], kind).numpy()

    def slots_in_use(self) -> NDArray[np.integer]:
        """The slots to show: a stretch of the ring that holds every slot that some head used, and a margin.

        The ring is cut where it was left alone longest, so a stretch may run over its end: 126, 127, 0, 1. Slots that
        have labels are all shown, but for those whose label is empty.
        """
        slots = self.trace.slots
        if self.trace.labels is not None:
            return np.flatnonzero([label != "" for label in self.trace.labels[self.sequence]])
        focus = np.stack([self.of(head.weights) for head in self.trace.heads], axis=1)
        used = np.flatnonzero(focus.max((0, 1)) >= min(IN_USE, 1 / slots))
        if not used.size:
            return np.arange(slots)
        gaps = np.diff(np.append(used, used[0] + slots))
        first = used[(gaps.argmax() + 1) % len(used)]
        length = slots - int(gaps.max()) + 1
        if length + 2 * MARGIN >= slots:
            return np.arange(slots)
        return (first - MARGIN + np.arange(length + 2 * MARGIN)) % slots


def tick_name(tick: object) -> str:
    """What to call an entry of a number: a move's sign is written, as it is in print."""
    name = f"{tick:+d}" if isinstance(tick, int) and tick else str(tick)
    return name.replace("-", "\N{MINUS SIGN}") if isinstance(tick, int) else name


def guessed_kind(targets: Tensor | None) -> Kind:
    """What targets seem to be where nobody says it: integers classes, zeros and ones bits, and so is None."""
    if targets is None:
        return "bits"
    if not targets.is_floating_point():
        return "classes"
    return "bits" if bool(((targets == 0) | (targets == 1)).all()) else "values"


def predictions(outputs: Tensor, kind: Kind) -> Tensor:
    """Outputs (..., output), before any activation, as float64 in the form of their targets.

    Returns:
        Probabilities of bits, classes or digits; values as they are.
    """
    outputs = outputs.double()
    if kind == "classes":
        return outputs.softmax(-1)
    if kind == "digits":
        return outputs.unflatten(-1, (-1, BASE)).softmax(-1).flatten(-2)
    return outputs.sigmoid() if kind == "bits" else outputs
