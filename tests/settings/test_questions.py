from pathlib import Path

import pytest

from neuraltape.settings.questions import QuestionsConfig

RECIPES = Path(__file__).resolve().parents[2] / "recipes" / "questions"


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_can_be_read(path: Path) -> None:
    assert QuestionsConfig.load(path).tasks


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("widht: 3", "unknown key 'widht'; did you mean width"),
        ("width: many", "width"),
        ("width: 0", "width must be above 0; got 0"),
        ("sharing: none", "sharing"),
        ("tasks: [1, 21]", r"tasks must be different numbers from 1 to 20; got \[1, 21\]"),
        ("tasks: [1, 1]", r"tasks must be different numbers from 1 to 20; got \[1, 1\]"),
        ("time_noise: 1", "time_noise must be at least 0 and below 1; got 1"),
        ("schedule: cosine\nhalve_every: 3", "halve_every has no effect without schedule halving; got 3"),
        ("linear_epochs: 0\nlinear_learning_rate: 0.1", "linear_learning_rate has no effect without epochs without"),
        ("clip: 0", "clip must be above 0; got 0"),
        ("- 1", "must hold one `key: value` a line"),
    ],
)
def test_a_wrong_recipe_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        QuestionsConfig.load(tmp_path / "x.yaml")
    assert "x.yaml" in str(caught.value)


def test_settings_are_what_json_holds() -> None:
    assert QuestionsConfig(tasks=(2, 1)).settings()["tasks"] == [2, 1]
