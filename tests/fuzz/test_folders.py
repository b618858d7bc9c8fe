"""Runs with broken, odd and lying files: commands say so in one line, the explorer lists them with a reason."""

import json
import os
import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from neuraltape.nn.pretrained import PACKAGED
from tests.data.archives import make_babi, make_omniglot
from tests.fuzz.conftest import SMALL, Try
from tests.fuzz.odd import LARGE, LONG, NUMBERS, VALUES, TooLongError, Watch, at_most, peak

ROOT = Path(__file__).parents[2]

FILES = (
    *("config.yaml", "metrics.jsonl", "model/config.json", "model/model.safetensors"),
    *("checkpoint/state.safetensors", "checkpoint/before.safetensors"),
)
ANY = (
    ("trace", "odd", "--output", "out/x.safetensors"),
    ("animate", "odd", "--output", "out/x.gif", "--length", "1"),
    ("resume", "odd"),
    ("resume", "odd", "--max-sequences", "96"),
    ("explore", "odd"),
    ("ask", "odd"),
    ("train", "--config", "runs/odd/config.yaml", "--run-dir", "runs/fresh"),
    ("sweep", "copy", "--config", "runs/odd/config.yaml", "--set", "seed_of=1"),
)
GIVEN = (
    ("evaluate", "odd", "--output", "out"),
    ("evaluate", "odd", "--output", "out", "--last"),
    ("plot", "odd", "--output", "out"),
    *(("predict", "odd", file, "--output", "out/x.csv") for file in ("good.jsonl", "good.txt", "good.npz")),
    ("generate", "odd", "--prompt", "good.jsonl", "--steps", "2", "--output", "out/x.npz"),
    ("generate", "odd", "--prompt", "to be", "--steps", "2"),
    ("generate", "odd", "--prompt", "to be", "--steps", "2", "--last"),
)
# Which commands a run can be given to.
CALLS = {
    "tiny": (
        *ANY,
        ("evaluate", "odd", "--lengths", "2", "--sequences", "2", "--output", "out"),
        ("plot", "odd", "--lengths", "2", "--sequences", "2", "--output", "out"),
        ("evaluate", "runs/odd/model", "--task", "copy", "--lengths", "2", "--sequences", "2", "--output", "out"),
        ("sweep", "copy", "--config", "runs/odd/config.yaml", "--set", "learning_rate=1e-3,2e-3"),
    ),
    **dict.fromkeys(("next", "classes", "text"), (*ANY, *GIVEN)),
}


def change(chance: Random, path: Path) -> str:
    """Break a file, and say how."""
    data = bytearray(path.read_bytes())
    kinds = ["more", "empty", "gone", "folder", "pipe", "loop", "deep", "text", "zeros"]
    # Of an empty file nothing can be changed.
    if data:
        kinds += ["bits", "cut"]
    if data and path.suffix in (".yaml", ".json"):
        kinds += ["value"] * 20
    if data and path.suffix == ".safetensors":
        kinds += ["header"] * 20
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
        case "header":
            return f"header {change_header(chance, path)}"
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


