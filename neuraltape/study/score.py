"""How one machine does on one probe."""

from dataclasses import dataclass

import torch

from neuraltape.evaluation.run import check_fits, generator_for, outputs_of
from neuraltape.nn import resizable, with_memory_slots
from neuraltape.nn.sequence_model import SequenceModel
from neuraltape.tasks import Goal, Probe
from neuraltape.tasks.task import Task

# Sequences run at once. Fixed, so that the same ones are drawn on every machine.
CHUNK = 50
# Enough for every table; more would only make files longer.
DIGITS = 6


@dataclass(frozen=True)
class ProbeScore:
    """How a machine does over all sequences of a probe."""

    label: str
    """The name of the probe."""
    sequences: int
    """How many were drawn."""
    bits: float
    """The mean cost in bits a sequence."""
    wrong_mean: float
    """The mean of the wrong targets of a sequence."""
    wrong_median: float
    """Their median."""
    wrong_worst: float
    """Those of the worst sequence."""
    perfect: float
    """The share of the sequences without a wrong target."""
    optimum: float | None = None
    """What the best possible predictor pays on the same sequences, where the task knows it."""
    marker: float | None = None
    """The share of the sequences whose end marker comes at its step and at no other; None: the task has none."""

    @property
    def excess(self) -> float:
        """Bits a sequence over the optimum, or over nothing where that isn't known."""
        return self.bits - (self.optimum or 0.0)

    def within(self, goal: Goal) -> bool:
        """Whether it reaches a goal."""
        return goal.met(bits=self.bits, wrong=self.wrong_mean, excess=self.excess, marked=self.marker)


def score(model: SequenceModel, trained: Task, probe: Probe, *, seed: int) -> ProbeScore | None:
    """Score a machine on a probe's sequences.

    Args:
        model: on any device.
        trained: what it learned.
        probe: which sequences.
        seed: chooses them.

    Returns:
        None where the machine can't be given the probe's number of slots, as its start is kept slot by slot.

    Raises:
        ValueError: a machine that does not fit the task.
    """
    check_fits(model, trained)
    if probe.memory_slots is not None and resizable(model):
        try:
            model = with_memory_slots(model, probe.memory_slots)
        except ValueError:
            return None
    task = probe.task
    # The range of training has no single length.
    generator = generator_for(seed, f"probe {probe.label}", 0 if task == trained.held_out() else task.longest)
    scores = []
    for start in range(0, probe.sequences, CHUNK):
        batch = task.sample(min(CHUNK, probe.sequences - start), generator)
        outputs = outputs_of(model, batch)
        scores.append(task.score(outputs, batch))
    bits, wrong = (torch.cat([each[field] for each in scores]) for field in (0, 1))
    optima = [each.optimum for each in scores if each.optimum is not None]
    markers = [each.marked for each in scores if each.marked is not None]
    return ProbeScore(
        label=probe.label,
        sequences=probe.sequences,
        bits=short(bits.mean().item()),
        wrong_mean=short(wrong.mean().item()),
        wrong_median=wrong.quantile(0.5).item(),
        wrong_worst=wrong.max().item(),
        perfect=short((wrong == 0).double().mean().item()),
        optimum=short(torch.cat(optima).mean().item()) if optima else None,
        marker=short(torch.cat(markers).double().mean().item()) if markers else None,
    )


def short(value: float) -> float:
    """A number with six digits."""
    return float(f"{value:.{DIGITS}g}")
