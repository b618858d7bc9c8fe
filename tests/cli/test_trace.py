from pathlib import Path

import pytest

from neuraltape import Trace
from tests.cli.conftest import Call


def test_a_trace_is_written(call: Call, tiny: Path) -> None:
    said = call("trace", "tiny", "--output", "new/trace.safetensors", "--length", "4", "--sequences", "2")
    assert (said.code, said.out) == (0, "wrote new/trace.safetensors\n")
    trace = Trace.load("new/trace.safetensors")
    assert trace.memory is not None
    assert trace.memory.shape == (9, 2, 16, 8)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["tiny"], "--output is missing"),
        (["tiny", "--output", "x.npz"], "--output must be a file that ends in .safetensors; got 'x.npz'"),
        (["tiny", "--output", "x.safetensors", "--length", "0"], "must be positive integers; got 0"),
        (["none", "--output", "x.safetensors"], "got 'none'"),
    ],
)
def test_bad_input_is_one_line(refuses: Call, tiny: Path, argv: list[str], message: str) -> None:
    assert message in refuses("trace", *argv).err
    assert not Path("x.safetensors").exists()
