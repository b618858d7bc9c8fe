import json
import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from neuraltape.cli.recipes import recipe_of
from neuraltape.runs.directory import LOCK
from neuraltape.settings import Settings
from neuraltape.settings.settings import read_flat
from tests.cli.conftest import TINY, Call


def config_of(run: Path) -> Settings:
    return Settings.load(run / "config.yaml")


def test_options_with_dashes_or_underscores_reach_the_run(trained: Path) -> None:
    flat = config_of(trained).flat()
    assert (flat["task"], flat["max_length"], flat["hidden_size"]) == ("copy", 3, 16)
    assert (flat["memory_slots"], flat["memory_width"], flat["max_sequences"]) == (16, 8, 64)


def test_it_says_how_it_ended_and_where_it_wrote(call: Call) -> None:
    said = call("train", "copy", *TINY)
    assert said.code == 0
    lines = said.out.splitlines()
    assert "training in runs/copy" in lines
    assert "wrote runs/copy" in lines
    assert any(line.startswith("ended after 64 sequences in ") and "bits a sequence" in line for line in lines)
    assert (Path("runs/copy") / "model" / "model.safetensors").is_file()


def test_a_second_run_gets_a_name_of_its_own_and_overwrite_replaces_the_first(call: Call) -> None:
    call("train", "copy", *TINY)
    assert "training in runs/copy-2" in call("train", "copy", *TINY).out
    assert "training in runs/copy\n" in call("train", "copy", *TINY, "--overwrite", "--seed", "7").out
    assert config_of(Path("runs/copy")).loop.seed == 7
    assert not Path("runs/copy-3").exists()


def test_the_run_can_be_named(call: Call) -> None:
    assert "training in runs/mine" in call("train", "copy", *TINY, "--name", "mine").out
    assert "training in else/where" in call("train", "copy", *TINY, "--run-dir", "else/where").out


def test_a_run_is_never_overwritten_by_name(refuses: Call, tiny: Path) -> None:
    before = (tiny / "config.yaml").read_bytes()
    assert "runs/tiny holds a run already" in refuses("train", "copy", *TINY, "--name", "tiny").err
    assert (tiny / "config.yaml").read_bytes() == before


def test_a_folder_with_other_files_is_left_alone(refuses: Call, here: Path) -> None:
    (here / "mine").mkdir()
    (here / "mine" / "thesis.txt").write_text("precious")
    said = refuses("train", "copy", *TINY, "--run-dir", "mine", "--overwrite")
    assert "mine holds files that are not a run's (thesis.txt)" in said.err
    assert (here / "mine" / "thesis.txt").read_text() == "precious"


def test_a_run_in_use_is_refused(refuses: Call, tiny: Path) -> None:
    with FileLock(tiny / LOCK):
        for options in (("train", "copy", *TINY, "--name", "tiny", "--overwrite"), ("resume", "tiny")):
            assert "runs/tiny is in use by another training" in refuses(*options).err


def test_a_file_gives_what_no_option_says(call: Call, trained: Path) -> None:
    shutil.copy(trained / "config.yaml", "recipe.yaml")
    said = call("train", "--config", "recipe.yaml", "--hidden-size", "12", "--name", "again")
    assert said.code == 0, said.err
    assert "using recipe.yaml" in said.out
    flat = config_of(Path("runs/again")).flat()
    assert flat == {**config_of(trained).flat(), "hidden_size": 12}
    assert "(default: 16)" in call("train", "copy", "--config=recipe.yaml", "--help").out.replace("\n", " ")


