import ast
import inspect
from dataclasses import fields
from pathlib import Path

import pytest

from neuraltape.settings import LoopConfig, ModelConfig, OptimizerConfig, TrainConfig
from neuraltape.settings.settings import NAMED_TASKS, field_names
from neuraltape.tasks import Copy

PARTS = (ModelConfig, OptimizerConfig, LoopConfig)


def test_a_configuration_survives_the_way_through_yaml(tmp_path: Path) -> None:
    config = TrainConfig(
        Copy(max_length=7),
        ModelConfig(shift_offsets=(3, 4), train_initial_memory=False),
        OptimizerConfig(betas=(0.5, 0.75), eps=1e-12, learning_rate=1e-30),
        LoopConfig(seed=3, precision="64-true"),
    )
    config.save(tmp_path / "config.yaml")
    assert TrainConfig.load(tmp_path / "config.yaml") == config


def test_what_is_not_said_has_its_default() -> None:
    assert TrainConfig.from_flat({"task": "copy"}) == TrainConfig(Copy())


def test_the_flat_form_has_plain_values_only() -> None:
    values = TrainConfig(Copy()).flat()
    assert values["task"] == "copy"
    assert values["shift_offsets"] == [-1, 0, 1]
    assert all(type(each) in (str, int, float, bool, list, type(None)) for each in values.values())


def test_no_two_parts_share_a_name() -> None:
    for task in NAMED_TASKS.values():
        names = [name for part in (task, *PARTS) for name in field_names(part)] + ["task"]
        assert len(names) == len(set(names)), task.name


@pytest.mark.parametrize("part", PARTS)
def test_every_field_is_explained_in_one_line(part: type) -> None:
    (cls,) = ast.parse(inspect.getsource(part)).body
    assert isinstance(cls, ast.ClassDef)
    explained = []
    for field, after in zip(cls.body, cls.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr):
            assert isinstance(field.target, ast.Name)
            assert isinstance(after.value, ast.Constant)
            assert "\n" not in after.value.value
            explained.append(field.target.id)
    assert explained == [field.name for field in fields(part)]


def test_an_unknown_key_is_answered_with_those_that_look_like_it() -> None:
    with pytest.raises(ValueError, match=r"unknown key 'learning_rat'.*learning_rate"):
        TrainConfig.from_flat({"task": "copy", "learning_rat": 1})


def test_an_unknown_task_is_answered_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"task must be one of copy, .*'coppy'"):
        TrainConfig.from_flat({"task": "coppy"})
    with pytest.raises(ValueError, match=r"task must be one of"):
        TrainConfig.from_flat({})


def test_numbers_that_yaml_reads_as_text_are_numbers(tmp_path: Path) -> None:
    # YAML 1.1 takes 1e-4, which has no dot, for a string.
    (tmp_path / "recipe.yaml").write_text("task: copy\nlearning_rate: 1e-4\nshift_offsets: [0]\n")
    config = TrainConfig.load(tmp_path / "recipe.yaml")
    assert config.optimizer.learning_rate == 1e-4
    assert config.model.shift_offsets == (0,)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden_size", 0),
        ("hidden_size", 2.5),
        ("hidden_size", "many"),
        ("model", "gpt"),
        ("training_slots", 0),
        ("most_training_slots", 16),
        ("shift_offsets", []),
        ("shift_offsets", [1, 1]),
        ("memory_init", "zero"),
        ("write_gate_bias", float("inf")),
        ("write_shift_bias", float("nan")),
        ("learning_rate", 0),
        ("learning_rate", float("nan")),
        ("betas", [0.9]),
        ("betas", [0.9, 1.0]),
        ("eps", -1.0),
        ("clip", "l2"),
        ("clip_at", 0.0),
        ("average", 1.0),
        ("warmup_steps", -1),
        ("seed", -1),
        ("batch_size", 0),
        ("max_sequences", -5),
        ("checkpoint_every", -1.0),
        ("curriculum", "steep"),
        ("precision", "16"),
        ("devices", 17),
        ("max_length", 0),
    ],
)
def test_a_wrong_value_is_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=key if key != "devices" else "batch_size"):
        TrainConfig.from_flat({"task": "copy", key: value})


def test_slots_are_drawn_from_a_range_that_is_one() -> None:
    config = TrainConfig.from_flat({"task": "copy", "training_slots": 16, "most_training_slots": 16})
    assert config.model.most_training_slots == 16
    with pytest.raises(ValueError, match=r"most_training_slots must be at least training_slots.*; got 15 and 16"):
        TrainConfig.from_flat({"task": "copy", "training_slots": 16, "most_training_slots": 15})


@pytest.mark.parametrize("text", ["", "- copy\n", "just text", "task: [\n", "1: 2\n"])
def test_a_file_that_is_not_a_configuration_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"wrong\.yaml"):
        TrainConfig.load(path)


def test_a_configuration_file_cannot_run_code(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"task: !!python/object/apply:pathlib.Path.touch [{tmp_path / 'touched'}]\n")
    with pytest.raises(ValueError, match=r"config\.yaml"):
        TrainConfig.load(path)
    assert not (tmp_path / "touched").exists()


def test_write_heads_can_only_tend_to_a_move_that_there_is() -> None:
    with pytest.raises(ValueError, match=r"write_shift_bias needs 1 among shift_offsets; got \[-1, 0\]"):
        ModelConfig(shift_offsets=(-1, 0), write_shift_bias=2.0)
