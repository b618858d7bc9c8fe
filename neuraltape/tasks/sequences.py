"""The user's own sequences, from a file."""

from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.draw import check_integer
from neuraltape.tasks.files import read_rows
from neuraltape.tasks.score import NATS_PER_BIT, Score
from neuraltape.tasks.table import KINDS, Table, make_table
from neuraltape.tasks.table_task import TableTask


@dataclass(frozen=True, eq=False)
class Sequences(TableTask):
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
    """The seed that chooses which rows are kept from training."""
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
    def table(self) -> Table:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Everything in the file."""
        return make_table(self.data, read_rows(self.data), self.kind, self.symbols, self.classes)

    @cached_property
    def rows(self) -> Int[Tensor, " rows"]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The rows that `sample` draws from, in the order of the file."""
        return self._split[0]

    @property
    def source(self) -> str:
        """The file."""
        return self.data

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
        """The inputs by their numbers."""
        return tuple(f"input {i + 1}" for i in range(self.input_size))

    @property
    def output_names(self) -> tuple[str, ...]:
        """The outputs by their numbers."""
        return tuple(f"output {i + 1}" for i in range(self.output_size))

    @property
    def score_name(self) -> str:
        """What `Score.bits` measures; for values it isn't bits."""
        return "mean squared error" if self.table.kind == "values" else super().score_name

    def held_out(self) -> "Sequences":
        """The rows kept from training, or the training rows where none are (one row, or validation_fraction 0)."""
        held = self._split[1]
        return self.only(held if len(held) else self._split[0])

    @torch.no_grad()
    def score(self, outputs: Float[Tensor, "time batch output_size"], batch: Batch) -> Score:
        """How well each sequence went; for values, `bits` is the mean squared error over the scored values."""
        score = super().score(outputs, batch)
        if self.table.kind != "values":
            return score
        scored = batch.mask.sum(0).clamp(min=1) * self.output_size
        return score._replace(bits=score.bits * NATS_PER_BIT / scored)

    def mean_score(self, cost: float, targets: int, sequences: int) -> float:
        """A summed loss in the unit of `Score.bits`; for values the mean squared error over all scored values."""
        return cost / max(targets, 1) if self.table.kind == "values" else super().mean_score(cost, targets, sequences)
