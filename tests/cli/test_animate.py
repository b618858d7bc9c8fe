"""`neuraltape animate`."""

import pytest
import torch
from PIL import Image

from neuraltape import NTM
from neuraltape.cli.main import main


@pytest.fixture
def machine(tmp_path):
    torch.manual_seed(0)
    NTM(9, 8, 8, memory_slots=6, memory_width=4).save_pretrained(tmp_path / "machine")
    return tmp_path / "machine"


def test_it_writes_a_gif_and_says_where(machine, tmp_path, capsys):
    output = tmp_path / "tape.gif"
    assert main(["animate", str(machine), "--task", "copy", "--length", "1", "--output", str(output)]) == 0
    assert capsys.readouterr().out == f"wrote {output}\n"
    with Image.open(output) as image:
        assert image.n_frames == 3  # pyright: ignore[reportAttributeAccessIssue]


def test_another_ending_is_refused(machine, capsys):
    assert main(["animate", str(machine), "--task", "copy", "--output", "tape.png"]) == 2
    assert "--output must be a file that ends in .gif or .mp4; got 'tape.png'" in capsys.readouterr().err
