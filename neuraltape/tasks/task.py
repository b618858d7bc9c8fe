"""What every task can do: draw batches, say what outputs cost, score them, and change its lengths.

A task is a frozen dataclass whose fields are its options. It knows no model and no training loop.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.draft import Composed, Draft, Drawing
from neuraltape.tasks.goal import Goal
from neuraltape.tasks.picture import picture
from neuraltape.tasks.pictures import PictureInput
from neuraltape.tasks.probe import Probe
from neuraltape.tasks.score import NATS_PER_BIT, Score, bit_costs, wrong_bits
from neuraltape.tasks.table import Kind


class Task(ABC):
    """Something to learn. Targets are bits unless a task says otherwise: outputs are logits, one a target bit."""

    name: ClassVar[str]
    """What the command line calls it."""
    summary: ClassVar[str]
    """What it asks for, in one line."""
    goal: ClassVar[Goal | None] = None
    """What counts as solved, on fresh sequences from the range of training; None: nothing does."""
    length_name: ClassVar[str]
    """What a length counts."""
    paper_parameters: ClassVar[Mapping[str, int]] = {}
    """Parameters of the paper's machines for this task, by kind: an NTM with an "lstm" or "feedforward" controller, and
    the "baseline", an LSTM without a memory."""
    words: ClassVar[Mapping[str, str]] = {}
    """What a page says about it, in English: "task" (what it is about), "length", and "draft NAME" and "channel NAME"
    for a draft's numbers and for channels that are shown under another name. See `page_words` for what isn't here."""
    usual_seeds: ClassVar[int] = 10
    """The number of seeds behind a published result."""

    @property
    @abstractmethod
    def input_names(self) -> tuple[str, ...]:
        """A name for each input channel."""

    @property
    @abstractmethod
    def output_names(self) -> tuple[str, ...]:
        """A name for each output channel."""

    @property
    def input_size(self) -> int:
        """Channels of an input."""
        return len(self.input_names)

    @property
    def output_size(self) -> int:
        """Channels of an output."""
        return len(self.output_names)

    @property
    def target_kind(self) -> Kind:
        """What targets are: bits (logits come out, one a bit), classes (numbers; a logit a class), values, or digits.

        A digit has ten channels, of which one is 1; outputs are logits, one a channel.
        """
        return "bits"

    @property
    def takes_symbols(self) -> bool:
        """Whether a step's input is a symbol, a number below `input_size`, which a machine may look up."""
        return False

    @property
    def costs_bits(self) -> bool:
        """Whether `loss` is the outputs' binary cross-entropy and nothing else, so that a machine may compute it."""
        return self.target_kind == "bits" and type(self).loss is Task.loss and type(self).costs is Task.costs

    @property
    def pictures(self) -> PictureInput | None:
        """How the inputs show a picture, for whoever draws them; None: they don't."""
        return None

    @property
    def score_name(self) -> str:
        """What `Score.bits` measures."""
        return "bits a sequence"

    @property
    @abstractmethod
    def shortest(self) -> int:
        """The least length that `sample` draws."""

    @property
    @abstractmethod
    def longest(self) -> int:
        """The greatest length that `sample` draws."""

    @property
    def least(self) -> int:
        """The least length that makes sense."""
        return 1

    @property
    def most(self) -> int | None:
        """The greatest length that makes sense; None: there is none."""
        return None

    @property
    def grows_lengths(self) -> bool:
        """Whether `grown` is about lengths: it gives the same task up to this fraction of the longest."""
        return True

    @property
    def stages(self) -> int:
        """How many steps a growing range of lengths has: `grown` is asked for so many fractions."""
        return 10

    @property
    def label(self) -> str:
        """The range of lengths as a table shows it: "1-20", or "20" where there is only one."""
        return range_label(self.shortest, self.longest)

    @property
    def probes(self) -> tuple[Probe, ...]:
        """What machines are scored on after their training: the range of training first, then lengths beyond it.

        A task has none where no results of it are published.
        """
        return ()

    @property
    def page_words(self) -> dict[str, str]:
        """`words`, with the summary and the length's name where they say nothing else about the task and its length.

        A number or a channel without a word is shown by its name.
        """
        return {"task": self.summary, "length": self.length_name.capitalize(), **self.words}

    @property
    def drawing(self) -> Drawing | None:
        """What somebody who draws a sequence by hand is free in; None: this task's sequences can't be drawn."""
        return None

    def draw(self, length: int, generator: torch.Generator) -> Draft:
        """A random draft: of the sequence that `at_length(length).sample(1, generator)` gives.

        Raises:
            ValueError: the task can't be drawn, or not at this length.
        """
        raise ValueError(f"sequences of {self.name} can't be drawn by hand")

    def compose(self, draft: Draft) -> Composed:
        """A draft as a batch of one sequence, with what a machine has to answer.

        Raises:
            ValueError: the task can't be drawn, or the draft makes no sequence of it.
        """
        raise ValueError(f"sequences of {self.name} can't be drawn by hand")

    @abstractmethod
    def sample(self, batch_size: int, generator: torch.Generator, *, lengths: int | Tensor | None = None) -> Batch:
        """Draw sequences, on the CPU; the same generator state gives the same batch.

        Args:
            batch_size: the number of sequences.
            generator: all randomness comes from it.
            lengths: one for all or (batch,) integers, in or beyond the task's range; None: each sequence's drawn
                uniformly from shortest to longest, independently.

        Raises:
            ValueError: a batch size or length that cannot be.
        """

    @abstractmethod
    def at_length(self, length: int) -> "Task":
        """The same task with every sequence of exactly this length, which may exceed `longest`."""

    @abstractmethod
    def grown(self, fraction: float) -> "Task":
        """The same task with the upper end of its range at this fraction of the whole, at least `shortest`.

        A task whose short sequences teach the wrong thing is made easier by this fraction in another way.
        """

    @classmethod
    def required_options(cls) -> list[str]:
        """The names of the options that have no default: without them there is no task."""
        options = fields(cls)  # pyright: ignore[reportArgumentType]
        return [each.name for each in options if each.init and each.default is each.default_factory is MISSING]

    def prepare(self) -> None:
        """Read what drawing will need, so that what is missing is said at once. Most tasks need nothing.

        Raises:
            ValueError: it is missing or broken.
        """
        return

    def resolved(self) -> "Task":
        """The same task, with what it finds in its files as its options, so that it is kept; most find nothing.

        Raises:
            ValueError: what `prepare` raises.
        """
        return self

    def longest_only(self) -> "Task":
        """The same task with every sequence as long as they get."""
        return self.at_length(self.longest)

    def held_out(self) -> "Task":
        """The task to evaluate on. Sequences that are drawn afresh need nothing apart, so this is the task itself."""
        return self

    def kept_rows(self, count: int) -> Tensor | None:
        """So many rows, at most, that are kept from training to be evaluated, the same each time: (rows,) integers.

        None where each evaluation draws its own sequences. Where there are such rows the task has `batch(rows)`, and
        the machine that is best on them is the one that a run keeps.
        """
        return None

    def costs(self, outputs: Tensor, batch: Batch) -> Float[Tensor, "time batch"]:
        """What each step costs, in nats; 0 where it is not scored."""
        return bit_costs(outputs, batch.targets, batch.mask)

    def mistakes(self, outputs: Tensor, batch: Batch) -> Int[Tensor, "time batch"]:
        """How many targets of each step are wrong; 0 where it is not scored."""
        return wrong_bits(outputs, batch.targets, batch.mask)

    def loss(self, outputs: Float[Tensor, "time batch output_size"], batch: Batch) -> Float[Tensor, ""]:
        """The cross-entropy in nats, summed over all scored targets. Divide by `count` for the mean.

        Args:
            outputs: logits. Whatever stands at steps that are not scored has no influence.

        Raises:
            ValueError: outputs of another shape than the batch asks for.
        """
        self._check_outputs(outputs, batch)
        return self.costs(outputs, batch).sum()

    def count(self, batch: Batch) -> Int[Tensor, ""]:
        """How many targets are scored."""
        return batch.mask.sum() * (batch.targets.shape[-1] if batch.targets.dim() == 3 else 1)

    @torch.no_grad()
    def score(self, outputs: Float[Tensor, "time batch output_size"], batch: Batch) -> Score:
        """How well each sequence went. Takes what `loss` takes."""
        self._check_outputs(outputs, batch)
        bits = self.costs(outputs, batch).sum(0, dtype=torch.float64) / NATS_PER_BIT
        return Score(bits, self.mistakes(outputs, batch).sum(0).double())

    def mean_score(self, cost: float, targets: int, sequences: int) -> float:
        """A summed `loss` in the unit of `Score.bits`, a sequence in the mean.

        Args:
            cost: the loss of all the sequences together.
            targets: the number of targets that were scored.
            sequences: the number of sequences, at least 1.
        """
        return cost / NATS_PER_BIT / sequences

    def example(self) -> str:
        """A small sequence of this task, drawn in ASCII."""
        return picture(self._example_batch().shown(self.input_size), self.input_names, self.output_names)

    @abstractmethod
    def _example_batch(self) -> Batch:
        """A batch whose first sequence is small enough to look at."""

    def _check_outputs(self, outputs: Tensor, batch: Batch) -> None:
        expected = (*batch.mask.shape, self.output_size)
        if outputs.shape != expected:
            raise ValueError(f"outputs must be (time, batch, output_size) = {expected}; got {tuple(outputs.shape)}")


def range_label(low: int, high: int) -> str:
    """A range as a table shows it."""
    return f"{low}" if low == high else f"{low}-{high}"


def grown(low: int, high: int, fraction: float) -> int:
    """The upper end of a range at a fraction of the whole, to the nearest whole number, never below its lower end.

    Raises:
        ValueError: a fraction outside 0 to 1.
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction must be between 0 and 1; got {fraction!r}")
    return max(low, round(fraction * high))
