from pathlib import Path

from tests.cli.conftest import Call


def test_all_figures_are_drawn(call: Call, tiny: Path) -> None:
    said = call("plot", "tiny", "--sequences", "2", "--lengths", "2")
    assert said.code == 0, said.err
    names = [
        "learning",
        "focus",
        "writes",
        "memory",
        "gates",
        "order",
        "stages-write",
        "stages-read",
        "outputs",
        "lengths",
    ]
    assert said.out.splitlines() == [f"wrote runs/tiny/figures/{name}.png" for name in names]
    assert {path.name for path in (tiny / "figures").iterdir()} == {f"{name}.png" for name in names}


def test_the_length_must_be_possible(refuses: Call, tiny: Path) -> None:
    said = refuses("plot", "tiny", "--sequences", "2", "--lengths", "2", "--length", "0")
    assert "--length must be at least 1; got 0" in said.err
