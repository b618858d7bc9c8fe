import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

from neuraltape.plotting import plot_focus, save_figure
from tests.plotting.traces import small_trace


@pytest.mark.parametrize(
    ("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")]
)
def test_the_files_ending_says_its_kind(tmp_path: Path, suffix: str, magic: bytes) -> None:
    path = save_figure(plot_focus(small_trace()), tmp_path / "new" / f"focus{suffix}")
    assert path == tmp_path / "new" / f"focus{suffix}"
    assert path.read_bytes().startswith(magic)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_figure_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    first, second = (save_figure(plot_focus(small_trace()), tmp_path / f"{name}{suffix}") for name in "ab")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", ["focus.gif", "focus", "png"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"must end in \.png, \.svg, \.pdf; got '" + name):
        save_figure(plot_focus(small_trace()), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_matplotlibs_settings_stay_as_they_are(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    save_figure(plot_focus(small_trace()), tmp_path / "focus.pdf")
    assert dict(matplotlib.rcParams) == before


def test_pyplot_is_never_imported() -> None:
    program = "import sys, neuraltape.plotting; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
