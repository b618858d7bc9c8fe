import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from neuraltape.nn import LSTMConfig, MANNConfig, NTMConfig
from neuraltape.nn.machines import MACHINES
from neuraltape.settings import (
    AdamSettings,
    CooldownSettings,
    LoopSettings,
    PracticeSettings,
    RMSPropSettings,
    Settings,
)
from neuraltape.settings.choice import TRAINABLE, Choice
from neuraltape.settings.differences import differences, settings_of
from neuraltape.settings.fields import field_docs, field_names
from neuraltape.settings.optimizer import OPTIMIZERS
from neuraltape.settings.practice import NEEDS
from neuraltape.settings.settings import read_flat, read_task, with_changes
from neuraltape.tasks import TASKS, Copy, Text

PARTS = (
    *OPTIMIZERS.values(),
    *(kind.config for kind in TRAINABLE.values()),
    PracticeSettings,
    CooldownSettings,
    LoopSettings,
)
# Every task, machine and optimiser together.
CHOICES = [
    Choice(task, kind, optimizer)
    for task in TASKS.values()
    for kind in TRAINABLE.values()
    for optimizer in OPTIMIZERS.values()
]


@pytest.mark.parametrize(
    ("model", "optimizer", "practice"),
    [
        (NTMConfig(shift_offsets=(3, 4)), AdamSettings(betas=(0.5, 0.75), eps=1e-12), PracticeSettings(gate_bias=-2.0)),
        (MANNConfig(usage_decay=0.5), RMSPropSettings(momentum=0.5), PracticeSettings(curriculum="none")),
        (
            LSTMConfig(controller_layers=3),
            AdamSettings(learning_rate=1e-30),
            PracticeSettings(curriculum="growing", grow_below=0.5),
        ),
    ],
    ids=["ntm", "mann", "lstm"],
)
def test_settings_survive_the_way_through_yaml_and_flat_values(
    tmp_path: Path, model: Any, optimizer: Any, practice: PracticeSettings
) -> None:
    cooldown, loop = CooldownSettings(sequences=7, below=3.0), LoopSettings(seed=3, precision="64-true")
    settings = Settings(Copy(max_length=7), model, optimizer, practice, cooldown, loop)
    settings.save(tmp_path / "config.yaml")
    assert Settings.load(tmp_path / "config.yaml") == settings
    assert Settings.from_flat(settings.flat()) == settings
    assert read_flat(tmp_path / "config.yaml") == settings.flat()
    assert read_task(tmp_path / "config.yaml") == settings.task


def test_a_file_has_a_section_for_each_thing(tmp_path: Path) -> None:
    Settings(Copy()).save(tmp_path / "config.yaml")
    values = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert list(values) == ["format", "task", "model", "optimizer", "practice", "cooldown", "loop"]
    assert values["format"] == 2
    assert values["task"]["name"] == "copy"
    assert values["model"]["machine"] == "ntm"
    assert values["optimizer"]["name"] == "adam"
    assert values["cooldown"] == {"sequences": 0, "below": None, "retry_rate": 1.0, "clip_floor": 0.0}


def test_what_is_not_said_has_its_default() -> None:
    assert Settings.from_flat({"task": "copy"}) == Settings(Copy())


def test_the_flat_form_has_plain_values_only() -> None:
    values = Settings(Copy()).flat()
    assert values["task"] == "copy"
    assert values["shift_offsets"] == [-1, 0, 1]
    assert (values["clip_floor"], values["cooldown_clip_floor"]) == (0.0, 0.0)
    assert all(type(each) in (str, int, float, bool, list, type(None)) for each in values.values())


def test_no_two_settings_share_a_flat_name() -> None:
    for choice in CHOICES:
        assert len(choice.names()) == len(set(choice.names())), choice


def test_every_setting_of_practice_that_needs_something_is_one_and_needs_what_machines_can() -> None:
    assert set(NEEDS) <= set(field_names(PracticeSettings))
    for need in NEEDS.values():
        assert {bool(getattr(kind, need)) for kind in TRAINABLE.values()} == {True, False}


def test_a_machine_that_learns_no_sequences_cannot_be_chosen() -> None:
    assert set(MACHINES) - set(TRAINABLE) == {"memory-network"}


@pytest.mark.parametrize("part", PARTS)
def test_every_field_is_explained_in_one_line(part: type) -> None:
    docs = field_docs(part)
    for field in fields(part):
        assert docs[field.name]
        assert "\n" not in docs[field.name]


