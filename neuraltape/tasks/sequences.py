"""The user's own sequences, from a file."""

from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.columns import SUFFIXES, Columns, input_names
from neuraltape.tasks.draw import check_integer
from neuraltape.tasks.files import read_rows
from neuraltape.tasks.row import Row
from neuraltape.tasks.score import NATS_PER_BIT, Score
from neuraltape.tasks.table import KINDS, Kind, Predicts, Scored, Table, make_inputs, make_table
from neuraltape.tasks.table_task import TableTask

# The share of the rows that is kept for validation where nobody says otherwise.
SHARE = 0.1


@dataclass(frozen=True, eq=False)
class Sequences(TableTask):
    """Learn from sequences in a file: .npz, .jsonl, .csv or .parquet.

    `.npz`: padded arrays, sequences first: `inputs` (sequences, time, features), and where wanted `targets`
    (sequences, time, features), (sequences, time) or (sequences,), `lengths` (sequences,), `mask` (sequences, time):
    the steps to score. What stands past a length is ignored. `.jsonl`: a line a sequence, an object with `inputs`, and
    where wanted `targets` and `mask`. Inputs are a list of numbers a step; a single whole number a step is a symbol,
    shown to the machine one-hot, and a single real number is one feature. Two rows:

        {"inputs": [[0.5, 1.0], [0.25, 0.0], [0.0, 0.0]], "targets": [[0], [1], [1]]}
        {"inputs": [[0.0, 1.0], [1.0, 1.0]], "targets": [[1], [0]], "mask": [0, 1]}

    `.csv` and `.parquet` (which needs the extra "data"): a line a step, with a column `sequence` that says which
    sequence it belongs to, `step`, where there is one, in which order its lines come, and a column a feature. A step
    whose targets are empty isn't scored.

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
    summary: ClassVar[str] = "your own sequences, from a file"
    length_name: ClassVar[str] = "steps"

    data: str
    """File with the sequences: .npz, .jsonl, .csv or .parquet."""
    _: KW_ONLY
    kind: Literal["auto", "bits", "classes", "values"] = "auto"
    """What the targets are; auto: whole numbers are classes, lists of 0 and 1 bits, other numbers values."""
    predicts: Predicts = "auto"
    """What is learned: the file's targets, or the next step's inputs; auto: the targets where there are some."""
    scored: Scored = "all"
    """Which steps are scored: all; last: the last of each sequence, as where it has one answer."""
    inputs: tuple[str, ...] | None = None
    """Tables: the columns that go in, such as x y or x,y; null: all that are no targets."""
    targets: tuple[str, ...] | None = None
    """Tables: the columns that have to come out, such as z; null: none, and the next step's inputs are predicted."""
    validation: str | None = None
    """File with the sequences to evaluate on while training; null: a share of the data's."""
    test: str | None = None
    """File with the sequences that training never looks at; null: a share of the data's."""
    validation_fraction: float | None = None
    """Share of the rows that is kept from training, for evaluation; 0: none, and the training rows are evaluated;
    null: 0.1, or 0 where there is a validation file."""
    test_fraction: float = 0.0
    """Share of the rows that is kept from training and from its evaluations."""
    split_seed: int = 0
    """The seed that chooses which rows are kept from training."""
    symbols: int | None = None
    """How many input symbols there are; null: one more than the largest in the file."""
    classes: int | None = None
    """How many classes there are; null: one more than the largest in the file."""

    def __post_init__(self) -> None:
        if self.kind not in ("auto", *KINDS):
            raise ValueError(f"kind must be auto, {', '.join(KINDS)}; got {self.kind!r}")
        for name in ("inputs", "targets"):
            if (columns := getattr(self, name)) is not None:
                object.__setattr__(self, name, tuple(columns))
        if self.predicts not in ("auto", "targets", "next"):
            raise ValueError(f"predicts must be auto, targets or next; got {self.predicts!r}")
        if self.scored not in ("all", "last"):
            raise ValueError(f"scored must be all or last; got {self.scored!r}")
        for name, file in (("validation_fraction", self.validation), ("test_fraction", self.test)):
            fraction = getattr(self, name)
            if fraction is not None and not 0 <= fraction < 1:
                raise ValueError(f"{name} must be at least 0 and below 1; got {fraction!r}")
            if fraction and file is not None:
                raise ValueError(f"{name} has no effect with the file {file}; got {fraction!r}")
        if self._validation_share + self.test_fraction >= 1:
            raise ValueError(
                f"validation_fraction and test_fraction must be below 1 together; got {self._validation_share} and "
                f"{self.test_fraction}"
            )
        check_integer("split_seed", self.split_seed, least=0)
        for name in ("symbols", "classes"):
            if getattr(self, name) is not None:
                check_integer(name, getattr(self, name), least=1)

    @cached_property
    def table(self) -> Table:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Everything in the files: the data's rows, then those for validation, then those for testing."""
        rows = [row for part in self._files for row in part]
        return make_table(self.data, rows, self.kind, self.symbols, self.classes, self.predicts, self.scored)

    @cached_property
    def rows(self) -> Int[Tensor, " rows"]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The rows that `sample` draws from, in the order of the file."""
        return self.parts["training"]

    @cached_property
    def parts(self) -> dict[str, Int[Tensor, " rows"]]:
        """The rows of the table for "training", for "validation" and for the "test"; the latter two may have none.

        Of a share there is at least one row where the file has enough.
        """
        data, *others = (len(part) for part in self._files)
        shares = (self._validation_share, self.test_fraction)
        counts: list[int] = []
        for share in shares:
            left = data - 1 - sum(counts)
            counts.append(min(max(round(share * data), 1), left) if share > 0 and left > 0 else 0)
        order = torch.randperm(data, generator=torch.Generator().manual_seed(self.split_seed))
        validation, test, training = order.split([*counts, data - sum(counts)])
        start = data
        for number, count in enumerate(others):
            if count:
                chosen = torch.arange(start, start + count)
                validation, test = (chosen, test) if number == 0 else (validation, chosen)
            start += count
        return {"training": training.sort().values, "validation": validation.sort().values, "test": test.sort().values}

    @cached_property
    def _files(self) -> list[list[Row]]:
        """What the files hold: data, validation, test."""
        paths = (self.data, self.validation, self.test)
        return [[] if path is None else read_rows(path, self.columns) for path in paths]

    @property
    def columns(self) -> Columns:
        """Which columns of a table are what."""
        return Columns(self.inputs, self.targets)

    @property
    def _validation_share(self) -> float:
        if self.validation_fraction is not None:
            return self.validation_fraction
        return SHARE if self.validation is None else 0.0

    def read_inputs(self, path: str, size: int) -> tuple[Tensor, Tensor]:
        """The inputs of another file, as those of this task's were read; targets are passed over.

        Args:
            path: the file.
            size: the features or symbols that there have to be.

        Returns:
            (sequences, time, features) or symbols (sequences, time), zero past each one's length; lengths
            (sequences,).

        Raises:
            DataError: a file that can't be used, or whose inputs are others.
        """
        task = self.settled()
        rows = read_rows(path, task.columns._replace(targets=None) if Path(path).suffix in SUFFIXES else None)
        return make_inputs(rows, size, symbols=task.symbols is not None)

    def settled(self) -> "Sequences":
        """`resolved`, without a look at the files where nothing is left to find out."""
        return self.resolved() if "auto" in (self.kind, self.predicts) else self

    @property
    def source(self) -> str:
        """The file."""
        return self.data

    def prepare(self) -> None:
        """Read the files."""
        assert self.table.lengths.numel() > 0

    def resolved(self) -> "Sequences":
        """The same task, with what was found in the files as its options: new files are then read alike."""
        table = self.table
        same = replace(
            self,
            kind=table.kind,
            predicts="next" if table.follows else "targets",
            symbols=table.input_size if table.inputs.dim() == 2 else None,
            classes=table.output_size if table.kind == "classes" else None,
            validation_fraction=self._validation_share,
            inputs=input_names(self.data, self.columns) if Path(self.data).suffix in SUFFIXES else None,
        )
        for name in ("table", "_files", "parts"):
            vars(same)[name] = getattr(self, name)
        return same

    @property
    def target_kind(self) -> Kind:
        """What the targets are: as the options say, or else the files."""
        return self.table.kind if self.kind == "auto" else self.kind

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
        held = self.parts["validation"]
        return self.only(held if len(held) else self.parts["training"])

    def kept_rows(self, count: int) -> Tensor | None:
        """The rows for validation, or a random choice of so many; None where there are none."""
        rows = self.parts["validation"]
        if not len(rows):
            return None
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(self.split_seed))
        return rows[order[:count].sort().values]

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
