"""The page as a folder of files that any web server can serve: no Python, no network. Knows no web.

Machines that the page computes by itself come with their weights; others with runs of them that are ready.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import torch

from neuraltape.explorer import page
from neuraltape.explorer.answer import run
from neuraltape.explorer.journey import about_journeys
from neuraltape.explorer.loading import Machine, MachineError
from neuraltape.explorer.machines import Entry, Machines
from neuraltape.explorer.requests import RunRequest
from neuraltape.explorer.story import examples
from neuraltape.nn.pretrained import WEIGHTS

# The kind of machine that the page's engine computes.
COMPUTED = "ntm"
# Episodes that are drawn of a machine that takes them.
EPISODES = 2
DATA, LIST = "data", "machines.json"


class Exported(NamedTuple):
    """What an export wrote."""

    machines: list[str]
    """The names of the machines that it shows."""
    left_out: dict[str, str]
    """The names of those that it does not, and why."""
    size: int
    """Bytes of all files."""


def export(
    folder: str | Path,
    *,
    runs: Sequence[str | Path] = (),
    models: Mapping[str, str | Path] | None = None,
    chosen: str | None = None,
    data_dir: str | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write the page with these machines into a folder, whole or not at all.

    Args:
        folder: where to; its parents are made.
        runs, models, chosen, data_dir: see `create_app`.
        overwrite: replace an earlier export. Nothing else is ever replaced.

    Raises:
        ValueError: the folder holds something else; or there is no machine that can be shown.
        OSError: the disk is full, say; what the folder held is as it was.
    """
    folder = Path(folder)
    check_folder(folder, overwrite=overwrite)
    machines = Machines(
        [Path(each) for each in runs], {name: Path(at) for name, at in (models or {}).items()}, data_dir
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside it, so that it can be moved there in one go.
    new, old = (folder.parent / f".{folder.name}.{kind}-{uuid4().hex[:8]}" for kind in ("new", "old"))
    try:
        told, left_out = _machines(machines, new)
        if not told:
            reasons = "; ".join(f"{name}: {why}" for name, why in left_out.items())
            raise ValueError(f"there is no machine that can be shown{f' ({reasons})' if reasons else ''}")
        listed = {"machines": told, "chosen": chosen, "figure": False, "training": None}
        (new / DATA / LIST).write_text(json.dumps(listed, allow_nan=False), encoding="utf-8")
        for name, data in page.files().items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(data)
        size = sum(each.stat().st_size for each in new.rglob("*") if each.is_file())
        # Somebody may have put something there in the meantime.
        check_folder(folder, overwrite=overwrite)
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        for each in (new, old):
            shutil.rmtree(each, ignore_errors=True)
    return Exported([each["name"] for each in told], left_out, size)


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Raise ValueError unless an export may go there."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, not a folder for an export")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not ((folder / DATA / LIST).is_file() and (folder / "index.html").is_file()):
        raise ValueError(f"{folder} holds files that are no export; choose an empty or a new folder")
    if not overwrite:
        raise ValueError(f"{folder} holds an export already; --overwrite replaces it")


def _machines(machines: Machines, new: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """What the list says of each machine, their files written; and of those that are left out, why."""
    (new / DATA).mkdir(parents=True)
    told, left_out = [], {}
    for number, entry in enumerate(machines.entries()):
        about = machines.describe(entry)
        if about["problem"] is not None:
            left_out[entry.name] = about["problem"]
            continue
        try:
            about |= _files(machines.get(entry.id), entry, new, f"{DATA}/{number}")
        except (MachineError, ValueError) as error:
            left_out[entry.name] = str(error)
            continue
        told.append(about | {"snapshots": []})
    return told, left_out


def _files(machine: Machine, entry: Entry, new: Path, place: str) -> dict[str, Any]:
    """Where a machine's weights are, or its ready runs: written there."""
    if machine.form == "vectors" and machine.config.get("machine") == COMPUTED:
        shutil.copyfile(entry.model / WEIGHTS, new / f"{place}.safetensors")
        learning = []
        for sequences, path in entry.learnt().items():
            shutil.copyfile(path, new / f"{place}-{sequences}.safetensors")
            learning.append(
                {"id": f"{entry.id}#{sequences}", "sequences": sequences, "weights": f"{place}-{sequences}.safetensors"}
            )
        return {"weights": f"{place}.safetensors", "ready": None, "learning": learning}
    ready = []
    for number, draft in enumerate(_drafts(machine)):
        request = RunRequest.model_validate({"machine": machine.id, "draft": draft})
        (new / f"{place}-{number}.trace").write_bytes(run(machine, request).packed())
        ready.append({"draft": draft, "file": f"{place}-{number}.trace"})
    if not ready:
        raise MachineError("no run of it could be made ready")
    return {"weights": None, "ready": ready, "learning": []}


def _drafts(machine: Machine) -> Iterator[dict[str, Any]]:
    """What a machine is run on beforehand."""
    task = machine.task
    if machine.answerer is not None:
        yield from examples(machine.answerer.vocabulary)
    elif task is None:
        generator = torch.Generator().manual_seed(0)
        yield {"vectors": torch.randint(2, (12, machine.model.input_size), generator=generator).tolist()}
    elif (journeys := about_journeys(task)) is not None:
        yield {"journey": journeys["examples"][0], "map": journeys["maps"][0], "seed": 0}
    elif task.drawing is None:
        for seed in range(EPISODES):
            yield {"length": task.shortest, "seed": seed}
    else:
        draft = task.draw(machine.length, torch.Generator().manual_seed(0))
        columns = {name: list(column) for name, column in draft.columns.items()}
        yield {"vectors": draft.vectors.tolist(), "columns": columns, "numbers": dict(draft.numbers)}
