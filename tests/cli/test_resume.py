from pathlib import Path

import pytest

from neuraltape.settings import Settings
from tests.cli.conftest import Call


def test_the_budget_can_be_extended(call: Call, tiny: Path) -> None:
    said = call("resume", "tiny", "--max-sequences", "96")
    assert said.code == 0, said.err
    assert "ended after 96 sequences" in said.out
    assert "wrote runs/tiny" in said.out
    assert Settings.load(tiny / "config.yaml").loop.max_sequences == 96


def test_a_run_that_has_ended_says_so_again(call: Call, tiny: Path) -> None:
    assert "ended after 64 sequences" in call("resume", str(tiny)).out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["tny"], "RUN must be a run's folder, or a name under runs/; got 'tny'; did you mean tiny?"),
        (["runs/tiny/model"], "RUN must be a run's folder"),
        (["tiny", "--max-sequences", "many"], "--max-sequences must be a whole number or null; got 'many'"),
        (["tiny", "--max-sequences", "0"], "--max-sequences must be at least 1; got 0"),
        ([], "RUN is missing"),
    ],
)
def test_bad_input_is_one_line(refuses: Call, tiny: Path, argv: list[str], message: str) -> None:
    assert message in refuses("resume", *argv).err


def test_a_broken_checkpoint_is_one_line(refuses: Call, tiny: Path) -> None:
    for name in ("state", "before"):
        (tiny / "checkpoint" / f"{name}.safetensors").write_bytes(b"broken")
    assert "state.safetensors" in refuses("resume", "tiny").err
