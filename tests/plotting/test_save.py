import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import neuraltape.plotting
from neuraltape.plotting import save_figure
from neuraltape.plotting.layout import new_figure
from neuraltape.plotting.style import heat_map, prepare


def small_figure() -> Figure:
    figure = new_figure(1, 1)
    heat_map(prepare(figure.add_axes((0.2, 0.2, 0.6, 0.6)), title="title"), np.eye(3), scale="unit")
    return figure


@pytest.mark.parametrize(
    ("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")]
)
def test_the_files_ending_says_its_kind(tmp_path: Path, suffix: str, magic: bytes) -> None:
    path = save_figure(small_figure(), tmp_path / "new" / f"focus{suffix}")
    assert path == tmp_path / "new" / f"focus{suffix}"
    assert path.read_bytes().startswith(magic)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_figure_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    first, second = (save_figure(small_figure(), tmp_path / f"{name}{suffix}") for name in "ab")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", ["focus.gif", "focus", "png"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"must end in \.png, \.svg, \.pdf; got '" + name):
        save_figure(small_figure(), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_matplotlibs_settings_stay_as_they_are(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    save_figure(small_figure(), tmp_path / "focus.pdf")
    assert dict(matplotlib.rcParams) == before


def test_pyplot_is_never_imported() -> None:
    # It would give the program a global list of figures, and a window system where there is one.
    sources = sorted(Path(neuraltape.plotting.__path__[0]).glob("*.py"))
    assert len(sources) > 5
    assert not [
        path.name for path in sources if re.search(r"import.*pyplot|matplotlib.pyplot", path.read_text("utf-8"))
    ]
