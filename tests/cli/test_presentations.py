"""The omniglot task from the command line: training, and scores by presentation."""

import json
from pathlib import Path

import pytest

from neuraltape import Trace
from tests.cli.conftest import Call
from tests.data.archives import make_omniglot

SMALL = [
    *("--min-length", "2", "--max-length", "3", "--side", "6", "--validation-alphabets", "2", "--seed", "0"),
    *("--hidden-size", "8", "--batch-size", "8"),
    *("--max-sequences", "16", "--evaluate-every", "16", "--evaluate-sequences", "4"),
]
MEMORY = ["--memory-slots", "12", "--memory-width", "5", "--read-heads", "2"]


def train(call: Call, folder: Path, *options: str) -> None:
    said = call("train", "omniglot", "--data-dir", str(folder), *SMALL, *options)
    assert said.code == 0, said.err


@pytest.mark.parametrize("model", ["mann", "ntm", "lstm"])
def test_every_machine_is_trained_and_scored(call: Call, here: Path, model: str) -> None:
    make_omniglot(here, alphabets=6)
    train(call, here, "--model", model, *([] if model == "lstm" else MEMORY))
    said = call("evaluate", "omniglot", "--sequences", "3")
    assert said.code == 0, said.err
    assert said.out.startswith("omniglot: omniglot, validation characters; right answers by presentation")
    report = json.loads(Path("runs/omniglot/figures/presentations.json").read_text())
    assert [row["classes"] for row in report["rows"]] == [2, 3]
    assert all(len(row["accuracy"]) == 10 for row in report["rows"])


@pytest.mark.usefixtures("no_pictures")
def test_a_machine_that_learned_from_one_example_is_drawn(call: Call, here: Path) -> None:
    make_omniglot(here, alphabets=6)
    train(call, here, "--model", "mann", *MEMORY)
    said = call("plot", "omniglot", "--sequences", "2")
    assert said.code == 0, said.err
    drawn = {path.stem for path in Path("runs/omniglot/figures").iterdir()}
    inside = {"focus", "writes", "memory", "gates", "stages-write", "stages-read"}
    assert drawn == {"learning", "outputs", "lengths"} | inside


def test_a_machine_that_learned_from_one_example_is_traced_and_animated(
    call: Call, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    # What animations look like is for the tests of plotting; twenty frames take ten seconds.
    monkeypatch.setattr(
        "neuraltape.cli.animate.animate", lambda trace, path, **how: drawn.append((trace.machine, how)) or path
    )
    make_omniglot(here, alphabets=6)
    train(call, here, "--model", "mann", *MEMORY)
    assert call("trace", "omniglot", "--output", "trace.safetensors", "--data-dir", str(here)).code == 0
    trace = Trace.load("trace.safetensors")
    assert (trace.machine, len(trace.inputs)) == ("mann", 30)
    assert call("animate", "omniglot", "--length", "2").out == "wrote runs/omniglot/figures/tape.gif\n"
    assert drawn == [("mann", {"frames_per_second": 4.0})]


def test_the_official_evaluation_set_is_scored_where_it_is(call: Call, here: Path) -> None:
    make_omniglot(here, alphabets=6)
    train(call, here)
    elsewhere = here / "elsewhere"
    elsewhere.mkdir()
    make_omniglot(elsewhere, "images_evaluation", alphabets=3)
    said = call("evaluate", "omniglot", "--data-dir", "elsewhere", "--lengths", "3", "--sequences", "2")
    assert said.code == 0, said.err
    assert "evaluation characters" in said.out


def test_what_cannot_be_is_one_line(call: Call, refuses: Call, here: Path, tiny: Path) -> None:
    assert "there is no such file or folder" in refuses("train", "omniglot", "--data-dir", "nowhere").err
    make_omniglot(here, alphabets=6)
    assert (
        "validation_alphabets must be fewer"
        in refuses("train", "omniglot", "--data-dir", ".", "--validation-alphabets", "6").err
    )
    assert not Path("runs/omniglot").exists()
    train(call, here)
    assert "--lengths must be from 2 to 3 classes" in refuses("evaluate", "omniglot", "--lengths", "4").err
    assert "--format has no effect on omniglot" in refuses("evaluate", "omniglot", "--format", "svg").err
    assert "images_evaluation" in refuses("evaluate", "omniglot", "--images", "evaluation").err
    assert "--data-dir is for tasks with a data set; tiny" in refuses("evaluate", "tiny", "--data-dir", ".").err
    assert "--images is for omniglot; tiny learned copy" in refuses("evaluate", "tiny", "--images", "training").err
    broken = here / "broken"
    broken.mkdir()
    (broken / "images_evaluation.zip").write_bytes(Path("images_background.zip").read_bytes()[:1000])
    assert "broken or truncated" in refuses("evaluate", "omniglot", "--data-dir", "broken").err
