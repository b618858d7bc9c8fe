import io
import sys
from pathlib import Path

import pytest
import torch

from neuraltape import DNC, NTM, LSTMBaseline, Trace
from tests.cli.conftest import Call

GRAPHS = "format: 2\ntask: {name: graph-traversal}\n"


@pytest.fixture
def talk(call: Call, here: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Ask a machine that learned nothing."""
    torch.manual_seed(0)
    DNC(92, 8, 90, memory_slots=6, memory_width=4, read_heads=2).save_pretrained(here / "graphs")
    (here / "graphs" / "config.yaml").write_text(GRAPHS)

    def run(*words: str, lines: tuple[str, ...]):
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return call("ask", "graphs", *words)

    return run


def test_each_ride_comes_with_what_the_read_heads_looked_at(talk: Call) -> None:
    said = talk(lines=("", "from Victoria, Victoria line north, Central line east", "again"))
    assert said.code == 0
    lines = said.out.splitlines()
    assert "3 of 3 rides wrong" in lines[0]
    first = [line for line in lines if not line.startswith("      ")]
    assert first[1:4] == [
        "  asked: Victoria, Victoria north: ?",
        "  asked: ?, Victoria north: ?",
        "  asked: ?, Central east: ?",
    ]
    assert first[4].endswith("(should be Victoria, Victoria north: Green Park)")
    heads = [line.split(":")[0].strip() for line in lines if line.startswith("      ")]
    assert heads == ["read 1", "read 2"] * 12
    # The same journey with other numbers.
    assert first[8:11] == first[1:4]
    assert first[7] != first[0] or first[11:] != first[4:7]


def test_the_other_words_and_what_is_no_journey(talk: Call) -> None:
    said = talk("--map", "underground", lines=("stations", "lines", "help", "Pimlico, Northern"))
    stations, lines, hello, *_, refusal = said.out.splitlines()
    assert "Pimlico" in stations.split(", ")
    assert lines.strip().startswith("Bakerloo north, ")
    assert hello.startswith("Ask where a journey on the London Underground leads")
    assert refusal.startswith("  a line is needed; got 'Northern'")


def test_a_journey_is_drawn_and_traced(talk: Call, call: Call, refuses: Call, here: Path) -> None:
    talk(lines=())
    journey = ("--journey", "Victoria, Victoria north")
    assert call("trace", "graphs", *journey, "--output", "t.safetensors").code == 0
    trace = Trace.load(here / "t.safetensors")
    assert trace.labels is not None
    assert trace.inputs.shape[0] == 128
    assert "--length has no effect" in refuses("plot", "graphs", *journey, "--length", "3").err
    assert "--lengths has no effect" in refuses("plot", "graphs", *journey, "--lengths", "3").err
    assert "--map belongs to --journey" in refuses("plot", "graphs", "--map", "junctions").err
    assert "did you mean Victoria?" in refuses("plot", "graphs", "--journey", "Vicoria, Victoria north").err
    assert (
        "--sequences must be 1"
        in refuses("trace", "graphs", *journey, "--sequences", "2", "--output", "t.safetensors").err
    )


def test_options_of_journeys_are_for_machines_that_take_them(talk: Call, refuses: Call, here: Path) -> None:
    talk(lines=())
    assert "--map must be one of junctions, underground; got 'paris'" in refuses("ask", "graphs", "--map", "paris").err
    assert "--seed is for journeys" in refuses("ask", "--seed", "3").err
    NTM(9, 4, 8, memory_slots=4, memory_width=4).save_pretrained(here / "copies")
    (here / "copies" / "config.yaml").write_text("format: 2\ntask: {name: copy}\n")
    assert "copies learned copy" in refuses("ask", "copies").err
    LSTMBaseline(92, 4, 90).save_pretrained(here / "plain")
    (here / "plain" / "config.yaml").write_text(GRAPHS)
    assert "plain is a machine of the kind lstm, without a memory" in refuses("ask", "plain").err
