"""Whatever is written and does not fit: one error that names the file, and what was there stays.

A limit on the size of files stands for a full disk: every write beyond it fails, of Python, PyTorch and PIL alike.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure

from neuraltape import NTM
from neuraltape.cli.main import main
from neuraltape.data.files import Files
from neuraltape.data.folder import unpack
from neuraltape.evaluation.report import LengthScore, Report
from neuraltape.plotting import save_figure
from neuraltape.plotting.animate import animate
from neuraltape.runs.metrics import MetricsFile
from neuraltape.training import Interrupted, resume, start, train
from tests.cli.conftest import TINY
from tests.training.small import NTM as SMALL
from tests.training.small import StopAt, assert_same_end, files_of, small

if sys.platform == "win32":
    pytest.skip("Windows has no limit on the size of files", allow_module_level=True)
import resource


@contextmanager
def nothing_beyond(size: int) -> Iterator[None]:
    """No file becomes larger than so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def machine() -> NTM:
    return NTM(3, 8, 2, memory_slots=5, memory_width=4)


def picture() -> Figure:
    figure = Figure()
    figure.add_subplot().plot([0, 1], [1, 0])
    return figure


def report() -> Report:
    row = LengthScore(3, 1, 0.5, 0.1, 0.0, 1.0, 0.9, None)
    return Report("copy", "copy", "steps", "bits", (1, 3), None, 0, (row,) * 50)


WRITERS: dict[str, Callable[[Path], object]] = {
    "model.safetensors": lambda path: machine().save_pretrained(path.parent),
    "trace.safetensors": lambda path: machine().trace(torch.zeros(3, 2, 3)).save(path),
    "figure.png": lambda path: save_figure(picture(), path),
    "figure.svg": lambda path: save_figure(picture(), path),
    "figure.pdf": lambda path: save_figure(picture(), path),
    "tape.gif": lambda path: animate(machine().trace(torch.zeros(2, 1, 3)), path),
    "report.json": lambda path: report().save(path),
    "config.yaml": lambda path: small().save(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_what_does_not_fit_is_named_and_what_was_there_stays(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    before = files_of(tmp_path)
    for size in (0, 500):
        with nothing_beyond(size), pytest.raises(OSError, match="File too large") as error:
            WRITERS[name](path)
        assert error.value.filename == str(path)
        assert files_of(tmp_path) == before
    WRITERS[name](path)


def test_metrics_that_do_not_fit_are_named(tmp_path: Path) -> None:
    file = MetricsFile(tmp_path / "metrics.jsonl", 0)
    with nothing_beyond(20), pytest.raises(OSError, match="File too large") as error:
        file.append({"step": 1, "kind": "training", "sequences": 4})
    file.close()
    assert error.value.filename == str(tmp_path / "metrics.jsonl")


def test_unpacked_data_that_does_not_fit_is_named_and_leaves_no_folder(tmp_path: Path) -> None:
    files = Files(tmp_path / "x.zip", ("small", "inner/large"), lambda name: bytes(900 if "large" in name else 9))
    with nothing_beyond(500), pytest.raises(OSError, match="File too large") as error:
        unpack(files, tmp_path / "place")
    assert error.value.filename == str(tmp_path / "place" / "inner" / "large")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [200, 4000, 9000])
def test_a_training_that_meets_a_full_disk_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    settings = small(max_sequences=60, checkpoint_every=0.0, report_every=4, model=SMALL)
    train(settings, run_dir=tmp_path / "whole", progress=False)
    run = tmp_path / "run"
    monkeypatch.setattr(start, "make_progress", lambda *a, **k: StopAt(5))
    with pytest.raises(Interrupted):
        train(settings, run_dir=run)
    before = files_of(run)
    # The metrics, the model, the checkpoint.
    sizes = {each.name: len(data) for each, data in before.items()}
    assert 200 < sizes["metrics.jsonl"] < sizes["model.safetensors"] < sizes["state.safetensors"]
    with nothing_beyond(size), pytest.raises(OSError, match="File too large") as error:
        resume(run)
    assert str(run) in str(error.value.filename)
    kept = files_of(run)
    for name in ("model/model.safetensors", "checkpoint/state.safetensors"):
        assert kept[run / name] == before[run / name]
    assert not [path for path in kept if ".new" in path.name]
    monkeypatch.undo()
    resume(run, progress=False)
    assert_same_end(tmp_path / "whole", run)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("full") / "tiny"
    assert main(["train", "copy", *TINY, "--run-dir", str(path)]) == 0
    return path


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["trace", "RUN", "--output", "OUT/x.safetensors"], "OUT/x.safetensors"),
        (["animate", "RUN", "--output", "OUT/x.gif"], "OUT/x.gif"),
        (["evaluate", "RUN", "--lengths", "1", "--output", "OUT"], "OUT/evaluation.json"),
        (["plot", "RUN", "--lengths", "1", "--output", "OUT"], "OUT/learning.png"),
        (["train", "copy", *TINY, "--run-dir", "OUT/run"], "OUT/run/config.yaml"),
    ],
    ids=lambda argv: argv[0] if isinstance(argv, list) else "",
)
def test_a_command_says_in_one_line_what_did_not_fit(
    tmp_path: Path, tiny: Path, argv: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word.replace("RUN", str(tiny)).replace("OUT", str(tmp_path)) for word in argv]
    capsys.readouterr()
    with nothing_beyond(300):
        code = main(words)
    said = capsys.readouterr().err
    assert (code, said) == (2, f"neuraltape: {named.replace('OUT', str(tmp_path))}: File too large\n")
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"]
