"""Saving a model and finding it again: in a folder, in a run directory, with the package, on a hub.

A saved model is `model.safetensors` beside `config.json`, the constructor's arguments. Nothing in it is executed.
"""

import json
import re
from pathlib import Path
from typing import Any, Self

import torch
from huggingface_hub import PyTorchModelHubMixin
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

CONFIG, WEIGHTS = "config.json", "model.safetensors"
# Where the models that come with the package lie, one folder each.
PACKAGED = Path(__file__).parent.parent / "models"


class Pretrained(nn.Module, PyTorchModelHubMixin):
    """`save_pretrained`, `push_to_hub` and `from_pretrained`, through huggingface-hub."""

    @classmethod
    def from_pretrained(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls, path_or_name: Any, **options: Any
    ) -> Self:
        """Load a model that `save_pretrained` or a training wrote.

        Args:
            path_or_name: a folder with `config.json` and `model.safetensors`; a run directory; the name of a model
                that comes with the package; or a hub's "user/model", which is downloaded.
            options: what huggingface-hub takes (`revision`, `token`, `cache_dir`, ...), and arguments of the
                constructor that replace the saved ones, such as `memory_slots`, or a controller of your own.

        Raises:
            FileNotFoundError: there is no such model.
            ValueError: its files are broken, or hold another kind of model.
        """
        found = locate(path_or_name)
        if Path(found).is_dir():
            saved_arguments(found)
        return super().from_pretrained(found, **options)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, map_location: str = "cpu", **options: Any) -> Self:
        hub = ("revision", "cache_dir", "force_download", "local_files_only", "token")
        hub_options = {name: options.pop(name) for name in hub if name in options}
        path = Path(model_id)
        if not path.is_dir():
            return super()._from_pretrained(
                model_id=model_id, map_location=map_location, strict=True, **hub_options, **options
            )
        try:
            tensors = load_file(path / WEIGHTS, device=map_location)
        except (SafetensorError, OSError) as error:
            raise ValueError(f"{path / WEIGHTS} cannot be read: {error}") from None
        model = cls(**options)
        # A model that was saved in float64 comes back in float64; half precision is for files, not for computing.
        dtype = next(iter(tensors.values())).dtype
        model.to(device=map_location, dtype=torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype)
        try:
            model.load_state_dict(tensors)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"{path} does not hold this {cls.__name__}: {reason}") from None
        return model.eval()


def locate(path_or_name: Any) -> str:
    """The folder of a saved model, or a hub's "user/model".

    Raises:
        FileNotFoundError: neither is there.
    """
    path = Path(path_or_name)
    for folder in (path, path / "model", PACKAGED / path.name if path.name == str(path_or_name) else path):
        if (folder / CONFIG).is_file():
            return str(folder)
    if isinstance(path_or_name, str) and not path.exists() and re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", path_or_name):
        return path_or_name
    names = packaged_names()
    known = f"; models that come with the package: {', '.join(names)}" if names else ""
    raise FileNotFoundError(f"no model at {path_or_name}: there is no {CONFIG} in it or in its model/{known}")


def saved_arguments(folder: str | Path) -> dict[str, Any]:
    """The arguments that a saved model was made with. Raises ValueError unless its file holds some."""
    path = Path(folder) / CONFIG
    try:
        arguments = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(arguments, dict):
        raise ValueError(f"{path} must hold the arguments of a model; got {arguments!r:.60}")
    return arguments


def packaged_names() -> list[str]:
    """The names of the models that come with the package."""
    return sorted(folder.parent.name for folder in PACKAGED.glob(f"*/{CONFIG}"))