@pytest.mark.parametrize(
    ("flat", "said"),
    [
        ({"model": "lstm", "gate_bias": 2.0}, "gate_bias is a setting of model ntm; model is lstm"),
        ({"model": "lstm", "gate_bias": 0.0}, "gate_bias is a setting of model ntm; model is lstm"),
        ({"model": "mann", "write_shift_bias": 1.0}, "write_shift_bias is a setting of model ntm; model is mann"),
        (
            {"model": "mann", "training_slots": 8},
            "training_slots is a setting of model ntm and dnc and sam; model is mann",
        ),
        (
            {"model": "lstm", "memory_slots": 8},
            "memory_slots is a setting of model ntm and mann and dnc and sam; model is lstm",
        ),
        ({"usage_decay": 0.5}, "usage_decay is a setting of model mann; model is ntm"),
        ({"momentum": 0.5}, "momentum is a setting of optimizer rmsprop; optimizer is adam"),
        ({"optimizer": "rmsprop", "betas": [0.9, 0.99]}, "betas is a setting of optimizer adam; optimizer is rmsprop"),
    ],
)
def test_a_setting_of_another_machine_or_optimiser_is_refused_by_name(flat: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}$"):
        Settings.from_flat({"task": "copy", **flat})


def test_one_in_a_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("format: 2\ntask: {name: copy}\nmodel: {machine: lstm, memory_slots: 3}\n")
    with pytest.raises(
        ValueError, match="memory_slots is a setting of model ntm and mann and dnc and sam; model is lstm"
    ):
        Settings.load(tmp_path / "recipe.yaml")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("model: {learning_rate: 1.0}", "learning_rate stands in model and belongs in optimizer"),
        ("loop: {max_length: 3}", "max_length stands in loop and belongs in task"),
        ("practice: {clip_floor: 3.0}", "clip_floor stands in practice and belongs in optimizer"),
        ("cool: {sequences: 3}", "unknown key 'cool'; did you mean cooldown"),
        ("model: ntm", "model must hold `key: value` lines; got 'ntm'"),
    ],
)
def test_a_setting_in_another_section_is_refused(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "recipe.yaml").write_text(f"format: 2\ntask: {{name: copy}}\n{line}\n")
    with pytest.raises(ValueError, match=f"recipe.yaml: {said}"):
        Settings.load(tmp_path / "recipe.yaml")


def test_practice_of_another_machine_is_refused_in_python_too() -> None:
    with pytest.raises(ValueError, match="write_gate_bias is a setting of model ntm; model is lstm"):
        Settings(Copy(), LSTMConfig(), practice=PracticeSettings(write_gate_bias=0.0))
    with pytest.raises(
        ValueError, match="model must be one of NTMConfig, MANNConfig, DNCConfig, SAMConfig, LSTMConfig; got a dict"
    ):
        Settings(Copy(), {"hidden_size": 3})


def test_with_another_machine_what_belonged_to_the_old_one_is_left_out_but_not_what_is_asked_for() -> None:
    base = {"task": "copy", "gate_bias": -2.0, "training_slots": 24, "learning_rate": 0.5, "betas": [0.9, 0.95]}
    changed = with_changes(base, {"model": "lstm"})
    assert changed == {"task": "copy", "model": "lstm", "learning_rate": 0.5, "betas": [0.9, 0.95]}
    assert "betas" not in with_changes(base, {"optimizer": "rmsprop"})
    assert with_changes(base, {"model": "lstm", "gate_bias": 1.0})["gate_bias"] == 1.0
    # What belongs to nothing is left for `from_flat` to refuse.
    assert with_changes({**base, "hiden": 1}, {"model": "lstm"})["hiden"] == 1


def test_a_setting_that_changed_is_new_or_is_gone_is_named() -> None:
    now = Settings(Copy())
    before = settings_of(now)
    assert differences(before, now) == []
    assert differences({**before, "clip_at": 3.0}, now) == ["clip_at was 3.0, is 1.0"]
    assert differences({**before, "moon": "full"}, now) == ["moon was full, is gone"]
    without = {name: value for name, value in before.items() if name != "clip_at"}
    assert differences(without, now) == []
    assert differences(without, replace(now, optimizer=AdamSettings(clip_at=2.0))) == ["clip_at was 1.0, is 2.0"]
    changed = differences({**before, "moon": "full", "clip_at": 3.0, "bits": 2}, now, apart_from=("moon", "bits"))
    assert changed == ["clip_at was 3.0, is 1.0"]


def test_an_unknown_key_is_answered_with_those_that_look_like_it() -> None:
    with pytest.raises(ValueError, match=r"unknown key 'learning_rat'.*learning_rate"):
        Settings.from_flat({"task": "copy", "learning_rat": 1})


def test_an_unknown_task_is_answered_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"task must be one of copy, .*'coppy'"):
        Settings.from_flat({"task": "coppy"})
    with pytest.raises(ValueError, match=r"task must be one of"):
        Settings.from_flat({})


