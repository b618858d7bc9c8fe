from pathlib import Path

import pytest

from neuraltape.settings.questions import QuestionsConfig
from neuraltape.study.questions import QuestionsResult


def made_up(seed: int, train: dict[int, float], test: dict[int, float], *, joint: bool = True) -> QuestionsResult:
    """A result that nobody trained for."""
    return QuestionsResult(
        recipe="joint",
        seed=seed,
        version="0",
        settings=QuestionsConfig(joint=joint).settings(),
        parameters=1_234,
        seconds=60.0,
        loss={0: 0.5} if joint else dict.fromkeys(train, 0.5),
        train=train,
        validation={},
        test=test,
    )


def test_a_result_comes_back(tmp_path: Path) -> None:
    result = made_up(0, {1: 0.0, 2: 4.0}, {1: 5.0, 2: 5.1})
    result.save(tmp_path / "x.json")
    assert QuestionsResult.load(tmp_path / "x.json") == result
    assert (result.train_error, result.test_error, result.failed) == (2.0, 5.05, 1)


@pytest.mark.parametrize("text", ["", "{}", '{"format": "other"}', '{"format": "neuraltape-questions-1"}', "[1]"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match=r"x\.json is no result of question answering"):
        QuestionsResult.load(tmp_path / "x.json")