def test_the_tasks_recipe_is_used_where_there_is_one(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Path("copy.yaml")
    recipe.write_text("format: 2\ntask: {name: copy}\noptimizer: {learning_rate: 3e-3}\n")
    monkeypatch.setattr("neuraltape.cli.recipes.FOLDERS", (Path("nowhere"), Path(".")))
    assert "using copy.yaml" in call("train", "copy", *TINY).out
    assert config_of(Path("runs/copy")).optimizer.learning_rate == 3e-3
    call("train", "copy", *TINY, "--learning-rate", "2e-3", "--overwrite")
    assert config_of(Path("runs/copy")).optimizer.learning_rate == 2e-3


def test_a_recipe_for_own_data_leaves_the_file_to_the_user(call: Call, refuses: Call) -> None:
    Path("mine.jsonl").write_text('{"inputs": [[0.5]], "targets": [[1]]}\n' * 10)
    options = [word for word in TINY if word not in ("--max-length", "3")]
    recipe = read_flat(recipe_of("sequences") or "")
    assert "using " in call("train", "--data", "mine.jsonl", *options).out
    flat = config_of(Path("runs/sequences")).flat()
    given = {option[2:].replace("-", "_") for option in options if option.startswith("--")}
    assert {name: flat[name] for name in recipe if name not in given} == {
        name: value for name, value in recipe.items() if name not in given
    }
    others = ("--model", "lstm", "--optimizer", "rmsprop", "--max-sequences", "8", "--name", "other")
    assert call("train", "--data", "mine.jsonl", *others).code == 0
    assert config_of(Path("runs/other")).optimizer.learning_rate == recipe["learning_rate"]
    assert "--data TEXT" in call("train", "sequences", "--help").out
    assert "--data is missing" in refuses("train", "sequences").err


@pytest.mark.parametrize(
    ("options", "clip_at", "write_shift_bias"),
    [
        ((), 0.5, 3.0),
        (("--clip", "none"), 1.0, 3.0),
        (("--clip=adaptive", "--clip-at", "2"), 2.0, 3.0),
        (("--shift-offsets", "-1", "0"), 0.5, 0.0),
        (("--shift_offsets=[0]", "--seed", "1"), 0.5, 0.0),
        (("--shift-offsets", "[0, 1]"), 0.5, 3.0),
    ],
)
def test_a_recipes_values_that_no_longer_act_are_left_out(
    call: Call, options: tuple[str, ...], clip_at: float, write_shift_bias: float
) -> None:
    Path("mine.yaml").write_text(
        "format: 2\ntask: {name: copy}\noptimizer: {clip: norm, clip_at: 0.5}\npractice: {write_shift_bias: 3.0}\n"
    )
    said = call("train", "copy", *TINY, "--config", "mine.yaml", *options)
    assert said.code == 0, said.err
    flat = config_of(Path("runs/copy")).flat()
    assert (flat["clip_at"], flat["write_shift_bias"]) == (clip_at, write_shift_bias)


@pytest.mark.parametrize("offsets", ["[0,x]", "[]", "[01", "1.5"])
def test_offsets_that_are_none_are_refused_by_their_name(refuses: Call, offsets: str) -> None:
    assert "--shift-offsets must be" in refuses("train", "copy", "--shift-offsets", offsets).err


@pytest.mark.usefixtures("no_pictures")
def test_the_lstm_baseline_is_an_option(call: Call) -> None:
    options = [word for word in TINY if not word.startswith(("--memory", "--read"))]
    assert call("train", "copy", *options, "--model", "lstm").code == 0
    assert call("evaluate", "copy", "--lengths", "2", "--sequences", "2").code == 0
    said = call("plot", "copy", "--lengths", "2", "--sequences", "2")
    assert [line.split("/")[-1] for line in said.out.splitlines()] == ["learning.png", "outputs.png", "lengths.png"]


@pytest.mark.usefixtures("no_pictures")
def test_users_own_sequences_are_trained_on(call: Call) -> None:
    rows = [{"inputs": [[float(n)], [0.5]], "targets": [[1], [0]]} for n in range(10)]
    Path("mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    options = [word for word in TINY if word not in ("--max-length", "3")]
    assert call("train", "--data", "mine.jsonl", *options).code == 0
    assert config_of(Path("runs/sequences")).flat()["data"] == "mine.jsonl"
    assert call("evaluate", "sequences").code == 0
    assert call("plot", "sequences").code == 0


def test_every_field_is_explained(call: Call) -> None:
    text = " ".join(call("train", "copy", "--help").out.split())
    for explained in (
        "--max-length NUMBER Vectors in the longest sequence (default: 20)",
        "--clip {adaptive,norm,value,none}",
    ):
        assert explained in text
    assert "--max-repeats" not in text
    assert "--max-repeats" in call("train", "repeat-copy", "--help").out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "TASK is missing: it comes first and is one of copy, repeat-copy"),
        (
            ["cpy"],
            "TASK must be one of copy, repeat-copy, associative-recall, ngrams, priority-sort, ",
        ),
        (["copy", "--hiden-size", "3"], "unknown option --hiden-size; did you mean --hidden-size"),
        (["copy", "--name", "x" * 201], "--name must have at most 200 bytes; got 201"),
        (["copy", "--seed", str(2**63)], "--seed must be at least 0 and below 9223372036854775808"),
        (["copy", "--hidden_siz=3"], "unknown option --hidden-siz; did you mean --hidden-size"),
        (["copy", "--max-repeats", "3"], "unknown option --max-repeats"),
        (["copy", "more"], "unexpected argument 'more'; usage: neuraltape train copy [options]"),
        (["copy", "--hidden-size", "abc"], "--hidden-size must be a whole number; got 'abc'"),
        (["copy", "--hidden-size", "2.5"], "--hidden-size must be a whole number; got '2.5'"),
        (["copy", "--learning-rate", "fast"], "--learning-rate must be a number; got 'fast'"),
        (["copy", "--eps", "x"], "--eps must be a number; got 'x'"),
        (["copy", "--tensorboard", "maybe"], "--tensorboard must be true or false; got 'maybe'"),
        (["copy", "--stop-when-solved"], "--stop-when-solved needs true or false"),
        (
            ["copy", "--curriculum", "growing", "--min-length", "5", "--max-length", "5"],
            "curriculum growing has no effect",
        ),
        (
            ["copy", "--curriculum", "doubling", "--grow-from", "20"],
            "grow_from must be at least 1 and below 20, the shortest and the longest of vectors; got 20",
        ),
        (
            ["graph-traversal", "--curriculum", "doubling", "--grow-from", "10"],
            "curriculum doubling needs a task whose lengths grow; graph-traversal grows in another way",
        ),
        (
            ["graph-traversal", "--curriculum", "doubling", "--lesson", "11", "--grow-from", "5"],
            "curriculum doubling needs a task whose lengths grow; graph-traversal grows in another way",
        ),
        (["ngrams", "--cooldown-sequences", "10"], "--cooldown-sequences has no effect without a goal that ends"),
        (["copy", "--model", "gpt"], "--model must be one of ntm, mann, dnc, sam, lstm; got 'gpt'"),
        (["copy", "--model", "lstm", "--gate-bias", "2"], "--gate-bias is a setting of model ntm; model is lstm"),
        (["copy", "--momentum=0.5"], "--momentum is a setting of optimizer rmsprop; optimizer is adam"),
        (["copy", "--cooldown-retry-rate", "2"], "--cooldown-retry-rate must be at most 1; got 2.0"),
        (["copy", "--optimizer", "sgd"], "--optimizer must be one of adam, rmsprop; got 'sgd'"),
        (["copy", "--shift-offsets", "x"], "--shift-offsets must be numbers such as 1 2 3 or [1,2,3]; got"),
        (["copy", "--shift-offsets", "[1,1]"], "--shift-offsets must be distinct integers"),
        (["copy", "--hidden-size"], "--hidden-size needs a value"),
        (["copy", "--hidden-size", "0"], "--hidden-size must be a positive integer; got 0"),
        (["copy", "--max-length", "0"], "--max-length must be an integer of at least 1; got 0"),
        (["copy", "--batch-size", "-4"], "--batch-size must be above 0; got -4"),
        (["copy", "--name", "a/b"], "--name must be a plain name, not a path (for one use --run-dir); got 'a/b'"),
        (["copy", "--name", "a", "--run-dir", "b"], "give --name or --run-dir, not both"),
        (["copy", "--config", "no.yaml"], "--config must be a YAML file; no.yaml is not a file"),
        (["copy", "--data", "x.npz"], "give TASK or --data, not both; got copy and --data x.npz"),
        (["--data", "no.npz"], "no.npz"),
        (["sequences"], "--data is missing"),
    ],
)
def test_bad_input_is_one_line(refuses: Call, here: Path, argv: list[str], message: str) -> None:
    said = refuses("train", *argv)
    assert message in said.err
    assert os.listdir(here) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task: [", "is not YAML"),
        ("task: copy", "format must be 2; got None; convert what an older version wrote with: python -m"),
        (
            "format: 2\nmodel: {machine: lstm}\npractice: {gate_bias: 2}",
            "gate_bias is a setting of model ntm; model is lstm",
        ),
        ("- 1", "must hold one `key: value` a line; got list"),
        ("format: 2\nloop: {hiden_size: 3}", "unknown key 'hiden_size'; did you mean hidden_size"),
        ("format: 2\nmodel: {hidden_size: abc}", "hidden_size"),
        ("format: 2\ntask: {name: ngrams}", "bad.yaml is for the task ngrams; got copy"),
    ],
)
def test_a_bad_configuration_file_is_one_line(refuses: Call, text: str, message: str) -> None:
    Path("bad.yaml").write_text(text)
    said = refuses("train", "copy", "--config", "bad.yaml")
    assert message in said.err
    assert "bad.yaml" in said.err
