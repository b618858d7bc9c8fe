"""Saving a model and finding it again: in a folder, in a run directory, with the package, on a hub.

A saved model is `model.safetensors` beside `config.json`: the format's number, the machine's name, the constructor's
arguments. Nothing in it is executed, and nothing is made before the sizes in both files are known to agree.
"""

import inspect
import json
import re
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_model
from torch import nn

from neuraltape.files import read_whole, write_atomically, written_whole

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
# What config.json says of itself.
FORMAT = 2
# Where the models that come with the package lie, one folder each.
PACKAGED = Path(__file__).parent.parent / "models"
# What only the download from a hub takes.
_OF_THE_HUB = ("revision", "cache_dir", "force_download", "local_files_only", "token")
# What a hub's page says of a model of which nobody said anything.
_CARD = """---
library_name: neuraltape
---

# {name}

```python
from neuraltape import {machine}

machine = {machine}.from_pretrained("{name}")
```
"""


class Pretrained(nn.Module):
    """`save_pretrained`, `push_to_hub` and `from_pretrained`; the hub's library is loaded when it is called for."""

    kind: ClassVar[str]
    """The name of the machine: of a class that says none, the class's own."""
    made_with: dict[str, Any]
    """The arguments that it was made with, and the defaults of the others, as far as JSON can hold them."""

    def __new__(cls, *args: Any, **options: Any) -> Self:
        """An instance that remembers its arguments; those that its `__init__` does not take are refused there."""
        made = super().__new__(cls)
        # Of a class of the user's own, some may have no name of their own.
        several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        parameters = [each for each in inspect.signature(cls.__init__).parameters.values() if each.kind not in several]
        values = {each.name: each.default for each in parameters if each.default is not each.empty}
        values |= dict(zip((each.name for each in parameters[1:]), args, strict=False)) | options
        # Copies: a list of the user's may be another one when the machine is saved.
        made.made_with = {name: deepcopy(value) for name, value in values.items() if _fits_json(value)}
        return made

    def save_pretrained(self, save_directory: str | Path) -> None:
        """Write the model into a folder, which is made if it is not there.

        Args:
            save_directory: the folder.

        Raises:
            OSError: the disk is full, say; it names the file, and a model that the folder held is as it was.
        """
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        with written_whole(folder / WEIGHTS) as beside:
            save_model(self, str(beside))
        # Where it lay and in what precision it was is not what it is.
        arguments = {name: self.made_with[name] for name in sorted(self.made_with) if name not in ("device", "dtype")}
        values = {"format": FORMAT, "machine": name_of(type(self)), **arguments}
        write_atomically(folder / CONFIG, (json.dumps(values, indent=2) + "\n").encode())

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str = "A machine of neuraltape",
        private: bool | None = None,
        token: str | None = None,
        branch: str | None = None,
        create_pr: bool = False,
    ) -> str:
        """Upload the model to a hub, with a card that names its machine where there is none there.

        Args:
            repo_id: "user/model", which is made if it is not there.
            commit_message: what its history says.
            private: whether a new one is hidden; None: as the user's settings have it.
            token: the user's; None: the one that huggingface-hub keeps.
            branch: where to; None: the main one.
            create_pr: whether to propose it instead.

        Returns:
            The address of the commit.
        """
        from huggingface_hub import HfApi

        api = HfApi(token=token)
        repo_id = api.create_repo(repo_id=repo_id, private=private, exist_ok=True).repo_id
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            if not api.file_exists(repo_id, CARD, revision=branch):
                (Path(folder) / CARD).write_text(_CARD.format(name=repo_id, machine=type(self).__name__))
            commit = api.upload_folder(
                repo_id=repo_id,
                folder_path=folder,
                commit_message=commit_message,
                revision=branch,
                create_pr=create_pr,
            )
        return str(commit)

    @classmethod
    def from_pretrained(cls, path_or_name: Any, *, map_location: str = "cpu", **options: Any) -> Self:
        """Load a model that `save_pretrained` or a training wrote.

        Args:
            path_or_name: a folder with `config.json` and `model.safetensors`; a run directory; the name of a model
                that comes with the package; or a hub's "user/model", which is downloaded.
            map_location: the device.
            options: what a download takes (`revision`, `token`, `cache_dir`, ...), and arguments of the constructor
                that replace the saved ones, such as `memory_slots`, or a controller of your own.

        Raises:
            FileNotFoundError: there is no such model.
            ValueError: its files are broken or of another format, or hold another machine.
        """
        for name in ("device", "dtype"):
            if name in options:
                raise ValueError(f"{name} can't be given: the file says in what precision, map_location says where")
        download = {name: options.pop(name) for name in _OF_THE_HUB if name in options}
        folder = fetch(path_or_name, **download)
        machine, saved = saved_arguments(folder)
        if machine != name_of(cls):
            its = _class_of(machine)
            hint = f"{its}.from_pretrained or load_machine" if its else "the from_pretrained of its own class"
            raise ValueError(f"{folder} does not hold a {cls.__name__}: it is a {machine}; use {hint}")
        arguments = {**saved, **options}
        cls._check_sizes(folder, arguments)
        try:
            tensors = load_file(folder / WEIGHTS, device=map_location)
        except (SafetensorError, OSError) as error:
            raise ValueError(f"{folder / WEIGHTS} cannot be read: {error}") from None
        model = cls(**arguments)
        # A model that was saved in float64 comes back in float64; half precision is for files, not for computing.
        dtype = next(iter(tensors.values())).dtype
        model.to(device=map_location, dtype=torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype)
        model.load_state_dict(tensors)
        return model.eval()

    @classmethod
    def _check_sizes(cls, folder: Path, arguments: dict[str, Any]) -> None:
        """Raise ValueError unless a model of these arguments has the tensors that the file's header lists."""
        # Something else of this name, such as a pipe, would be waited for.
        if not (folder / WEIGHTS).is_file():
            raise FileNotFoundError(f"{folder / WEIGHTS} is not there, or not a file")
        try:
            with safe_open(folder / WEIGHTS, "pt") as file:
                came = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise ValueError(f"{folder / WEIGHTS} cannot be read: {error}") from None
        # Each layer is a module, which takes time and room even where its tensors take none.
        layers = arguments.get("controller_layers", 1)
        if isinstance(layers, int) and layers > len(came):
            raise ValueError(
                f"{folder} does not hold this {cls.__name__}: a controller of {layers:.6g} layers has more than the "
                f"{len(came)} tensors of the file"
            )
        # On this device tensors have shapes and no numbers; no kernel runs there, so none is asked for.
        like = {**arguments, "backend": "auto"} if "backend" in arguments else arguments
        try:
            with torch.device("meta"):
                wanted = {name: tuple(each.shape) for name, each in cls(**like).state_dict().items()}
        except TypeError as error:
            raise ValueError(f"{folder / CONFIG} does not hold the arguments of a {cls.__name__}: {error}") from None
        for name in sorted(wanted.keys() | came.keys()):
            if came.get(name) != wanted.get(name):
                raise ValueError(
                    f"{folder} does not hold this {cls.__name__}: {name} must have shape "
                    f"{wanted.get(name, 'none: it is no part of it')}; the file has {came.get(name, 'none')}"
                )


