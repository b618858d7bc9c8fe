import os
from pathlib import Path

import pytest

from neuraltape import Trace
from tests.cli.conftest import Call


def test_a_trace_is_written(call: Call, tiny: Path) -> None:
    said = call("trace", "tiny", "--output", "new/trace.safetensors", "--length", "4", "--sequences", "2")
    assert (said.code, said.out) == (0, "wrote new/trace.safetensors\n")
    trace = Trace.load("new/trace.safetensors")
    assert trace.memory is not None
    assert trace.memory.shape == (9, 2, 16, 8)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["tiny"], "--output is missing"),
        (["tiny", "--output", "x.npz"], "--output must be a file that ends in .safetensors; got 'x.npz'"),
        (["tiny", "--output", "x.safetensors", "--length", "0"], "--length must be at least 1; got 0"),
        (["none", "--output", "x.safetensors"], "got 'none'"),
        (
            ["tiny", "--output", "x.safetensors", "--seed", "-1"],
            "--seed must be at least 0 and below 18446744",
        ),
        (["tiny", "--output", "runs/tiny/config.yaml/x.safetensors"], "in one; runs/tiny/config.yaml is a file"),
        (
            ["tiny", "--output", "x.safetensors", "--data-dir", "."],
            "--data-dir is for tasks with a data set; tiny learned",
        ),
        (
            ["tiny", "--output", "x.safetensors", "--story", "s"],
            "--story is for a network that answers questions; tiny is",
        ),
        (["questions/joint", "--output", "x.safetensors"], "--story is missing"),
        (
            ["questions/joint", "--output", "x.safetensors", "--story", "nothing"],
            "--story must be a text file; nothing: No such file",
        ),
        (["questions/joint", "--output", "x.safetensors", "--story", "."], "--story must be a text file; . is not a"),
    ],
)
def test_bad_input_is_one_line(refuses: Call, tiny: Path, argv: list[str], message: str) -> None:
    assert message in refuses("trace", *argv).err
    assert not Path("x.safetensors").exists()


def test_a_file_that_is_no_trace_is_not_overwritten(call: Call, refuses: Call, tiny: Path) -> None:
    weights = tiny / "model" / "model.safetensors"
    before = weights.read_bytes()
    said = refuses("trace", "tiny", "--output", str(weights))
    assert "is there already and is no trace; name another file" in said.err
    assert weights.read_bytes() == before
    for length in ("2", "3"):
        assert call("trace", "tiny", "--output", "again.safetensors", "--length", length).code == 0


STORY = """
John went to the kitchen.
John got the milk there.
Mary went to the garden.

Where is the milk?
"""


@pytest.fixture
def story(here: Path) -> str:
    (here / "story.txt").write_text(STORY)
    return "story.txt"


def test_a_story_is_traced_with_its_sentences(call: Call, story: str) -> None:
    said = call("trace", "questions/joint", "--story", story, "--output", "trace.safetensors")
    assert (said.code, said.out) == (0, "wrote trace.safetensors\n")
    trace = Trace.load("trace.safetensors")
    assert trace.labels == (tuple(STORY.split("\n")[1:4]),)
    # The hops go from who has the milk to where that one went.
    assert [int(head.weights[0, 0].argmax()) for head in trace.heads] == [1, 1, 0]


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="pipes have no names here")
def test_a_story_comes_through_a_pipe(call: Call, refuses: Call, story: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for most in (1 << 24, 10):
        monkeypatch.setattr("neuraltape.cli.inside.MOST_BYTES", most)
        here, there = os.pipe()
        os.write(there, STORY.encode())
        os.close(there)
        words = ("trace", "questions/joint", "--story", f"/dev/fd/{here}", "--output", f"{most}.safetensors")
        if most > 10:
            assert call(*words).code == 0
        else:
            assert f"; /dev/fd/{here} is too large: expected at most 10 bytes" in refuses(*words).err
        os.close(here)


def test_a_story_is_drawn_and_animated(call: Call, story: str) -> None:
    said = call("plot", "questions/joint", "--story", story)
    assert said.out.splitlines() == [f"wrote figures/joint/{name}.png" for name in ("focus", "stages-hop")]
    assert call("animate", "questions/joint", "--story", story).out == "wrote figures/joint/tape.gif\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["trace", "--output", "x.safetensors", "--seed", "1"], "--seed is for machines that take sequences"),
        (["animate", "--length", "3"], "--length is for machines that take sequences"),
        (["plot", "--memory-slots", "3"], "--memory-slots is for machines that take sequences"),
        (["plot", "--lengths", "3"], "--lengths is for machines that take sequences"),
    ],
)
def test_what_a_story_has_no_use_for_is_refused(refuses: Call, story: str, argv: list[str], message: str) -> None:
    assert message in refuses(argv[0], "questions/joint", "--story", story, *argv[1:]).err


def test_a_story_without_facts_is_refused(refuses: Call, story: str) -> None:
    Path(story).write_text("Where is the milk?\n")
    said = refuses("trace", "questions/joint", "--output", "x.safetensors", "--story", story)
    assert "--story must have a fact on each line and the question on the last; story.txt has none" in said.err
