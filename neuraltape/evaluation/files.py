"""Writes what belongs to each step of some sequences: .npz, .jsonl or .csv."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuraltape.tasks.columns import SEQUENCE, STEP

SUFFIXES = (".npz", ".jsonl", ".csv")


def check_suffix(path: str | Path, suffixes: Sequence[str] = SUFFIXES) -> None:
    """Raise ValueError unless a file's name has one of these endings; those that `as_bytes` knows."""
    if Path(path).suffix not in suffixes:
        *others, last = suffixes
        listed = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(f"a file must end in {listed}; got {str(path)!r}")


def as_bytes(
    path: str | Path, sequences: Sequence[Mapping[str, NDArray]], labels: Sequence[tuple[str, Sequence]] | None = None
) -> bytes:
    """Sequences as a file with this name holds them.

    `.npz`: padded arrays (sequences, time, ...) and `lengths`. `.jsonl`: an object a sequence. `.csv`: a line a step,
    with `sequence` and `step`, as `labels` say or both from 1, and a column a feature. Arrays called `inputs` are what
    `neuraltape train --data` reads.

    Args:
        path: the file's name.
        sequences: at least one; each names the same arrays, (time,) or (time, features), equally long.
        labels: `.csv`: what each sequence is called, and each of its steps.

    Raises:
        ValueError: another ending, or labels where they don't apply.
    """
    check_suffix(path)
    suffix = Path(path).suffix
    if suffix == ".csv":
        return _csv(sequences, labels)
    if labels is not None:
        raise ValueError(f"labels are for .csv files; got {str(path)!r}")
    return (_npz if suffix == ".npz" else _jsonl)(sequences)


def _npz(sequences: Sequence[Mapping[str, NDArray]]) -> bytes:
    lengths = [len(next(iter(each.values()))) for each in sequences]
    arrays = {}
    for name, first in sequences[0].items():
        dtype = np.result_type(*(each[name].dtype for each in sequences))
        padded = np.zeros((len(sequences), max(lengths), *first.shape[1:]), dtype)
        for number, each in enumerate(sequences):
            padded[number, : lengths[number]] = each[name]
        arrays[name] = padded
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, lengths=np.array(lengths), **arrays)
    return file.getvalue()


def _jsonl(sequences: Sequence[Mapping[str, NDArray]]) -> bytes:
    lines = ({name: _plain(array) for name, array in each.items()} for each in sequences)
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def _csv(sequences: Sequence[Mapping[str, NDArray]], labels: Sequence[tuple[str, Sequence]] | None) -> bytes:
    names = [SEQUENCE, STEP]
    for name, array in sequences[0].items():
        names += [name] if array.ndim == 1 else [f"{name} {number + 1}" for number in range(array.shape[1])]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    for number, each in enumerate(sequences):
        parts = [array[:, None] if array.ndim == 1 else array for array in each.values()]
        name, steps = (number + 1, range(1, len(parts[0]) + 1)) if labels is None else labels[number]
        for step, *cells in zip(steps, *(_plain(part) for part in parts), strict=True):
            writer.writerow([name, step, *(cell for part in cells for cell in part)])
    return file.getvalue().encode()


def _plain(array: NDArray) -> list:
    """Nested lists of numbers; reals with the digits that a float32 has."""
    if array.dtype.kind != "f":
        return array.tolist()
    return [_plain(each) if array.ndim > 1 else float(f"{each:.7g}") for each in array]
