"""One file that holds everything a training needs to go on exactly where it was. Knows no loop.

It is a safetensors file; the values that are not tensors stand as JSON in its header. Nothing in it can be executed.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from neuraltape.runs.files import write_atomically

FORMAT = 2
KEY = "neuraltape"


class Checkpoint(NamedTuple):
    """The state of a training between two steps."""

    tensors: dict[str, Tensor]
    """Weights, optimiser state, averages and random states, each under a name with its part first ("model.")."""
    values: dict[str, Any]
    """Everything else, as JSON holds it."""

    def part(self, name: str) -> dict[str, Tensor]:
        """The tensors of one part, without its name."""
        start = f"{name}."
        return {key[len(start) :]: tensor for key, tensor in self.tensors.items() if key.startswith(start)}


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write it, whole or not at all; it is on the disk when this returns."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    header = json.dumps({"format": FORMAT, **checkpoint.values})
    write_atomically(path, save(tensors, {KEY: header}))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU.

    Raises:
        FileNotFoundError: there is none.
        ValueError: the file is broken, or of another format.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}")
    try:
        with safe_open(path, "pt") as file:
            values = json.loads((file.metadata() or {})[KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dictionary)
    except (SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not a checkpoint of neuraltape, or broken: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} is not a checkpoint of neuraltape, or broken: its header must be a mapping")
    if values.pop("format", None) != FORMAT:
        raise ValueError(
            f"{path} is a checkpoint of another version of neuraltape; convert what an older one wrote with: "
            "python -m neuraltape.runs.convert PATH"
        )
    return Checkpoint(tensors, values)


def named(part: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under names with their part first."""
    return {f"{part}.{name}": tensor for name, tensor in tensors.items()}
