"""The commands of the guide to one's own data run, in its order, on a few of its pictures and for a moment."""

import csv
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from neuraltape.cli.main import main
from neuraltape.evaluation.rows import score_rows
from neuraltape.nn import LSTMBaseline
from neuraltape.tasks import Sequences
from tests.docs.pages import ROOT
from tests.docs.test_commands import commands
from tests.docs.test_examples import example

PAGE = ROOT / "docs" / "own-data.md"
SHORT = [
    *("--max-sequences", "8", "--batch-size", "4", "--evaluate-every", "8", "--evaluate-sequences", "4"),
    *("--hidden-size", "6"),
]
SMALL = ["--memory-slots", "5", "--memory-width", "3"]


def test_every_command_of_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn", reason="the guide's pictures come with scikit-learn")
    monkeypatch.chdir(tmp_path)
    drawn = []
    monkeypatch.setattr("neuraltape.plotting.save_figure", lambda figure, path, **how: drawn.append(path.name) or path)
    example("digits").write_files(tmp_path, rows=12)
    example("chorales").write_files(tmp_path, rows=3)
    (tmp_path / "book.txt").write_text("It was a bright cold day in April. " * 20)
    lines = [words for words in commands(PAGE.read_text(encoding="utf-8")) if "RUN" not in words]
    music = ["train", "predict", "generate", "plot"]
    assert [words[0] for words in lines] == [
        "train",
        "predict",
        "plot",
        "train",
        "evaluate",
        "train",
        "generate",
        *music,
    ]
    for words in lines:
        more = [*SHORT, *([] if "lstm" in words else SMALL)] if words[0] == "train" else []
        assert main([*words, *more]) == 0, words
    assert "sequences.png" in drawn
    answers = list(csv.DictReader((tmp_path / "answers.csv").read_text().splitlines()))
    assert len(answers) == 12 * 64
    assert list(answers[0])[-2:] == ["outputs 10", "class"]


def test_the_guide_shows_the_table_that_its_script_writes(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="the guide's pictures come with scikit-learn")
    path, new = example("digits").write_files(tmp_path, rows=1)
    (shown,) = re.findall(r"^```\n(sequence,.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert path.read_text().replace("\r", "").startswith(shown)
    assert new.read_text().splitlines()[0] == "sequence,step,pixel"


def test_piano_rolls_are_scored_in_nats_a_step_summed_over_their_notes(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    scope: dict = {}
    exec(block, scope)
    # The page's function is that of chorales.py.
    chorales = example("chorales")
    pieces = [chorales.piece(np.random.default_rng(seed)) for seed in range(3)]
    for each in (scope["write"], chorales.write):
        each(tmp_path / "train.npz", pieces)
        task = Sequences(str(tmp_path / "train.npz"), validation_fraction=0.0)
        assert (task.table.kind, task.predicts_next, task.output_size) == ("bits", True, 88)
        assert task.table.lengths.tolist() == [len(piece) - 1 for piece in pieces]
        assert torch.equal(task.batch(torch.tensor([1])).inputs[:, 0], torch.tensor(pieces[1][:-1]).float())
    # Four voices.
    assert set(pieces[0].sum(1).tolist()) <= {3, 4}
    model = LSTMBaseline(88, 2, 88)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    # Every note is as likely as not.
    assert score_rows(model, task).cost == pytest.approx(88 * math.log(2), rel=1e-6)
