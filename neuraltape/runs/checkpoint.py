"""One file that holds everything a training needs to go on exactly where it was, and the one before it. Knows no loop.

It is a safetensors file; the values that are not tensors stand as JSON in its header, beside a checksum of the whole
file. Nothing in it can be executed.
"""

import json
import os
import warnings
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from neuraltape.files import write_atomically
from neuraltape.printed import record_repr
from neuraltape.runs.directory import RunDirectory

FORMAT = 4
KEY, CHECKSUM = "neuraltape", "checksum"
# Bytes of the checksum. While it is computed, zeros stand in its place.
_BYTES = 32
_BLANK = "0" * (2 * _BYTES)
# The file is read in parts of so many bytes; no header is longer than that many.
_PART, _HEADER_AT_MOST = 1 << 20, 100_000_000


class BrokenCheckpointError(ValueError):
    """The file is not what was written."""


class Checkpoint(NamedTuple):
    """The state of a training between two steps."""

    tensors: dict[str, Tensor]
    """Weights, optimiser state, averages and random states, each under a name with its part first ("model.")."""
    values: dict[str, Any]
    """Everything else, as JSON holds it."""

    __repr__ = record_repr

    def part(self, name: str) -> dict[str, Tensor]:
        """The tensors of one part, without its name."""
        start = f"{name}."
        return {key[len(start) :]: tensor for key, tensor in self.tensors.items() if key.startswith(start)}


def save_checkpoint(path: Path, checkpoint: Checkpoint, *, before: Path | None = None) -> None:
    """Write it, whole or not at all; it is on the disk when this returns.

    Args:
        path: the file.
        checkpoint: what it will hold.
        before: where the checkpoint goes that is there now.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    header = json.dumps({"format": FORMAT, **checkpoint.values})
    data = bytearray(save(tensors, {KEY: header, CHECKSUM: _BLANK}))
    # As text of the header's values is escaped, this stands there once.
    place = data.index(f'"{CHECKSUM}":"{_BLANK}"'.encode()) + len(f'"{CHECKSUM}":"')
    data[place : place + len(_BLANK)] = blake2b(data, digest_size=_BYTES).hexdigest().encode()
    write_atomically(path, data, before=before)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU.

    Raises:
        FileNotFoundError: there is none.
        BrokenCheckpointError: the file is not what was written.
        ValueError: it is of another format.
    """
    if not os.path.lexists(path):
        raise FileNotFoundError(f"no checkpoint at {path}")
    if not path.is_file():
        raise BrokenCheckpointError(f"{path} is broken: it is not a file")
    try:
        values, right = _read_header(path)
        if not isinstance(values, dict) or right is False:
            raise BrokenCheckpointError(f"{path} is broken: its checksum is not that of what it holds")
        if values.pop("format", None) != FORMAT:
            raise ValueError(
                f"{path} is a checkpoint of another version of neuraltape; convert what an older one wrote with: "
                "python -m neuraltape.runs.convert PATH"
            )
        if right is None:
            raise BrokenCheckpointError(f"{path} is broken: it has no checksum")
        with safe_open(path, "pt") as file:
            # They are copied: what comes from the file lies in it, and would change with it.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (no dictionary)
    except (SafetensorError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenCheckpointError(f"{path} is not a checkpoint of neuraltape, or broken: {error}") from error
    return Checkpoint(tensors, values)


def load_last_checkpoint(directory: RunDirectory) -> tuple[Path, Checkpoint] | None:
    """A run's checkpoint and its file; where that is broken, the one before it, and a warning that says so.

    Returns:
        None where the run has made none yet.

    Raises:
        BrokenCheckpointError: no file is whole.
        ValueError: the file is of another format.
    """
    errors: list[Exception] = []
    for path in (directory.checkpoint, directory.before):
        try:
            checkpoint = load_checkpoint(path)
        except FileNotFoundError:
            continue
        except (BrokenCheckpointError, OSError) as error:
            errors.append(error)
            continue
        if errors:
            warnings.warn(f"{errors[0]}; going on from the one before it, {path}", stacklevel=2)
        return path, checkpoint
    if errors:
        raise BrokenCheckpointError(f"{errors[0]}; there is no other one to go on from, so train anew") from errors[0]
    return None


def _read_header(path: Path) -> tuple[Any, bool | None]:
    """The values in a file's header, and whether its checksum is right; None: it has none."""
    with path.open("rb") as file:
        start = file.read(8)
        header = file.read(min(int.from_bytes(start, "little"), _HEADER_AT_MOST))
        try:
            about = json.loads(header)["__metadata__"]
            values = json.loads(about[KEY])
        except ValueError as error:
            raise BrokenCheckpointError(f"{path} is not a checkpoint of neuraltape, or broken: {error}") from error
        if CHECKSUM not in about:
            return values, None
        said = about[CHECKSUM]
        digest = blake2b(start + header.replace(said.encode(), _BLANK.encode(), 1), digest_size=_BYTES)
        while part := file.read(_PART):
            digest.update(part)
    return values, digest.hexdigest() == said


def named(part: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under names with their part first."""
    return {f"{part}.{name}": tensor for name, tensor in tensors.items()}
