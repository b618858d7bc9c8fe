import io
import os
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from neuraltape.cli.ask import MODEL
from neuraltape.cli.main import main
from neuraltape.evaluation.answerer import Answerer
from neuraltape.nn.memory_network import MemoryNetwork
from neuraltape.tasks.vocabulary import Vocabulary
from tests.cli.conftest import Call

WORDS = ("garden", "in", "is", "john", "kitchen", "mary", "milk,apple", "the", "where")


@pytest.fixture
def model(here: Path) -> Path:
    """A network that says "milk,apple" to everything, because of the latest fact."""
    vocabulary = Vocabulary(WORDS)
    torch.manual_seed(0)
    network = MemoryNetwork(len(vocabulary), 4, slots=2)
    with torch.no_grad():
        network.embeddings.fill_(1)
        network.embeddings[-1] = 0
        network.embeddings[-1, WORDS.index("milk,apple") + 1] = 1
        network.times[:, 0] = 50
    Answerer(network, vocabulary).save(here / "model")
    return here / "model"


@pytest.fixture
def talk(call: Call, model: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Say some lines and hear what comes back."""

    def run(*lines: str):
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return call("ask", str(model))

    return run


def test_an_answer_comes_with_what_was_looked_at(talk: Call) -> None:
    said = talk("Mary is in the kitchen.", "John is in the garden.", "Where is Mary?")
    assert said.code == 0
    answer, head, fact = said.out.splitlines()
    assert answer == "  milk, apple   (100% sure)"
    assert head.split() == ["looked", "at", "hop", "1", "hop", "2", "hop", "3"]
    assert fact.startswith("  2. John is in the garden.  100% ██████████  100% ██████████  100%")


def test_a_hop_that_passes_over_all_facts_says_so(call: Call, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = MemoryNetwork(len(WORDS) + 1, 4, slots=4)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    Answerer(network, Vocabulary(WORDS)).save(here / "blank")
    monkeypatch.setattr(sys, "stdin", io.StringIO("Mary is in the kitchen.\nWhere is Mary?\n"))
    *_, fact, nothing = call("ask", "blank").out.splitlines()
    assert fact.split()[-6:] == ["25%", "██", "25%", "██", "25%", "██"]
    assert nothing.split() == ["no", "fact", "75%", "████████", "75%", "████████", "75%", "████████"]


def test_unknown_words_empty_lines_and_the_other_words(talk: Call) -> None:
    said = talk("", "   ", "Bob is in the kitchn.", "facts", "Mary is in the kitchen.", "facts", "words", "help")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0] == "  I don't know the word 'bob'; I don't know the word 'kitchn' (did you mean kitchen?)"
    assert lines[1:3] == ["  none yet", "  1. Mary is in the kitchen."]
    assert lines[3] == "  garden in is john kitchen mary the where"
    assert lines[4].startswith("Tell me facts and ask questions")


def test_nothing_told_is_said_instead_of_a_guess(talk: Call) -> None:
    said = talk("Where is Mary?", "Mary is in the kitchen.", "forget", "Where is Mary?")
    nothing = "  You haven't told me anything yet."
    assert said.out.splitlines() == [nothing, "  I know nothing now.", nothing]


def test_more_facts_than_fit_are_said(talk: Call) -> None:
    said = talk(*["Mary is in the kitchen."] * 4)
    assert said.out == "  I remember only the latest 2 facts.\n"


def test_a_folder_that_is_no_model_is_one_line(refuses: Call, here: Path) -> None:
    assert "MODEL must be the folder of a trained network" in refuses("ask", "nowhere").err
    (here / "empty").mkdir()
    assert "MODEL must be the folder of a trained network" in refuses("ask", "empty").err


def test_the_packaged_network_answers_without_anything_else(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    if not MODEL.is_dir():
        pytest.skip("no network comes with this package")
    monkeypatch.setattr(
        sys, "stdin", io.StringIO("Mary went to the kitchen.\nJohn went to the garden.\nWhere is Mary?\n")
    )
    assert call("ask").out.startswith("  kitchen ")


# Makes the terminal the program's own, so that Ctrl-C reaches it as a signal; tests in the background ignore it.
OWN = (
    "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, *argv: str) -> None:
        pty = pytest.importorskip("pty", reason="terminals are Unix's")
        self.screen, side = pty.openpty()
        command = [sys.executable, "-c", OWN, *argv]
        self.process = subprocess.Popen(command, stdin=side, stdout=side, stderr=side, start_new_session=True)
        os.close(side)
        self.seen = ""

    def wait_for(self, text: str) -> None:
        """Read until the text is on the screen."""
        end = time.monotonic() + 120
        while text not in self.seen:
            ready, _, _ = select.select([self.screen], [], [], 1)
            assert time.monotonic() < end, self.seen
            if ready:
                self.seen += os.read(self.screen, 4096).decode()

    def type(self, text: str) -> None:
        """Press keys; what was on the screen before is forgotten."""
        self.seen = ""
        os.write(self.screen, text.encode())

    def end(self, key: str) -> int:
        """Press a key until the program ends; its exit code.

        Once may not do: a signal that comes just before readline waits is looked at when the next key comes.
        """
        try:
            for _ in range(4):
                os.write(self.screen, key.encode())
                with suppress(subprocess.TimeoutExpired):
                    return self.process.wait(timeout=20)
            raise AssertionError(self.seen)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self.screen)


def test_in_a_terminal_until_ctrl_c(model: Path) -> None:
    terminal = Terminal(sys.executable, "-m", "neuraltape", "ask", str(model))
    terminal.wait_for("> ")
    assert "Tell me facts and ask questions" in terminal.seen
    terminal.type("\n")
    terminal.wait_for("> ")
    terminal.type("Bob\n")
    terminal.wait_for("I don't know the word 'bob'")
    terminal.wait_for("> ")
    terminal.type("Mary is in the kitchen.\n")
    terminal.wait_for("> ")
    terminal.type("Where is Mary?\n")
    terminal.wait_for("1. Mary is in the kitchen.  100%")
    terminal.wait_for("\n> ")
    assert terminal.end("\x03") == 0
    assert "Traceback" not in terminal.seen


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt], ids=["Ctrl-D", "Ctrl-C"])
def test_in_a_terminal_the_prompts_line_is_ended(
    call: Call, model: Path, monkeypatch: pytest.MonkeyPatch, end: type[BaseException]
) -> None:
    class Keyboard(io.StringIO):
        def isatty(self) -> bool:
            return True

    def nothing(prompt: str) -> str:
        assert prompt == "> "
        raise end

    monkeypatch.setattr(sys, "stdin", Keyboard())
    monkeypatch.setattr("builtins.input", nothing)
    said = call("ask", str(model))
    assert said.code == 0
    assert said.out.endswith("Ctrl-D ends.\n\n")


def test_an_output_that_lacks_a_character_gets_a_question_mark(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    # As where output goes into a file on Windows.
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252"))
    monkeypatch.setattr(sys, "stdin", io.StringIO("Mary is in the kitchen.\nWhere is Mary?\n"))
    assert main(["ask", str(model)]) == 0
    sys.stdout.flush()
    assert b"1. Mary is in the kitchen.  100% ??????????" in written.getvalue()
