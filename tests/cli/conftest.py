"""A tiny run that all commands can be tried on, and a way to call the program and see what it said."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from matplotlib.figure import Figure

from neuraltape.cli.main import main

TINY = [
    *("--max-length", "3", "--hidden_size", "16", "--memory-slots=16", "--memory_width=8"),
    *("--max-sequences", "64", "--batch_size", "16", "--evaluate-every", "32", "--report-every", "32"),
    *("--evaluate-sequences", "8"),
]


class Said(NamedTuple):
    """The outcome of one call."""

    code: int
    out: str
    err: str


Call = Callable[..., Said]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(here: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call the program in this process."""

    def run(*argv: str) -> Said:
        capsys.readouterr()
        code = main(argv)
        return Said(code, *capsys.readouterr())

    return run


@pytest.fixture
def refuses(call: Call) -> Call:
    """Call the program with something that it has to refuse, in one line and with exit code 2."""

    def run(*argv: str) -> Said:
        said = call(*argv)
        assert said.code == 2, said
        assert said.err.count("\n") == 1, said.err
        assert said.err.startswith("neuraltape: ")
        assert "Traceback" not in said.err + said.out
        return said

    return run


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made but not drawn, which takes most of a second each."""

    def touch(figure: Figure, path: Path, *, untouched: bool = False) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    monkeypatch.setattr("neuraltape.plotting.save_figure", touch)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of copy, trained for a moment."""
    path = tmp_path_factory.mktemp("cli") / "tiny"
    assert main(["train", "copy", *TINY, "--run-dir", str(path)]) == 0
    return path


@pytest.fixture
def tiny(trained: Path, here: Path) -> Path:
    """A copy of that run under runs/."""
    return Path(shutil.copytree(trained, here / "runs" / "tiny"))
