"""What the tasks share that are the user's own files: which rows are learned, which are kept from training."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import Self

import torch
from jaxtyping import Int
from torch import Tensor

from neuraltape.data.contents import Stamp, check_contents, contents_of, stamp_of
from neuraltape.tasks.row import DataError
from neuraltape.tasks.table_task import TableTask

# The share of the rows that is kept for validation where nobody says otherwise.
SHARE = 0.1


@dataclass(frozen=True, eq=False)
class OwnData(TableTask):
    """The user's own data. The task draws from the rows for training; `held_out()` draws from those for validation.

    Raises:
        ValueError: an option that can't be.
    """

    data: str
    """File to learn from: .npz, .npy, .jsonl, .csv or .parquet with sequences, or .txt."""
    _: KW_ONLY
    validation: str | None = None
    """File to evaluate on while training; null: a share of the data's."""
    test: str | None = None
    """File that training never looks at; null: a share of the data's."""
    validation_fraction: float | None = None
    """Share of the rows that is kept from training, for evaluation; 0: none, and the training rows are evaluated;
    null: 0.1, or 0 where there is a validation file."""
    test_fraction: float = 0.0
    """Share of the rows that is kept from training and from its evaluations."""
    contents: tuple[str, ...] | None = None
    """What the files held when a run learned from them, size and checksum of each, as it keeps it: other contents are
    refused; null: nobody looks."""

    def __post_init__(self) -> None:
        if self.contents is not None:
            found = () if isinstance(self.contents, str) else tuple(self.contents)
            if not found or not all(isinstance(each, str) for each in found):
                raise ValueError(f"contents must be a text for each file, as a run keeps them; got {self.contents!r}")
            object.__setattr__(self, "contents", found)
        for name, file in (("validation_fraction", self.validation), ("test_fraction", self.test)):
            fraction = getattr(self, name)
            if fraction is not None and not 0 <= fraction < 1:
                raise ValueError(f"{name} must be at least 0 and below 1; got {fraction!r}")
            if fraction and file is not None:
                raise ValueError(f"{name} has no effect with the file {file}; got {fraction!r}")
        if self.validation_share + self.test_fraction >= 1:
            raise ValueError(
                f"validation_fraction and test_fraction must be below 1 together; got {self.validation_share} and "
                f"{self.test_fraction}"
            )

    @property
    @abstractmethod
    def counts(self) -> tuple[int, int, int]:
        """The rows of the data, of the validation file and of the test file; the table has them in this order."""

    @abstractmethod
    def order(self) -> Int[Tensor, " rows"]:
        """The rows of the data in the order in which they go to validation, to the test and to training."""

    @abstractmethod
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

    def read_labels(self, path: str) -> list[tuple[str, list]] | None:
        """What a file calls each of its sequences, and each of their steps, in the order of `read_inputs`.

        Returns:
            None where it has no names for them. Raises DataError for a file that can't be used.
        """
        return None

    @property
    def predicts_next(self) -> bool:
        """Whether each step's target is the next step's input, so that a sequence can be gone on with."""
        return self.table.follows

    @property
    def validation_share(self) -> float:
        """What `validation_fraction` comes to."""
        if self.validation_fraction is not None:
            return self.validation_fraction
        return SHARE if self.validation is None else 0.0

    @property
    def source(self) -> str:
        """The file."""
        return self.data

    @property
    def paths(self) -> list[str]:
        """The files that there are."""
        return [path for path in (self.data, self.validation, self.test) if path is not None]

    @cached_property
    def stamps(self) -> list[Stamp | None]:
        """What the files were like before they were read."""
        return [stamp_of(path) for path in self.paths]

    @contextmanager
    def read_as_kept(self) -> Iterator[None]:
        """Around reading the files.

        Raises:
            DataError: one holds something else than `contents` says, or was written to meanwhile.
        """
        _ = self.stamps
        if self.contents is not None:
            if len(self.contents) != len(self.paths):
                raise DataError(f"contents must be one for each of {len(self.paths)} files; got {len(self.contents)}")
            for path, kept in zip(self.paths, self.contents, strict=True):
                check_contents(path, kept)
        yield
        self.check_steady()

    def check_steady(self) -> None:
        """Raise DataError where a file is not as it was before it was read."""
        for path, stamp in zip(self.paths, self.stamps, strict=True):
            if stamp_of(path) != stamp:
                raise DataError(f"{path} was rewritten since it was read; begin again when it is whole")

    def found_contents(self) -> tuple[str, ...]:
        """`contents`, of the files as they were read. Raises DataError where they have changed since."""
        if self.contents is not None:
            return self.contents
        found = tuple(contents_of(path) for path in self.paths)
        self.check_steady()
        return found

    def prepare(self) -> None:
        """Read the files."""
        assert self.table.lengths.numel() > 0

    @cached_property
    def rows(self) -> Int[Tensor, " rows"]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The rows that `sample` draws from, in the order of the file."""
        return self.parts["training"]

    @cached_property
    def parts(self) -> dict[str, Int[Tensor, " rows"]]:
        """The rows of the table for "training", for "validation" and for the "test"; the latter two may have none.

        Of a share there is at least one row where the file has enough.

        Raises:
            DataError: one with rows of which none has a scored step.
        """
        data, *others = self.counts
        counts: list[int] = []
        for share in (self.validation_share, self.test_fraction):
            left = data - 1 - sum(counts)
            counts.append(min(max(round(share * data), 1), left) if share > 0 and left > 0 else 0)
        validation, test, training = self.order().split([*counts, data - sum(counts)])
        start = data
        for number, count in enumerate(others):
            if count:
                chosen = torch.arange(start, start + count)
                validation, test = (chosen, test) if number == 0 else (validation, chosen)
            start += count
        parts = {"training": training, "validation": validation, "test": test}
        parts = {name: rows.sort().values for name, rows in parts.items()}
        for name, rows in parts.items():
            self.check_part(name, rows)
        return parts

    def check_part(self, name: str, rows: Int[Tensor, " rows"]) -> None:
        """Raise DataError where a part can't be used; every step is scored unless a kind of data has masks."""
        return

    @property
    def input_names(self) -> tuple[str, ...]:
        """The inputs by their numbers."""
        return tuple(f"input {i + 1}" for i in range(self.input_size))

    @property
    def output_names(self) -> tuple[str, ...]:
        """The outputs by their numbers."""
        return tuple(f"output {i + 1}" for i in range(self.output_size))

    def held_out(self) -> Self:
        """The rows kept from training, or the training rows where none are (one row, or validation_fraction 0)."""
        held = self.parts["validation"]
        return self.only(held if len(held) else self.parts["training"])

    def kept_rows(self, count: int) -> Tensor | None:
        """The rows for validation, or a random choice of so many; None where there are none."""
        rows = self.parts["validation"]
        if not len(rows):
            return None
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
        return rows[order[:count].sort().values]

    def settled(self) -> Self:
        """`resolved`, without a look at the files where nothing is left to find out."""
        return self

    def of_file(self, path: str) -> Self:
        """The task with all rows of another file, read as its own were."""
        alone = {"validation": None, "test": None, "validation_fraction": 0.0, "test_fraction": 0.0, "contents": None}
        return replace(self.settled(), data=path, **alone)
