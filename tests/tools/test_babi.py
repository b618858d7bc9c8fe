"""The tools that look at machines which read bAbI, with a machine that has learned nothing."""

import sys
from pathlib import Path

import pytest

from neuraltape.nn import NTMConfig
from neuraltape.tasks import Babi
from neuraltape.training import train
from tests.data.archives import make_babi
from tests.training.small import small
from tools.babi_joined import join
from tools.babi_joined import main as joined
from tools.babi_slots import main as slots

STORIES = b"1 Bill left.\n2 Mary left.\n3 Where is Bill? \there\t1\n4 Where is Mary? \there\t2\n"


@pytest.mark.parametrize("embedding_size", [None, 4])
def test_the_tools_read_words_with_and_without_an_embedding(
    tmp_path: Path, embedding_size: int | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_babi(tmp_path, {f"en/qa1_x_{split}.txt": STORIES for split in ("train", "test")})
    model = NTMConfig(hidden_size=4, memory_slots=3, memory_width=2, embedding_size=embedding_size)
    settings = small(task=Babi(size="en", data_dir=str(tmp_path)), model=model, max_sequences=4, evaluate_every=4)
    train(settings, run_dir=tmp_path / "run", progress=False)
    monkeypatch.setattr(sys, "argv", ["tool", str(tmp_path), str(tmp_path / "run")])
    slots()
    said = capsys.readouterr().out.splitlines()
    # The story has a full stop and a question mark about each of the two.
    assert [line.split(":")[0] for line in said] == [
        f"{person}, {verb}" for person in ("bill", "mary") for verb in ("written to at '.'", "read at '?'")
    ]
    assert all(line.endswith(" 1 times") for line in said)
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--joined", "1"])
    joined()
    assert capsys.readouterr().out.startswith("run: 1 stories told as one: ")
    assert join(settings.task, 1).inputs.dim() == 2  # type: ignore[arg-type]