def change_header(chance: Random, path: Path) -> str:
    """Let the header of a safetensors file lie."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(data[8 : 8 + size])
    name = chance.choice([each for each in header if each != "__metadata__"])
    match chance.randrange(6):
        case 0:
            what = {"shape": chance.choice(([], [0], [1 << 60], [-1], [2, 2], "x", [1.5], [1 << 32, 1 << 32]))}
        case 1:
            what = {"dtype": chance.choice(("F64", "F16", "I64", "BOOL", "U8", "F8_E4M3", "X", 1, None))}
        case 2:
            what = {"data_offsets": chance.choice(([0, 0], [4, 0], [0, 1 << 60], [-4, 0], [0], "x", [0, 10**30]))}
        case 3:
            what = {}
            header[chance.choice(("more", "model.more", "", "x" * 3000))] = header.pop(name)
        case 4:
            what = {}
            header["__metadata__"] = {
                key: chance.choice((*map(json.dumps, NUMBERS), "null", "{}", "[" * 9999, '{"format": 3}', "x"))
                for key in header.get("__metadata__", {"neuraltape": ""})
            }
        case _:
            what = {}
            size = chance.choice((0, 1, size - 1, size + 1, 1 << 40, (1 << 64) - 1))
    if what:
        header[name] |= what
    text = json.dumps(header).encode()
    if chance.random() < 0.9 and size == int.from_bytes(data[:8], "little"):
        size_now = len(text)
    else:
        size_now = size
    path.write_bytes(size_now.to_bytes(8, "little") + text + data[8 + int.from_bytes(data[:8], "little") :])
    return f"{name} {what}"


def test_no_folder_hurts_a_command(here: Path, attempt: Try) -> None:
    watch = Watch("folders", 2000)
    odd = here / "runs" / "odd"
    for chance in watch.draws():
        for folder in (odd, here / "out", here / "runs" / "fresh"):
            shutil.rmtree(folder, ignore_errors=True)
        run = chance.choice(list(CALLS))
        shutil.copytree(here / "runs" / run, odd)
        files = [*FILES, *(str(path.relative_to(odd)) for path in odd.glob("snapshots/*"))]
        files = [name for name in files if (odd / name).is_file()]
        how = [f"{name}: {change(chance, odd / name)}" for name in chance.sample(files, chance.choice((1, 1, 1, 2)))]
        before = len(watch.found)
        attempt(watch, *chance.choice(CALLS[run]))
        watch.found[before:] = [f"{each} after {how} of {run}" for each in watch.found[before:]]
    watch.end()


def test_no_machine_that_is_asked_questions_hurts(here: Path, attempt: Try) -> None:
    watch = Watch("asked", 1000)
    odd = here / "odd"
    asked = PACKAGED / "questions" / "joint"
    for chance in watch.draws():
        shutil.rmtree(odd, ignore_errors=True)
        shutil.copytree(asked, odd)
        names = [path.name for path in odd.iterdir() if path.suffix in (".json", ".safetensors")]
        how = [f"{name}: {change(chance, odd / name)}" for name in chance.sample(names, chance.choice((1, 1, 1, 2)))]
        before = len(watch.found)
        attempt(watch, *chance.choice((("ask", "odd"), ("ask", "odd"), ("evaluate", "odd"), ("explore", "odd"))))
        watch.found[before:] = [f"{each} after {how}" for each in watch.found[before:]]
    watch.end()


def test_no_result_of_a_study_hurts(here: Path, attempt: Try) -> None:
    watch = Watch("results", 1000)
    results = ROOT / "results"
    for chance in watch.draws():
        shutil.rmtree(here / "odd", ignore_errors=True)
        (here / "odd" / "copy").mkdir(parents=True)
        # The last one is of something else than its place says.
        good, name = chance.choice(
            (
                (results / "copy" / "copy-dnc-seed-0.json", "copy/copy-dnc-seed-0.json"),
                (results / "copy" / "copy-dnc-seed-0.json", "learning_rate-0.001-seed-0.json"),
                *[(results / "questions" / "joint-seed-0.json", "joint-seed-0.json")] * 3,
                (results / "copy" / "copy-dnc-seed-0.json", "joint-seed-0.json"),
            )
        )
        path = here / "odd" / name
        shutil.copy(good, path)
        how = f"{name}: {change(chance, path) if chance.random() < 0.9 else ''}"
        calls = {
            "copy/copy-dnc-seed-0.json": (
                ("reproduce", "copy-dnc", "--report-only", "--results", "odd"),
                ("reproduce", "copy-dnc", "--seeds", "1", "--results", "odd", "--runs", "out"),
            ),
            "learning_rate-0.001-seed-0.json": (
                ("sweep", "copy", "--set", "learning_rate=1e-3,2e-3", "--output", "odd"),
                ("sweep", "copy", "--set", "learning_rate=1e-3,2e-3", "--output", "odd", "--overwrite"),
            ),
            "joint-seed-0.json": (
                ("questions", "joint", "--report-only", "--results", "odd"),
                ("questions", "joint", "--seeds", "1", "--results", "odd", "--runs", "out"),
            ),
        }[name]
        before = len(watch.found)
        attempt(watch, *chance.choice(calls))
        watch.found[before:] = [f"{each} after {how}" for each in watch.found[before:]]
        release(here / "odd")
    watch.end()


def test_no_archive_of_a_data_set_hurts(here: Path, attempt: Try) -> None:
    watch = Watch("archives", 500)
    folder = here / "archives"
    small = ("--run-dir", "runs/fresh", *SMALL)
    for chance in watch.draws():
        for each in (folder, here / "runs" / "fresh"):
            shutil.rmtree(each, ignore_errors=True)
        folder.mkdir()
        if chance.random() < 0.5:
            archive, train = make_babi(folder), ("train", "babi", "--tasks", "1", *small)
        else:
            archive, train = make_omniglot(folder), ("train", "omniglot", *small)
        how = change(chance, archive)
        before = len(watch.found)
        attempt(watch, *train, "--data-dir", chance.choice((folder, archive)).name)
        watch.found[before:] = [f"{each} after {how}" for each in watch.found[before:]]
        release(folder)
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
            run = chance.choice(("tiny", "next", "text"))
            shutil.copytree(here / "runs" / run, odd)
            name = chance.choice([*FILES[:4], *(str(path.relative_to(odd)) for path in odd.glob("snapshots/*"))])
            how, memory = f"{name} of {run}: {change(chance, odd / name)}", peak()
            drafts = ({"vectors": [[1.0] * 8]}, {"length": 2, "seed": 0}, {"vectors": [[0.0, 1.0]]})
            place = chance.choice(("run:odd", *(f"run:odd#{path.stem}" for path in odd.glob("snapshots/*"))))
            try:
                with at_most(LONG):
                    listed = client.get("/api/machines")
                    asked = {"machine": place, "draft": chance.choice(drafts)}
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
