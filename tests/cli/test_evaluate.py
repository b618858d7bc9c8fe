from pathlib import Path

import pytest

from neuraltape.evaluation import Report
from tests.cli.conftest import Call
from tests.study.questions.stories import make_world

FEW = ("--sequences", "2")


def test_it_prints_a_table_and_says_where_it_wrote(call: Call, tiny: Path) -> None:
    said = call("evaluate", "tiny", "--lengths", "2", "5", *FEW)
    assert said.code == 0, said.err
    assert said.out.startswith("tiny: copy, trained on 1 to 3 vectors, 16 slots")
    assert "without error" in said.out
    written = [f"runs/tiny/figures/{name}" for name in ("evaluation.json", "outputs.png", "lengths.png")]
    assert [line.removeprefix("wrote ") for line in said.out.splitlines() if line.startswith("wrote")] == written
    assert all(Path(path).stat().st_size > 100 for path in written)
    report = Report.load(written[0])
    assert [row.length for row in report.rows] == [2, 5]


@pytest.mark.usefixtures("no_pictures")
def test_the_usual_lengths_are_taken_where_none_are_given(call: Call, tiny: Path) -> None:
    assert call("evaluate", "runs/tiny", *FEW).code == 0
    assert [row.length for row in Report.load(tiny / "figures" / "evaluation.json").rows] == [1, 3, 4, 7, 18]


def test_more_slots_than_in_training_can_be_asked_for(call: Call, tiny: Path) -> None:
    said = call(
        "evaluate", "tiny", "--lengths", "2", *FEW, "--memory-slots", "40", "--output", "wide", "--format", "svg"
    )
    assert ", 40 slots" in said.out
    assert Report.load("wide/evaluation.json").memory_slots == 40
    assert Path("wide/outputs.svg").is_file()
    assert not (tiny / "figures").exists()


@pytest.mark.usefixtures("no_pictures")
def test_a_saved_model_can_be_evaluated(call: Call, tiny: Path) -> None:
    assert call("evaluate", "runs/tiny/model", "--lengths", "2", *FEW).code == 0
    (tiny / "model").rename("alone")
    assert call("evaluate", "alone", "--task", "copy", "--lengths", "2", *FEW).code == 0
    assert Path("alone/figures/evaluation.json").is_file()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["tiny", "--task", "ngrams"], "--task is for a saved model; runs/tiny is a run, and learned copy"),
        (["questions/joint"], "takes words and answers questions: neuraltape ask"),
        (["questions/joint", "--task", "babi"], "takes words and answers questions: neuraltape ask"),
        (["tiny", "--lengths"], "--lengths needs one or more values"),
        (["tiny", "--lengths", "0"], "--lengths must be at least 1; got 0"),
        (["tiny", "--lengths", "2", "ten"], "--lengths must be a whole number; got 'ten'"),
        (["tiny", "--lengths", "2", "--sequences", "0"], "--sequences must be at least 1; got 0"),
        (["tiny", "--memory-slots", "0"], "--memory-slots must be at least 1; got 0"),
        (["tiny", "--format", "gif"], "--format must be one of png, svg, pdf; got 'gif'"),
        (["tiny", "--repeats", "2"], "--repeats is for repeat-copy and tally-copy; tiny learned copy"),
        (["tiny", "--lenghts", "2"], "unknown option --lenghts; did you mean --lengths"),
        (["tiny", "--output", "runs/tiny/config.yaml"], "a folder, or in one; runs/tiny/config.yaml is a file"),
        (["tny"], "got 'tny'; did you mean tiny?"),
        (["elsewhere/none"], "got 'elsewhere/none'; there are tiny"),
        ([], "RUN is missing; usage: neuraltape evaluate RUN"),
    ],
)
def test_bad_input_is_one_line(refuses: Call, tiny: Path, argv: list[str], message: str) -> None:
    assert message in refuses("evaluate", *argv).err
    assert not (tiny / "figures").exists()


def test_answers_are_scored_by_kind_of_question(call: Call, refuses: Call, here: Path) -> None:
    make_world(here, stories=5)
    small = ("--size", "en", "--model", "lstm", "--hidden-size", "4", "--seed", "1")
    short = ("--max-sequences", "4", "--batch-size", "2", "--evaluate-every", "4", "--evaluate-sequences", "2")
    assert call("train", "babi", "--data-dir", ".", *small, *short).code == 0
    for option, value in (("--lengths", "3"), ("--sequences", "7"), ("--seed", "5"), ("--format", "svg")):
        assert f"{option} has no effect on babi, which babi learned" in refuses("evaluate", "babi", option, value).err
    said = call("evaluate", "babi", "--data-dir", str(here))
    assert said.out.startswith("qa1: ")
    assert "test answers wrong" in said.out
    assert Path("runs/babi/figures/answers.json").is_file()


def test_where_there_are_no_runs_it_says_how_to_make_one(refuses: Call) -> None:
    assert "There are no runs yet; make one: neuraltape train copy" in refuses("resume", "copy").err


@pytest.mark.parametrize("command", ["evaluate", "plot", "trace"])
@pytest.mark.parametrize(
    ("file", "data", "message"),
    [
        ("config.yaml", b"task: [", "config.yaml is not YAML"),
        ("config.yaml", b"\xff\xfe\x00", "config.yaml is not YAML"),
        ("config.yaml", b"format: 2\ntask: {name: copy}\nloop: {hiden_size: 3}", "unknown key 'hiden_size'"),
        ("config.yaml", b"", "must hold one `key: value` a line"),
        ("model/model.safetensors", b"broken", "model.safetensors cannot be read"),
        ("model/config.json", b"{", "config.json"),
        ("metrics.jsonl", b"broken\n", "metrics.jsonl, line 1"),
    ],
)
def test_a_broken_run_is_one_line(
    refuses: Call, tiny: Path, command: str, file: str, data: bytes, message: str
) -> None:
    (tiny / file).write_bytes(data)
    output = ("--output", "t.safetensors") if command == "trace" else ()
    assert message in refuses(command, "tiny", *output).err


def test_a_run_without_a_checkpoint_says_so(refuses: Call, tiny: Path) -> None:
    (tiny / "model" / "model.safetensors").unlink()
    assert "has no model yet" in refuses("evaluate", "tiny").err


def test_a_model_that_does_not_say_its_task_asks_for_it(refuses: Call, tiny: Path) -> None:
    (tiny / "model").rename("alone")
    assert "--task is missing: alone doesn't say what the model learned" in refuses("evaluate", "alone").err
    assert "got 'cpy'; did you mean copy?" in refuses("evaluate", "alone", "--task", "cpy").err
    assert "input_size 1 for the task ngrams; it has 9" in refuses("evaluate", "alone", "--task", "ngrams").err
    Path("alone/config.json").write_text("[]")
    assert "must hold the arguments of a model; got []" in refuses("evaluate", "alone", "--task", "copy").err
