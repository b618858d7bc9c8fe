import json

import pytest
import torch

from neuraltape.evaluation import presentations, score_presentations
from neuraltape.tasks import Omniglot
from neuraltape.tasks.episodes import count_before
from tests.data.archives import make_omniglot
from tests.evaluation.machines import Constant


@pytest.fixture
def task(tmp_path):
    options = {"data_dir": str(make_omniglot(tmp_path, alphabets=6)), "validation_alphabets": 2, "side": 6}
    return Omniglot(min_length=3, max_length=3, labels=4, **options).held_out()


def test_one_answer_for_all_is_right_as_often_as_it_comes(task):
    report = score_presentations("same", Constant(40, [1.0, 0.0, 0.0, 0.0]), task, [2, 3], episodes=7)
    assert [row.classes for row in report.rows] == [2, 3]
    # Float rounding of a share of 14 and of 21.
    assert report.rows[0].accuracy == pytest.approx([1 / 2] * 10)
    assert report.rows[1].accuracy == pytest.approx([1 / 3] * 10)


def test_each_presentation_is_scored_by_itself(task, monkeypatch):
    def right_from_the_third_on(model, batch):
        outputs = torch.nn.functional.one_hot(batch.targets, 4).float()
        early = count_before(batch.targets, batch.mask) < 2
        return torch.where(early.unsqueeze(-1), outputs.roll(1, -1), outputs)

    monkeypatch.setattr(presentations, "outputs_of", right_from_the_third_on)
    report = score_presentations("late", Constant(40, [0.0] * 4), task, [3], episodes=60)
    assert report.rows[0].accuracy == pytest.approx([0.0] * 2 + [1.0] * 8)


def test_a_report_is_saved_with_what_it_is_of(task, tmp_path):
    score_presentations("same", Constant(40, [1.0, 0.0, 0.0, 0.0]), task, [2], episodes=1).save(
        tmp_path / "a" / "r.json"
    )
    saved = json.loads((tmp_path / "a" / "r.json").read_text())
    assert saved["format"] == presentations.FORMAT
    assert (saved["name"], saved["images"], saved["rows"][0]["episodes"]) == ("same", "validation", 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": [5]}, "classes must be from 2 to the number of labels, 4; got 5"),
        ({"episodes": 0}, "episodes must be a positive integer; got 0"),
    ],
)
def test_numbers_that_cannot_be_are_named(task, options, message):
    with pytest.raises(ValueError, match=message):
        score_presentations("x", Constant(40, [0.0] * 4), task, **{"classes": [2]} | options)


def test_a_machine_for_something_else_is_named(task):
    with pytest.raises(ValueError, match="input_size 40"):
        score_presentations("x", Constant(9, [0.0] * 4), task, [2])
