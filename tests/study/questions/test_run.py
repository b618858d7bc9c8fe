from dataclasses import replace
from pathlib import Path

import pytest
import torch

from neuraltape.data import DataError
from neuraltape.data.babi import babi_contents
from neuraltape.evaluation.answerer import Answerer
from neuraltape.evaluation.session import Session
from neuraltape.study.questions.run import run_recipe, split
from neuraltape.tasks.questions import QuestionTable
from neuraltape.training.memory_network import Epoch
from tests.study.questions.stories import TINY, make_world


def quiet(part: str, epoch: Epoch) -> None:
    pass


def test_a_recipe_becomes_a_result_and_a_network_to_talk_to(tmp_path: Path, world: Path) -> None:
    result = run_recipe("tiny", TINY, 3, folder=tmp_path, data_dir=world, told=quiet)
    held = {"contents": babi_contents(TINY.tasks, size=TINY.size, data_dir=world)}
    assert (result.recipe, result.seed, result.settings) == ("tiny", 3, TINY.settings() | held)
    assert result.errors["train"] == result.errors["test"] == {"1": 0.0}
    assert result.errors["validation"] == {}
    assert 0 < result.errors["loss"]["0"] < 0.3
    answerer = Answerer.load(tmp_path / "joint")
    assert result.parameters == sum(each.numel() for each in answerer.network.parameters())
    session = Session(answerer)
    session.tell("Bill went to the office.")
    session.tell("John went to the garden.")
    answer = session.ask("Where is Bill?")
    assert answer.words == "office"
    assert answer.probability > 0.5
    assert [(fact.number, fact.text) for fact in answer.facts] == [
        (1, "Bill went to the office."),
        (2, "John went to the garden."),
    ]
    assert len(answer.facts[0].weights) == 3
    for hop in range(3):
        # Empty slots may take a part.
        assert 0.5 < sum(fact.weights[hop] for fact in answer.facts) <= 1 + 1e-5


def test_tasks_can_have_networks_of_their_own(tmp_path: Path) -> None:
    data = make_world(tmp_path, tasks=(4, 2), stories=10)
    config = replace(TINY, tasks=(4, 2), joint=False, epochs=1, validation_fraction=0.3)
    told: list[str] = []
    result = run_recipe("x", config, 0, folder=tmp_path, data_dir=data, told=lambda part, _: told.append(part))
    assert list(result.errors) == ["loss", "train", "validation", "test"]
    assert all(set(each) == {"2", "4"} for each in result.errors.values())
    assert told == ["task-2"] * 3 + ["task-4"] * 3
    for task in (2, 4):
        assert Answerer.load(tmp_path / f"task-{task}").network.width == 12


def test_validation_takes_a_share_that_depends_on_the_seed() -> None:
    table = QuestionTable(torch.zeros(10, 1), *(torch.arange(10),) * 3)
    train, held = split(table, 0.3, 0)
    assert sorted([*train.answers.tolist(), *held.answers.tolist()]) == list(range(10))
    assert len(held.answers) == 3
    assert held.answers.tolist() != split(table, 0.3, 1)[1].answers.tolist()
    assert len(split(table, 0.0, 0)[1].answers) == 0


def test_data_that_is_missing_is_one_line(tmp_path: Path, world: Path) -> None:
    with pytest.raises(DataError, match=r"en/qa2_\*_train\.txt is missing"):
        run_recipe("x", replace(TINY, tasks=(2,)), 0, folder=tmp_path, data_dir=world, told=quiet)
