"""Runs with broken, odd and lying files: commands say so in one line, the explorer lists them with a reason."""

import json
import os
import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from tests.fuzz.conftest import Try
from tests.fuzz.odd import LARGE, LONG, VALUES, TooLongError, Watch, at_most, peak

FILES = (
    *("config.yaml", "metrics.jsonl", "model/config.json", "model/model.safetensors"),
    *("checkpoint/state.safetensors", "checkpoint/before.safetensors"),
)
CALLS = (
    ("evaluate", "odd", "--lengths", "2", "--sequences", "2", "--output", "out"),
    ("trace", "odd", "--output", "out/x.safetensors", "--length", "1"),
    ("resume", "odd"),
    ("resume", "odd", "--max-sequences", "96"),
    ("plot", "odd", "--lengths", "2", "--sequences", "2", "--output", "out"),
    ("evaluate", "runs/odd/model", "--task", "copy", "--lengths", "2", "--sequences", "2", "--output", "out"),
)


def change(chance: Random, path: Path) -> str:
    """Break a file, and say how."""
    data = bytearray(path.read_bytes())
    kinds = ["bits", "cut", "more", "empty", "gone", "folder", "pipe", "loop", "deep", "text", "zeros"]
    if path.suffix in (".yaml", ".json"):
        kinds += ["value"] * 20
    kind = chance.choice(kinds)
    match kind:
        case "bits":
            for _ in range(chance.choice((1, 1, 8))):
                data[chance.randrange(min(len(data), chance.choice((16, 600, 10**9))))] ^= 1 << chance.randrange(8)
        case "cut":
            del data[chance.randrange(len(data)) :]
        case "more":
            data += bytes(chance.randrange(256) for _ in range(100))
        case "empty":
            data.clear()
        case "deep":
            data = bytearray(b"[" * 100_000)
        case "text":
            data = bytearray(
                chance.choice((b"hello\n", b"\xff\xfe\x00", b"null\n", b"- 1\n", b'{"a": 1}\n', b"&a [*a]\n"))
            )
        case "zeros":
            # A file that claims to be large and takes no room.
            path.unlink()
            with path.open("wb") as file:
                file.truncate(chance.choice((8, 1 << 33)))
            return kind
        case "value":
            return f"value {change_value(chance, path)}"
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path.name)
        case "gone":
            pass
        case _:
            path.write_bytes(data)
    return kind


def release(folder: Path) -> None:
    """Let go who waits for a pipe."""
    for path in folder.rglob("*"):
        if path.is_fifo():
            os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))


def change_value(chance: Random, path: Path) -> str:
    """Put an odd value somewhere into a YAML or JSON file."""
    text = path.read_text()
    values: Any = yaml.safe_load(text) if path.suffix == ".yaml" else json.loads(text)
    place = values
    inner = [each for each in place.values() if isinstance(each, dict)]
    if inner and chance.random() < 0.9:
        place = chance.choice(inner)
    name, value = chance.choice([*place, "more"]), chance.choice(VALUES)
    place[name] = value
    dump = yaml.safe_dump(values, allow_unicode=True) if path.suffix == ".yaml" else json.dumps(values)
    path.write_bytes(dump.encode("utf-8", "surrogatepass"))
    return f"{name}={value!r:.40}"


def test_no_folder_hurts_a_command(here: Path, attempt: Try) -> None:
    watch = Watch("folders", 1000)
    odd = here / "runs" / "odd"
    for chance in watch.draws():
        shutil.rmtree(odd, ignore_errors=True)
        shutil.rmtree(here / "out", ignore_errors=True)
        shutil.copytree(here / "runs" / "tiny", odd)
        how = [f"{name}: {change(chance, odd / name)}" for name in chance.sample(FILES, chance.choice((1, 1, 1, 2)))]
        before = len(watch.found)
        attempt(watch, *chance.choice(CALLS))
        watch.found[before:] = [f"{each} after {how}" for each in watch.found[before:]]
    watch.end()


def test_no_folder_hurts_the_list_of_runs(here: Path) -> None:
    pytest.importorskip("fastapi", reason="the extra 'explorer' is not installed")
    from fastapi.testclient import TestClient

    from neuraltape.explorer import create_app

    watch = Watch("listing", 400)
    odd = here / "runs" / "odd"
    app = create_app(runs=[here / "runs"])
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        for chance in watch.draws():
            shutil.rmtree(odd, ignore_errors=True)
            shutil.copytree(here / "runs" / "tiny", odd)
            name = chance.choice(FILES[:4])
            how, memory = f"{name}: {change(chance, odd / name)}", peak()
            try:
                with at_most(LONG):
                    listed = client.get("/api/machines")
                    asked = {"machine": "run:odd", "draft": {"vectors": [[1.0] * 8]}}
                    answered = client.post("/api/run", json=asked)
            except TooLongError:
                watch.note("it hangs", how)
                release(odd)
                continue
            names = {each["id"] for each in listed.json()["machines"]} if listed.status_code == 200 else set()
            if "run:tiny" not in names:
                watch.note(f"the others are not listed: {listed.status_code}", how)
            if answered.status_code >= 500:
                watch.note(f"status {answered.status_code}", how)
            if peak() - memory > LARGE:
                watch.note(f"it took {(peak() - memory) >> 20} MiB more", how)
    watch.end()