def test_numbers_that_yaml_reads_as_text_are_numbers(tmp_path: Path) -> None:
    # YAML 1.1 takes 1e-4, which has no dot, for a string.
    text = "format: 2\ntask: {name: copy}\nmodel: {shift_offsets: [0]}\noptimizer: {learning_rate: 1e-4}"
    (tmp_path / "recipe.yaml").write_text(text)
    config = Settings.load(tmp_path / "recipe.yaml")
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
        ("shift_offsets", [-128, 0]),
        ("memory_init", "zero"),
        ("write_gate_bias", float("inf")),
        ("write_shift_bias", float("nan")),
        ("learning_rate", 0),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("checkpoint_every", float("inf")),
        ("seed", 2**63),
        ("betas", [0.9]),
        ("betas", [0.9, 1.0]),
        ("eps", -1.0),
        ("clip", "l2"),
        ("clip_at", 0.0),
        ("average", 1.0),
        ("warmup_steps", -1),
        ("seed", -1),
        ("restart_after", -1),
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
        Settings.from_flat({"task": "copy", key: value})


def test_a_value_of_a_wrong_type_is_said_in_words() -> None:
    weights = "numbers such as 1 2 3 or [1,2,3] or one of balanced or null"
    for task, key, value, said in (
        ("copy", "hidden_size", "x", "hidden_size must be a whole number; got 'x'"),
        ("copy", "learning_rate", "fast", "learning_rate must be a number; got 'fast'"),
        ("copy", "stop_when_solved", 3, "stop_when_solved must be true or false; got '3'"),
        ("sequences", "class_weights", [1, "x"], f"""class_weights must be {weights}; got "[1, 'x']\""""),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
            Settings.from_flat(
                {"task": task, "data": "x.csv", key: value} if task != "copy" else {"task": task, key: value}
            )


@pytest.mark.parametrize(
    "key",
    [
        *("hidden_size", "input_scale", "shift_offsets", "memory_init", "learning_rate", "betas", "curriculum", "seed"),
        *("cooldown_retry_rate", "stop_when_solved", "precision", "max_length"),
    ],
)
def test_null_is_refused_by_name_where_a_value_is_needed(key: str) -> None:
    with pytest.raises(ValueError, match=f"{key} must have a value; got null"):
        Settings.from_flat({"task": "copy", key: None})


def test_offsets_stay_below_the_fewest_slots_of_training() -> None:
    flat = {"task": "copy", "memory_slots": 16, "training_slots": 4}
    assert Settings.from_flat({**flat, "shift_offsets": [-3, 0, 3]}).model.shift_offsets == (-3, 0, 3)
    with pytest.raises(ValueError, match=r"must stay below the number of slots, 4 at the fewest; got \[4"):
        Settings.from_flat({**flat, "shift_offsets": [4, 0]})


def test_slots_are_drawn_from_a_range_that_is_one() -> None:
    config = Settings.from_flat({"task": "copy", "training_slots": 16, "most_training_slots": 16})
    assert config.practice.most_training_slots == 16
    with pytest.raises(ValueError, match=r"most_training_slots must be at least training_slots.*; got 15 and 16"):
        Settings.from_flat({"task": "copy", "training_slots": 16, "most_training_slots": 15})


NO_SETTINGS = (
    *("", "- copy\n", "just text", "task: [\n", "1: 2\n"),
    *("format: 2\ntask: copy\n", "format: 3\n", "task: {name: copy}\n"),
)


@pytest.mark.parametrize("text", NO_SETTINGS)
def test_a_file_that_is_not_a_configuration_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"wrong\.yaml"):
        Settings.load(path)


def test_a_configuration_file_cannot_run_code(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"format: 2\ntask: !!python/object/apply:pathlib.Path.touch [{tmp_path / 'touched'}]\n")
    with pytest.raises(ValueError, match=r"config\.yaml"):
        Settings.load(path)
    assert not (tmp_path / "touched").exists()


def test_write_heads_can_only_tend_to_a_move_that_there_is() -> None:
    with pytest.raises(ValueError, match=r"write_shift_bias needs 1 among shift_offsets; got \[-1, 0\]"):
        Settings(Copy(), NTMConfig(shift_offsets=(-1, 0)), practice=PracticeSettings(write_shift_bias=2.0))


def test_a_restart_needs_a_goal_that_ends_the_training_and_a_rate_without_an_end() -> None:
    with pytest.raises(ValueError, match="restart_after has no effect without a goal that ends the training"):
        Settings.from_flat({"task": "ngrams", "restart_after": 100})
    with pytest.raises(ValueError, match="restart_after needs schedule constant; got linear"):
        Settings.from_flat({"task": "copy", "restart_after": 100, "schedule": "linear"})
    assert Settings.from_flat({"task": "copy", "restart_after": 100}).loop.restart_after == 100


