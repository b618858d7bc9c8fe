"""Your own sequences from the command line: from a file to scores, predictions and what comes next."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from neuraltape.cli.rows import describe
from neuraltape.cli.train import first_look, make_parser, make_settings
from neuraltape.settings import Settings
from tests.cli.conftest import Call
from tests.training.small import files_of

SMALL = [
    *("--hidden-size", "6", "--memory-slots", "5", "--memory-width", "3", "--seed", "0", "--batch-size", "4"),
    *("--max-sequences", "8", "--evaluate-every", "8", "--evaluate-sequences", "4"),
]


def table(path: Path, sequences: int, steps: int = 4) -> None:
    lines = ["sequence,step,x,y,label"]
    lines += [f"{n},{t},{n / 10},{t / 10},{(n + t) % 3}" for n in range(sequences) for t in range(steps)]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def labels(call: Call, here: Path) -> Path:
    """A machine that has learned the labels in a table."""
    table(here / "data.csv", 20)
    said = call("train", "--data", "data.csv", "--targets", "label", "--test-fraction", "0.2", *SMALL)
    assert said.code == 0, said.err
    used, *lines = said.out.splitlines()
    assert used.startswith("using ")
    assert used.endswith("own-data/sequences.yaml")
    assert lines[:2] == [
        "20 sequences of 4 steps; inputs: 2 features a step: x, y",
        "targets: one of 3 classes, as they are whole numbers without a list around them",
    ]
    assert lines[2].startswith("14 for training, 2 for validation, 4 for test; guessing the mean costs 1.")
    assert lines[3].startswith("ntm: ")
    assert "best after 8 sequences" in said.out
    assert [line.split()[1] for line in lines if line.startswith("│")] == ["validation", "test"]
    return here / "runs" / "sequences"


@pytest.mark.parametrize(
    ("cells", "options", "said"),
    [
        ("012", (), "one of 3 classes, as they are whole numbers without a list around them"),
        ("012", ("--kind", "classes"), "one of 3 classes, as --kind says"),
        ("012", ("--kind", "values"), "1 value a step, as --kind says"),
        (("0.0", "1.0", "2.0"), ("--kind", "classes"), "one of 3 classes, as --kind says"),
        (("0.0", "1.0", "0.0"), (), "1 bit a step, as all are 0 or 1"),
        (("0.0", "1.0", "0.0"), ("--kind", "bits"), "1 bit a step, as --kind says"),
        (("0.0", "1.5", "2.0"), (), "1 value a step, as they are neither bits nor classes"),
    ],
)
def test_the_kind_of_targets_is_said_with_its_reason(
    here: Path, cells: tuple[str, ...], options: tuple[str, ...], said: str
) -> None:
    lines = [f"{sequence},0.5,{cell}" for sequence in (1, 2) for cell in cells]
    (here / "data.csv").write_text("\n".join(["sequence,x,z", *lines]))
    source = first_look(["--data", "data.csv", "--targets", "z", *options])
    given = make_parser(source).parse(source.rest)
    settings = make_settings({"task": source.task, "data": "data.csv", "targets": ("z",), "kind": given.kind})
    told = describe(settings.resolved(), asked="--kind" if given.kind != "auto" else None)
    assert told[1] == f"targets: {said}"


def test_what_a_configuration_says_of_the_kind_is_not_said_to_be_an_option(call: Call, labels: Path) -> None:
    config = str(labels / "config.yaml")
    for options, said in (((), config), (("--kind", "values"), "--kind")):
        more = ("--classes", "null") if options else ()
        told = call("train", "--config", config, *options, *more)
        assert told.code == 0, told.err
        assert f", as {said} says" in told.out


def test_what_was_found_in_the_file_is_kept_with_the_run(labels: Path) -> None:
    task = Settings.load(labels / "config.yaml").task
    assert (task.kind, task.predicts, task.inputs, task.classes) == ("classes", "targets", ("x", "y"), 3)  # type: ignore[attr-defined]


def test_what_was_kept_apart_and_another_file_are_scored_once(call: Call, labels: Path, here: Path) -> None:
    said = call("evaluate", "sequences")
    assert said.code == 0, said.err
    assert "nats a step" in said.out
    scores = json.loads((labels / "figures" / "rows.json").read_text())["scores"]
    assert {name: score["sequences"] for name, score in scores.items()} == {"training": 14, "validation": 2, "test": 4}
    table(here / "new.csv", 7)
    said = call("evaluate", "sequences", "--data", "new.csv", "--output", "there")
    (score,) = json.loads(Path("there/rows.json").read_text())["scores"].values()
    assert (score["sequences"], score["steps"]) == (7, 28)


def test_data_that_has_changed_is_not_taken_for_what_was_learned(
    call: Call, refuses: Call, labels: Path, here: Path
) -> None:
    table(here / "data.csv", 21)
    before = files_of(labels)
    commands = (("resume", "--max-sequences", "16"), ("evaluate",), ("evaluate", "--last"), ("plot",))
    for command, *options in commands:
        said = refuses(command, "sequences", *options).err
        assert "data.csv: it does not hold what the run has learned from (" in said
    assert files_of(labels) == before
    assert call("evaluate", "sequences", "--data", "data.csv", "--output", "there").code == 0
    for last in ((), ("--last",)):
        assert call("predict", "sequences", "data.csv", "--output", "out.npz", "--overwrite", *last).code == 0
    # To train anew is to look anew, and no option says what a file has to hold.
    config = ("train", "--config", str(labels / "config.yaml"))
    assert "unknown option --contents" in refuses(*config, "--contents", "x").err
    assert "15 for training, 2 for validation, 4 for test" in call(*config).out


@pytest.mark.parametrize("suffix", ["npz", "jsonl", "csv"])
def test_predictions_are_written_without_the_data_that_was_learned_from(
    call: Call, refuses: Call, labels: Path, here: Path, suffix: str
) -> None:
    (here / "data.csv").unlink()
    (here / "new.csv").write_text("sequence,step,y,x\nb,9,0.5,0.5\na,1,1,1\nb,7,0.5,0.25\n")
    output = f"out.{suffix}"
    said = call("predict", "sequences", "new.csv", "--output", output)
    assert (said.code, said.out) == (0, f"wrote {output}\n"), said.err
    if suffix == "npz":
        found = np.load(output)
        assert (found["outputs"].shape, found["class"].shape, found["lengths"].tolist()) == ((2, 2, 3), (2, 2), [2, 1])
        assert found["outputs"].sum(-1).ravel().tolist() == pytest.approx([1, 1, 1, 0])
    elif suffix == "jsonl":
        rows = [json.loads(line) for line in Path(output).read_text().splitlines()]
        assert [np.shape(row["outputs"]) for row in rows] == [(2, 3), (1, 3)]
    else:
        rows = list(csv.DictReader(Path(output).read_text().splitlines()))
        assert list(rows[0]) == ["sequence", "step", "outputs 1", "outputs 2", "outputs 3", "class"]
        assert [(row["sequence"], row["step"]) for row in rows] == [("b", "7"), ("b", "9"), ("a", "1")]
    assert "is there already" in refuses("predict", "sequences", "new.csv", "--output", output).err
    assert call("predict", "sequences", "new.csv", "--output", output, "--overwrite").code == 0


def test_sequences_go_on_in_the_form_that_they_were_learned_in(call: Call, refuses: Call, here: Path) -> None:
    (here / "data.jsonl").write_text("".join(json.dumps({"inputs": [n % 3, 1, 2, 0]}) + "\n" for n in range(12)))
    said = call("train", "--data", "data.jsonl", *SMALL)
    assert "they are the next step's inputs" in said.out
    (here / "prompt.jsonl").write_text('{"inputs": [1]}\n{"inputs": [2, 0]}\n')
    asked = ("generate", "sequences", "--prompt", "prompt.jsonl", "--steps", "5", "--seed", "3")
    assert call(*asked, "--output", "more.jsonl").code == 0
    first, second = (json.loads(line)["inputs"] for line in Path("more.jsonl").read_text().splitlines())
    assert (first[:1], len(first), second[:2], len(second)) == ([1], 6, [2, 0], 7)
    assert call(*asked, "--new-only", "--output", "new.jsonl").code == 0
    assert json.loads(Path("new.jsonl").read_text().splitlines()[0])["inputs"] == first[1:]
    assert call("predict", "sequences", "more.jsonl", "--output", "out.npz").code == 0
    for words, message in (
        (("--temperature", "-1"), "--temperature must be at least 0; got -1.0"),
        (("--steps", "0"), "--steps must be at least 1; got 0"),
        (("--output", "x.txt"), "--output: a file must end in .npz, .jsonl or .csv; got 'x.txt'"),
        (("--prompt", "data.npz"), "data.npz: cannot be read"),
    ):
        assert message in refuses(*asked, "--output", "no.jsonl", *words).err
    assert not Path("no.jsonl").exists()


def test_what_comes_next_of_a_table_is_a_table_with_the_same_names(call: Call, here: Path) -> None:
    table(here / "data.csv", 10)
    said = call("train", "--data", "data.csv", "--inputs", "x", "y", *SMALL)
    assert "targets: 2 values a step, as they are neither bits nor classes; they are the next step's inputs" in said.out
    # The cost of values is their score: it stands there once.
    assert said.out.count("guessing") == 2
    (row,) = [line for line in said.out.splitlines() if line.startswith("│ validation")]
    assert len(row.strip("│").split("│")) == 6
    assert call("generate", "sequences", "--prompt", "data.csv", "--steps", "2", "--output", "more.csv").code == 0
    lines = Path("more.csv").read_text().splitlines()
    assert lines[:2] == ["sequence,step,x,y", "1,1,0.0,0.0"]
    assert len(lines) == 1 + 10 * 6
    assert call("predict", "sequences", "more.csv", "--output", "out.npz").code == 0


def test_a_text_is_learned_scored_and_gone_on_with(call: Call, refuses: Call, here: Path, no_pictures: None) -> None:
    (here / "a.txt").write_text("to be or not to be, that is the question\n" * 12)
    thin = ("--embedding-size", "3", "--input-dropout", "0.1", "--output-dropout", "0.1")
    said = call("train", "--data", "a.txt", "--window", "20", *thin, *SMALL)
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[2].endswith(" parameters; each symbol is looked up as 3 numbers")
    assert lines[0].startswith("491 characters in 25 windows of 20; 15 are known, and one token stands for all others:")
    assert lines[1].startswith("23 for training, 2 for validation; guessing the mean costs 2.")
    # A heading may be broken.
    assert "perplexi" in said.out
    (here / "b.txt").write_text("not to bEE")
    table(here / "b.csv", 3)
    # The text that was learned from isn't needed.
    (here / "a.txt").rename(here / "gone.txt")
    said = refuses("train", "--data", "b.csv", "--embedding-size", "3")
    assert "--embedding-size needs inputs that are symbols; those of sequences are not; got 3" in said.err
    said = call("evaluate", "text", "--data", "b.txt")
    assert said.code == 0, said.err
    (score,) = json.loads(Path("runs/text/figures/rows.json").read_text())["scores"].values()
    assert (score["sequences"], score["steps"]) == (1, 9)
    (row,) = [line for line in said.out.splitlines() if line.startswith("│ b.txt")]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert float(cells[-2]) == pytest.approx(np.exp(score["cost"]), rel=1e-3)
    # A token is a character: bits of one are bits of the other.
    assert float(cells[-1]) == pytest.approx(score["cost"] / np.log(2), rel=1e-3)

    asked = ("generate", "text", "--prompt", "to be", "--steps", "30", "--temperature", "2")
    said = call(*asked)
    assert (said.code, said.out[:5], len(said.out)) == (0, "to be", 36), said.err
    assert "\N{REPLACEMENT CHARACTER}" not in said.out
    assert call(*asked, "--new-only", "--output", "more.txt").code == 0
    assert Path("more.txt").read_text() + "\n" == said.out[5:]
    assert "--output: a file must end in .txt; got 'more.csv'" in refuses(*asked, "--output", "more.csv").err
    said = refuses("generate", "text", "--prompt", "ZZ", "--steps", "1")
    assert "--prompt must have characters that text knows; got 'ZZ'" in said.err
    assert call("predict", "text", "b.txt", "--output", "out.csv").code == 0
    rows = list(csv.DictReader(Path("out.csv").read_text().splitlines()))
    assert "".join(row["token"] for row in rows) == "not to b\N{REPLACEMENT CHARACTER}"
    # The first token was foretold by nothing; the others cost what `evaluate` says, but for the last.
    assert float(rows[0]["nats"]) == 0
    assert 0 < sum(float(row["nats"]) for row in rows) < 9 * score["cost"]
    assert call("plot", "text", "--data", "b.txt").code == 0


def test_some_sequences_are_drawn(call: Call, refuses: Call, labels: Path, here: Path, no_pictures: None) -> None:
    said = call("plot", "sequences")
    assert said.code == 0, said.err
    names = [line.split("/")[-1] for line in said.out.splitlines()]
    assert names[:3] == ["learning.png", "sequences.png", "focus.png"]
    assert "lengths.png" not in names
    table(here / "new.csv", 2)
    assert call("plot", "sequences", "--data", "new.csv", "--output", "there").code == 0
    assert Path("there/sequences.png").is_file()
    said = refuses("plot", "sequences", "--lengths", "3").err
    assert "--lengths has no effect on your own sequences: some of them are drawn" in said
    assert labels.is_dir()


def test_what_is_for_own_sequences_is_refused_elsewhere(refuses: Call, labels: Path, tiny: Path) -> None:
    assert "RUN must have learned your own sequences" in refuses("predict", "tiny", "x.csv", "--output", "x.npz").err
    assert "--last is for a run" in refuses("evaluate", "runs/sequences/model", "--task", "copy", "--last").err
    assert "--data is for your own sequences; tiny learned copy" in refuses("evaluate", "tiny", "--data", "x.csv").err
    assert "--data is for your own sequences; tiny learned copy" in refuses("plot", "tiny", "--data", "x.csv").err
    said = refuses("evaluate", "sequences", "--lengths", "3").err
    assert "--lengths has no effect on your own sequences: each is scored once" in said
    said = refuses("generate", "sequences", "--prompt", "data.csv", "--steps", "1", "--output", "x.csv").err
    assert "sequences learned targets, not what comes next" in said
    assert tiny.is_dir()
    assert labels.is_dir()
