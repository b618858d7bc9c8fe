"""The user's own sequences, from a file."""

import math
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuraltape.tasks.batch import Batch
from neuraltape.tasks.block import Block, read_block
from neuraltape.tasks.columns import SUFFIXES, Columns, input_names, read_labels
from neuraltape.tasks.draw import check_integer
from neuraltape.tasks.files import TooLargeError, read_rows
from neuraltape.tasks.own_data import OwnData
from neuraltape.tasks.row import DataError, Row
from neuraltape.tasks.score import NATS_PER_BIT, Score
from neuraltape.tasks.table import (
    KINDS,
    Kind,
    Predicts,
    Scored,
    Table,
    inputs_of_block,
    joined,
    make_inputs,
    make_table,
    table_of_block,
    unlike,
)
from neuraltape.tasks.table_task import TableTask


@dataclass(frozen=True, eq=False)
class Sequences(OwnData):
    """Learn from sequences in a file: .npz, .npy, .jsonl, .csv or .parquet.

    `.npz`: padded arrays, sequences first: `inputs` (sequences, time, features), and where wanted `targets`
    (sequences, time, features), (sequences, time) or (sequences,), `lengths` (sequences,), `mask` (sequences, time):
    the steps to score. What stands past a length is ignored. `.npy`: the inputs alone. `.jsonl`: a line a sequence, an
    object with `inputs`, and
    where wanted `targets` and `mask`. Inputs are a list of numbers a step; a single whole number a step is a symbol,
    which the machine looks up (`embedding_size`), and a single real number is one feature. Two rows:

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
    split_seed: int = 0
    """The seed that chooses which rows are kept from training."""
    symbols: int | None = None
    """How many input symbols there are; null: one more than the largest in the file."""
    classes: int | None = None
    """How many classes there are; null: one more than the largest in the file."""
    class_weights: tuple[float, ...] | Literal["balanced"] | None = None
    """What each class's cost is multiplied with in training, such as [1,5]; balanced: rarer classes count for more, all
    alike together; null: 1 each. Scores are without it."""

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
        super().__post_init__()
        check_integer("split_seed", self.split_seed, least=0)
        for name in ("symbols", "classes"):
            if getattr(self, name) is not None:
                check_integer(name, getattr(self, name), least=1)

        weights = self.class_weights
        if weights is not None and weights != "balanced":
            object.__setattr__(self, "class_weights", weights if isinstance(weights, str) else tuple(weights))
            if isinstance(weights, str) or not all(0 <= each < math.inf for each in weights) or not any(weights):
                raise ValueError(f"class_weights must be numbers from 0, or balanced; got {weights!r}")

    @cached_property
    def table(self) -> Table:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Everything in the files: the data's rows, then those for validation, then those for testing."""
        with self.read_as_kept():
            return self._read_table()

    def _read_table(self) -> Table:
        how = (self.kind, self.symbols, self.classes, self.predicts, self.scored)
        table, problem = None, None
        if any(self._blocks.values()):
            try:
                tables = [self._table_of(path, *how) for path in self.paths]
                table = joined(tables)
                problem = None if table is not None else DataError(unlike(self.paths, tables))
            except DataError as error:
                problem = error
        if table is None:
            # Who looks at each row says which one is wrong, if there are not too many for that.
            try:
                table = make_table(self.data, [row for path in self.paths for row in self._rows_of(path)], *how)
            except TooLargeError as error:
                raise problem or error from None
        if self.class_weights is not None:
            if table.kind != "classes":
                raise ValueError(f"class_weights has no effect without classes; targets are {table.kind}")
            if self.class_weights != "balanced" and len(self.class_weights) != table.output_size:
                raise ValueError(
                    f"class_weights must be one for each of {table.output_size} classes; got {len(self.class_weights)}"
                )
        return table

    @cached_property
    def weight_of_class(self) -> Float[Tensor, " classes"] | None:
        """What each class's cost is multiplied with in training; balanced: targets / (classes x targets of the class).

        A class without targets counts as if it had one. None where there are no weights.
        """
        if self.class_weights is None:
            return None
        if self.class_weights != "balanced":
            return torch.tensor(self.class_weights)
        counts = torch.zeros(self.output_size, dtype=torch.int64)
        for part in self.goals(self.parts["training"]):
            counts += torch.bincount(part, minlength=self.output_size)
        return counts.sum() / (self.output_size * counts.clamp(min=1))

    @property
    def costs_bits(self) -> bool:
        """Whether `loss` is the outputs' binary cross-entropy and nothing else: bits have no weights."""
        same = type(self).loss is Sequences.loss and type(self).costs is TableTask.costs
        return self.table.kind == "bits" and same

    def loss(self, outputs: Float[Tensor, "time batch output_size"], batch: Batch) -> Float[Tensor, ""]:
        """The cross-entropy in nats, or the squared error, summed over all scored targets; classes by their weights."""
        if self.weight_of_class is None:
            return super().loss(outputs, batch)
        self._check_outputs(outputs, batch)
        weights = self.weight_of_class.to(outputs.device)[torch.where(batch.mask, batch.targets, 0)]
        return (self.costs(outputs, batch) * weights).sum()

    def batch(self, rows: Int[Tensor, " batch"]) -> Batch:
        """See `TableTask.batch`. Raises DataError where a file that is read where it lies was rewritten."""
        batch = super().batch(rows)
        for block in self._blocks.values():
            if block is not None:
                block.inputs.file.check()
        return batch

    def order(self) -> Int[Tensor, " rows"]:
        """Rows for validation, then those for the test, then those for training, at random."""
        return torch.randperm(self.counts[0], generator=torch.Generator().manual_seed(self.split_seed))

    def check_part(self, name: str, rows: Int[Tensor, " rows"]) -> None:
        """Raise DataError where none of a part's rows has a scored step."""
        if len(rows) and not self.scores_any(rows):
            raise DataError(f"{self.source}: none of the rows for {name} has a scored step; there are {len(rows):,}")

    @property
    def counts(self) -> tuple[int, int, int]:
        """The rows of the three files."""
        data, validation, test = (self._count(path) for path in (self.data, self.validation, self.test))
        return data, validation, test

    def _count(self, path: str | None) -> int:
        if path is None:
            return 0
        block = self._blocks[path]
        return len(self._rows_of(path) if block is None else block.inputs)

    @cached_property
    def _blocks(self) -> dict[str, Block | None]:
        """The files as whole padded arrays, where they are such and columns aren't asked for."""
        named = self.columns != Columns() or Path(self.data).suffix in SUFFIXES
        return {path: None if named else read_block(path) for path in self.paths}

    @cached_property
    def _read(self) -> dict[str, list[Row]]:
        """The files that were read row by row."""
        return {}

    def _rows_of(self, path: str) -> list[Row]:
        if path not in self._read:
            self._read[path] = read_rows(path, self.columns if path == self.data else self._columns_of_others(path))
        return self._read[path]

    def _columns_of_others(self, path: str) -> Columns:
        """`columns` with the names of the data's inputs: another table's columns may stand in any order.

        Raises:
            DataError: the data is no table that can be used, or it is one and this file is none.
        """
        if Path(self.data).suffix not in SUFFIXES:
            return self.columns
        if Path(path).suffix not in SUFFIXES:
            raise DataError(f"{path}: expected a table, {' or '.join(SUFFIXES)}, with the columns of {self.data}")
        # Whatever is wrong with the data's own file is said first.
        self._rows_of(self.data)
        return self.columns._replace(inputs=input_names(self.data, self.columns))

    def _table_of(self, path: str, *how: Any) -> Table:
        block = self._blocks[path]
        return make_table(path, self._rows_of(path), *how) if block is None else table_of_block(path, block, *how)

    @property
    def columns(self) -> Columns:
        """Which columns of a table are what."""
        return Columns(self.inputs, self.targets)

    def read_inputs(self, path: str, size: int) -> tuple[Tensor, Tensor]:
        """See `OwnData.read_inputs`."""
        task = self.settled()
        symbols = task.symbols is not None
        if Path(path).suffix in SUFFIXES:
            return make_inputs(read_rows(path, task.columns._replace(targets=None)), size, symbols=symbols)
        block, problem = read_block(path), None
        if block is not None:
            try:
                return inputs_of_block(path, block, size, symbols=symbols)
            except DataError as error:
                problem = error
        try:
            return make_inputs(read_rows(path), size, symbols=symbols)
        except TooLargeError as error:
            raise problem or error from None

    def read_labels(self, path: str) -> list[tuple[str, list]] | None:
        """See `OwnData.read_labels`: tables have columns for them."""
        return read_labels(path) if Path(path).suffix in SUFFIXES else None

    def settled(self) -> "Sequences":
        """`resolved`, without a look at the files where nothing is left to find out."""
        named = self.inputs is not None or Path(self.data).suffix not in SUFFIXES
        return self if named and "auto" not in (self.kind, self.predicts) else self.resolved()

    def resolved(self) -> "Sequences":
        """The same task, with what was found in the files as its options: new files are then read alike."""
        table, _ = self.table, self.parts
        same = replace(
            self,
            kind=table.kind,
            predicts="next" if table.follows else "targets",
            symbols=table.input_size if table.inputs.dim() == 2 else None,
            classes=table.output_size if table.kind == "classes" else None,
            validation_fraction=self.validation_share,
            class_weights=None if self.weight_of_class is None else tuple(self.weight_of_class.tolist()),
            inputs=input_names(self.data, self.columns) if Path(self.data).suffix in SUFFIXES else None,
            contents=self.found_contents(),
        )
        for name in ("table", "stamps", "_blocks", "_read", "parts"):
            if name in vars(self):
                vars(same)[name] = vars(self)[name]
        return same

    @property
    def predicts_next(self) -> bool:
        """Whether each step's target is the next step's input: as the options say, or else the files."""
        return self.table.follows if self.predicts == "auto" else self.predicts == "next"

    @property
    def target_kind(self) -> Kind:
        """What the targets are: as the options say, or else the files."""
        return self.table.kind if self.kind == "auto" else self.kind

    @property
    def score_name(self) -> str:
        """What `Score.bits` measures; for values it isn't bits."""
        return "mean squared error" if self.table.kind == "values" else super().score_name

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
