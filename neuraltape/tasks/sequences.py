"""The user's own sequences, from a file."""

import copy
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.draw import check_integer, draw_lengths
from neuraltape.tasks.files import read_rows
from neuraltape.tasks.score import NATS_PER_BIT, Score, class_costs, square_costs, wrong_classes, wrong_values
from neuraltape.tasks.table import KINDS, Table, make_table
from neuraltape.tasks.task import Task, grown

# As much of a sequence as fits a line.
_EXAMPLE_STEPS = 60


@dataclass(frozen=True, eq=False)
class Sequences(Task):
    """Learn from sequences in an .npz or .jsonl file.

    `.npz`: padded arrays, sequences first: `inputs` (sequences, time, features), and where wanted `targets`
    (sequences, time, features), (sequences, time) or (sequences,), `lengths` (sequences,), `mask` (sequences, time):
    the steps to score. What stands past a length is ignored. `.jsonl`: a line a sequence, an object with `inputs`, and
    where wanted `targets` and `mask`. Inputs are a list of numbers a step; a single whole number a step is a symbol,
    shown to the machine one-hot, and a single real number is one feature. Two rows:

        {"inputs": [[0.5, 1.0], [0.25, 0.0], [0.0, 0.0]], "targets": [[0], [1], [1]]}
        {"inputs": [[0.0, 1.0], [1.0, 1.0]], "targets": [[1], [0]], "mask": [0, 1]}

    What the targets are, and what is minimised:
    - classes: whole numbers, one a step, or one for the sequence, which is scored at its last step: cross-entropy;
    - bits: zeros and ones in lists (or reals, or false and true): cross-entropy of each;
    - values: all other numbers: squared error. Then the outputs are no logits, and `Score.bits` is no cross-entropy
      (squared errors don't say how sure the machine was): it holds the sequence's mean squared error. A value that
      misses by more than 0.5 counts as wrong.
    Without targets each step's target is the next step's input.

    Some rows are held out for evaluation. The task draws from the others; `held_out()` draws from those.

    Raises:
        DataError: a file that can't be used; one line with the file, the row and what was expected.
        ValueError: an option that can't be.
    """

    name: ClassVar[str] = "sequences"
    summary: ClassVar[str] = "your own sequences, from an .npz or .jsonl file"
    length_name: ClassVar[str] = "steps"

    data: str
    """File with the sequences, .npz or .jsonl."""
    _: KW_ONLY
    kind: Literal["auto", "bits", "classes", "values"] = "auto"
    """What the targets are; auto: whole numbers are classes, lists of 0 and 1 bits, other numbers values."""
    validation_fraction: float = 0.1
    """Share of the rows that is kept from training, for evaluation; 0: evaluate on the training rows."""
    split_seed: int = 0
    """Chooses which rows are kept from training."""
    symbols: int | None = None
    """How many input symbols there are; null: one more than the largest in the file."""
    classes: int | None = None
    """How many classes there are; null: one more than the largest in the file."""

    def __post_init__(self) -> None:
        if self.kind not in ("auto", *KINDS):
            raise ValueError(f"kind must be auto, {', '.join(KINDS)}; got {self.kind!r}")
        if not 0 <= self.validation_fraction < 1:
            raise ValueError(f"validation_fraction must be at least 0 and below 1; got {self.validation_fraction!r}")
        check_integer("split_seed", self.split_seed, least=0)
        for name in ("symbols", "classes"):
            if getattr(self, name) is not None:
                check_integer(name, getattr(self, name), least=1)
        # A bad file is said at once, not at the first batch.
        assert self.table.lengths.numel() > 0

    @cached_property
    def table(self) -> Table:
        """Everything in the file."""
        return make_table(self.data, read_rows(self.data), self.kind, self.symbols, self.classes)

    @cached_property
    def rows(self) -> Int[Tensor, " rows"]:
        """The rows that `sample` draws from, in the order of the file."""
        return self._split[0]

    @cached_property
    def _split(self) -> tuple[Tensor, Tensor]:
        """Rows to train on and rows held out; at least one of each where the file and the fraction allow."""
        total = len(self.table.lengths)
        held = 0
        if self.validation_fraction > 0 and total > 1:
            held = min(max(round(self.validation_fraction * total), 1), total - 1)
        order = torch.randperm(total, generator=torch.Generator().manual_seed(self.split_seed))
        return order[held:].sort().values, order[:held].sort().values

    @property
    def input_names(self) -> tuple[str, ...]:
        """A number each."""
        return tuple(f"input {i + 1}" for i in range(self.input_size))

    @property
    def output_names(self) -> tuple[str, ...]:
        """A number each."""
        return tuple(f"output {i + 1}" for i in range(self.output_size))

    @property
    def input_size(self) -> int:
        """Features of a step, or symbols."""
        return self.table.input_size

    @property
    def output_size(self) -> int:
        """Features of a target, or classes."""
        return self.table.output_size

    @property
    def score_name(self) -> str:
        """What `Score.bits` measures; for values it isn't bits."""
        return "mean squared error" if self.table.kind == "values" else super().score_name

    @property
    def shortest(self) -> int:
        """The least length among the rows drawn from."""
        return int(self.table.lengths[self.rows].min())

    @property
    def longest(self) -> int:
        """The greatest length among the rows drawn from."""
        return int(self.table.lengths[self.rows].max())

    def sample(self, batch_size: int, generator: torch.Generator, *, lengths: int | Tensor | None = None) -> Batch:
        """Draw rows; none twice before each was drawn once. With `lengths`, rows of these lengths.

        Raises:
            ValueError: a batch size below 1, or a length that no row has.
        """
        check_integer("batch_size", batch_size, least=1)
        if lengths is None:
            return self._batch(_deal(self.rows, batch_size, generator))
        wanted = draw_lengths("lengths", batch_size, lengths, smallest=1, low=1, high=1, generator=generator)
        chosen = torch.empty_like(wanted)
        for length in wanted.unique().tolist():
            places = wanted == length
            chosen[places] = _deal(self._of_length(length), int(places.sum()), generator)
        return self._batch(chosen)

    def at_length(self, length: int) -> "Sequences":
        """The rows of exactly this length. Raises ValueError where there are none."""
        return self._only(self._of_length(length))

    def grown(self, fraction: float) -> "Sequences":
        """The rows that are no longer than this fraction of the longest, the shortest ones in any case."""
        lengths = self.table.lengths[self.rows]
        return self._only(self.rows[lengths <= grown(self.shortest, self.longest, fraction)])

    def held_out(self) -> "Sequences":
        """The rows kept from training, or the training rows where none are (one row, or validation_fraction 0)."""
        held = self._split[1]
        return self._only(held if len(held) else self._split[0])

    def costs(self, outputs: Tensor, batch: Batch) -> Float[Tensor, "time batch"]:
        """What each step costs: nats, or for values the squared error."""
        if self.table.kind == "bits":
            return super().costs(outputs, batch)
        return (class_costs if self.table.kind == "classes" else square_costs)(outputs, batch.targets, batch.mask)

    def mistakes(self, outputs: Tensor, batch: Batch) -> Int[Tensor, "time batch"]:
        """How many targets of each step are wrong; for values: are missed by more than 0.5."""
        if self.table.kind == "bits":
            return super().mistakes(outputs, batch)
        return (wrong_classes if self.table.kind == "classes" else wrong_values)(outputs, batch.targets, batch.mask)

    @torch.no_grad()
    def score(self, outputs: Float[Tensor, "time batch output_size"], batch: Batch) -> Score:
        """How well each sequence went; for values, `bits` is the mean squared error over the scored values."""
        score = super().score(outputs, batch)
        if self.table.kind != "values":
            return score
        scored = batch.mask.sum(0).clamp(min=1) * self.output_size
        return score._replace(bits=score.bits * NATS_PER_BIT / scored)

    def mean_score(self, cost: float, targets: int, sequences: int) -> float:
        """As every task's; for values the mean squared error over all scored values."""
        return cost / max(targets, 1) if self.table.kind == "values" else super().mean_score(cost, targets, sequences)

    def _batch(self, rows: Tensor) -> Batch:
        lengths = self.table.lengths[rows]
        longest = int(lengths.max())
        inputs, targets, mask = (
            tensor[rows, :longest].transpose(0, 1).contiguous()
            for tensor in (self.table.inputs, self.table.targets, self.table.mask)
        )
        if inputs.dim() == 2:
            inside = torch.arange(longest).unsqueeze(-1) < lengths
            inputs = functional.one_hot(inputs, self.input_size).float() * inside.unsqueeze(-1)
        return Batch(inputs, targets, mask, lengths)

    def _of_length(self, length: int) -> Tensor:
        lengths = self.table.lengths[self.rows]
        rows = self.rows[lengths == length]
        if not len(rows):
            nearest = int(lengths[(lengths - length).abs().argmin()])
            raise ValueError(f"{self.data}: no sequence of length {length} among these rows; the nearest is {nearest}")
        return rows

    def _only(self, rows: Tensor) -> "Sequences":
        """The same task, drawing from these rows. The file isn't read again."""
        view = copy.copy(self)
        object.__setattr__(view, "rows", rows)
        return view

    def _example_batch(self) -> Batch:
        inputs, targets, mask, lengths = self._batch(self.rows[:1])
        shown = slice(0, _EXAMPLE_STEPS)
        return Batch(inputs[shown], targets[shown], mask[shown], lengths.clamp(max=_EXAMPLE_STEPS))


def _deal(rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` of the rows in random order, each as often as the others, give or take one."""
    hands = [rows[torch.randperm(len(rows), generator=generator)] for _ in range(-(-count // len(rows)))]
    return torch.cat(hands)[:count]
