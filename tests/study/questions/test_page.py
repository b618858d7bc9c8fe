from dataclasses import replace
from typing import Any

import pytest

from neuraltape.settings.questions import QuestionsConfig
from neuraltape.study.questions.page import best_of, check, failed, mean_error, page
from neuraltape.study.questions.published import JOINT, published
from neuraltape.study.questions.run import JOINT as JOINT_LOSS
from neuraltape.study.result import Result


def made_up(seed: int, train: dict[str, float], test: dict[str, float]) -> Result:
    """A result that nobody trained for."""
    return Result(
        recipe="joint",
        task="questions",
        seed=seed,
        settings=QuestionsConfig().settings(),
        parameters=1_234,
        seconds=60.0,
        errors={"loss": {"0": 0.5}, "train": train, "validation": {}, "test": test},
    )


RESULTS = [
    made_up(0, {"1": 1.0, "2": 9.0}, {"1": 2.0, "2": 1.0}),
    made_up(1, {"1": 2.0, "2": 2.0}, {"1": 8.0, "2": 6.0}),
    made_up(2, {"1": 9.0, "2": 9.0}, {"1": 0.0, "2": 0.0}),
]


def test_the_best_is_chosen_by_training_error_and_never_by_the_test() -> None:
    assert best_of(RESULTS) == {"1": 8.0, "2": 6.0}


def test_networks_of_their_own_are_chosen_task_by_task() -> None:
    single = [
        replace(
            each,
            settings=QuestionsConfig(joint=False).settings(),
            errors={**each.errors, "loss": dict.fromkeys(each.errors["train"], 0.5)},
        )
        for each in RESULTS
    ]
    assert best_of(single) == {"1": 2.0, "2": 6.0}


def test_the_report_shows_every_seed_and_what_was_published() -> None:
    text = page({"joint": RESULTS, "none": []})
    assert "### joint" in text
    assert "none" not in text
    assert "`neuraltape questions joint --seeds 3`" in text
    assert "| task | best of 3 by training error | mean of all | published |" in text
    assert "| 1 | 8.0 | 3.3 | 0.0 |" in text
    assert "| 2 | 6.0 | 2.3 | 11.4 |" in text
    assert "| **mean** | **7.0** | **2.8** | **5.7** |" in text
    assert "| failed (over 5 %) | 2 | 0.7 | 1 |" in text
    assert "0: 5.00 and 1.50; 1: 2.00 and 7.00; 2: 9.00 and 0.00." in text


def test_published_means_are_those_of_the_papers() -> None:
    means = {size: sum(errors) / len(errors) for size, errors in JOINT.items()}
    assert round(means["en"], 1) == 12.4
    assert round(means["en-10k"], 1) == 7.5
    assert [sum(error > 5 for error in errors) for errors in JOINT.values()] == [11, 6]
    assert published("en", joint=False) == {}


def test_a_task_is_failed_above_five_per_cent_of_wrong_answers() -> None:
    made = made_up(0, {"1": 0.0, "2": 4.0}, {"1": 5.0, "2": 5.1})
    assert (mean_error(made, "train"), mean_error(made, "test"), failed(made.errors["test"])) == (2.0, 5.05, 1)


def test_of_equal_training_errors_the_least_loss_is_taken() -> None:
    last = replace(RESULTS[1], errors={**RESULTS[1].errors, "loss": {"0": 0.4}, "test": {"1": 3.0, "2": 3.0}})
    assert best_of([RESULTS[1], last]) == {"1": 3.0, "2": 3.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "copy"}, "must be a result of questions, with its errors; got one of 'copy'"),
        ({"errors": {}}, "must be a result of questions"),
        ({"settings": {}}, "must be a result of questions"),
        ({"settings": {"size": "large", "joint": True}}, "must be a result of questions"),
        ({"parameters": None}, "must be a result of questions"),
        ({"errors": {"train": {"1": 0.0}, "test": {"1": 0.0}, "loss": {JOINT_LOSS: 0.0}}}, "must be about the same"),
    ],
)
def test_what_is_no_result_of_questions_is_refused(change: dict[str, Any], message: str) -> None:
    good = replace(made_up(0, {"1": 1.0, "2": 3.0}, {"1": 1.0, "2": 3.0}), parameters=7)
    check([good, good])
    with pytest.raises(ValueError, match=message):
        check([good, replace(good, **change)])