def _fits_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def name_of(machine: type[Any]) -> str:
    """What files call machines of a class: its `kind`, or the class's own name where it says none itself."""
    return vars(machine).get("kind", machine.__name__)


def _class_of(name: str, base: type[Any] = Pretrained) -> str | None:
    """The class of a machine's name, if it is known here."""
    for each in base.__subclasses__():
        found = each.__name__ if vars(each).get("kind") == name else _class_of(name, each)
        if found:
            return found
    return None


def fetch(path_or_name: Any, **download: Any) -> Path:
    """The folder of a saved model, downloaded if it lies on a hub. Raises FileNotFoundError as `locate` does."""
    found = locate(path_or_name)
    if Path(found).is_dir():
        return Path(found)
    from huggingface_hub import hf_hub_download

    for file in (CONFIG, WEIGHTS):
        folder = Path(hf_hub_download(found, file, **download)).parent
    return folder


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


def saved_arguments(folder: str | Path) -> tuple[str, dict[str, Any]]:
    """The name of a saved machine, and the arguments that it was made with.

    Raises:
        ValueError: `config.json` is broken or of another format.
    """
    path = Path(folder) / CONFIG
    data = read_whole(path)
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold the arguments of a model; got {values!r:.60}")
    if "format" not in values:
        convert = f"python -m neuraltape.runs.convert {folder}"
        raise ValueError(f"{path} was written by an older version; convert it: {convert}")
    found = values.pop("format")
    if found != FORMAT:
        raise ValueError(f"{path} has format {found!r}; this version of neuraltape reads format {FORMAT}")
    machine = values.pop("machine", None)
    if not isinstance(machine, str):
        raise ValueError(f"{path} must name its machine; got {machine!r}")
    return machine, values


def packaged_names() -> list[str]:
    """The names of the models that come with the package."""
    return sorted(folder.parent.name for folder in PACKAGED.glob(f"*/{CONFIG}"))