def test_slots_of_training_need_a_start_that_fits_any_number() -> None:
    with pytest.raises(ValueError, match="training_slots needs a start that fits any number of slots"):
        Settings(Copy(), NTMConfig(memory_init="learned"), practice=PracticeSettings(training_slots=3))


def test_an_old_file_is_named_with_what_converts_it(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("task: copy\nhidden_size: 3\n")
    said = r"config\.yaml: format must be 2; got None; convert .*: python -m neuraltape\.runs\.convert PATH$"
    with pytest.raises(ValueError, match=said):
        Settings.load(tmp_path / "config.yaml")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"grow_below": 0.5}, "grow_below has no effect without curriculum growing or doubling; got 0.5"),
        ({"grow_failed": 0.5}, "grow_failed has no effect without curriculum growing or doubling; got 0.5"),
        ({"curriculum": "growing", "grow_from": 5}, "grow_from has no effect without curriculum doubling; got 5"),
        (
            {"curriculum": "growing", "grow_failed": 0.5, "grow_below": 0.1},
            "grow_below has no effect without growing by cost, which grow_failed replaces; got 0.1",
        ),
        ({"clip": "norm", "clip_floor": 0.5}, "clip_floor has no effect without clip adaptive; got 0.5"),
        ({"clip": "none", "clip_at": 2.0}, "clip_at has no effect without clipping; got 2.0"),
        ({"cooldown_below": 2.0}, "cooldown_below has no effect without a cool-down"),
        ({"cooldown_retry_rate": 0.5}, "cooldown_retry_rate has no effect without a cool-down"),
        ({"rewind_rate": 0.5}, "rewind_rate has no effect without a rewind above 0"),
        ({"rewind": 0.5, "rewind_rate": 2.0}, "rewind_rate must be at most 1; got 2.0"),
        ({"rewind": 1.5}, "rewind must be"),
        ({"clip": "adaptive", "cooldown_clip_floor": 0.5}, "cooldown_clip_floor has no effect without a cool-down"),
        ({"cooldown_sequences": 10, "cooldown_clip_floor": 0.5}, "cooldown_clip_floor has no effect without clip adap"),
    ],
)
def test_a_setting_that_would_have_no_effect_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        Settings.from_flat({"task": "copy", **changes})


@pytest.mark.parametrize("task", ["ngrams", "omniglot"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("cooldown_sequences", 10), ("stop_when_solved", False), ("restart_after", 9), ("confirm_sequences", 7)],
)
def test_what_leads_to_a_solved_task_is_refused_where_nothing_solves_it(task: str, name: str, value: object) -> None:
    said = f"^{name} has no effect without a goal that ends the training, and {task} has none; got {value}$"
    with pytest.raises(ValueError, match=said):
        Settings.from_flat({"task": task, name: value})


@pytest.mark.parametrize("share", [0.0, -0.5, 1.0, float("nan")])
def test_a_share_of_failures_that_is_no_bound_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="grow_failed must be"):
        PracticeSettings(curriculum="growing", grow_failed=share)


@pytest.mark.parametrize("rate", [0.0, -0.5, 1.5, float("nan")])
def test_a_retry_rate_that_is_no_part_of_the_full_one_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=r"^retry_rate must be"):
        CooldownSettings(retry_rate=rate)
    with pytest.raises(ValueError, match=r"^cooldown_retry_rate must be"):
        Settings.from_flat({"task": "copy", "cooldown_retry_rate": rate})


def test_symbols_are_looked_up_unless_they_are_to_be_shown_one_hot(tmp_path: Path) -> None:
    (tmp_path / "few.txt").write_text("abc" * 5)
    task = Text(str(tmp_path / "few.txt"))
    chosen = [Settings(task, LSTMConfig(embedding_size=size)).resolved().model for size in (None, 0, 3)]
    assert [each.embedding_size for each in chosen] == [64, 0, 3]
    assert Settings(Copy(), LSTMConfig()).resolved().model == LSTMConfig()
    with pytest.raises(ValueError, match="embedding_size needs inputs that are symbols; those of copy are not; got 3"):
        Settings(Copy(), LSTMConfig(embedding_size=3)).resolved()


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))]),
        "task: &a {name: *a}",
        "task: {name: &a [[*a]]}",
    ],
)
def test_names_that_stand_for_more_than_memory_holds_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"a\.yaml holds more than 1,000,000 values"):
        Settings.load(tmp_path / "a.yaml")
