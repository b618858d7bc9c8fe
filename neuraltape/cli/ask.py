"""`neuraltape ask`: tell facts or take the Underground, ask questions, see where the machine looked."""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from neuraltape.cli.errors import UsageError
from neuraltape.cli.output import say
from neuraltape.cli.parser import Parser
from neuraltape.cli.subject import find, open_subject
from neuraltape.cli.travel import HELLO as TRAVEL
from neuraltape.cli.travel import MAPS, Conversation, open_traveller
from neuraltape.evaluation.answerer import Answerer
from neuraltape.evaluation.session import Answer, Session, is_question
from neuraltape.nn.pretrained import PACKAGED
from neuraltape.tasks.vocabulary import FILE as VOCABULARY

MODEL = PACKAGED / "questions" / "joint"
HELLO = """Tell me facts and ask questions, in the little English of the bAbI tasks. For example:
  Mary went to the kitchen.
  Mary got the milk.
  Where is the milk?
Other words: `facts` shows what you told me, `forget` clears it, `words` shows what I know, Ctrl-D ends."""
# Facts that no hop read at least this much of are not shown.
SHOWN = 0.05
BAR = 10
# The empty slots, which a hop reads to pass over all facts.
NOTHING = "no fact"


def run(argv: Sequence[str]) -> None:
    """Talk until the input ends."""
    parser = Parser(
        "neuraltape ask [MODEL] [options]",
        "Tell a memory network facts, ask it questions, and see which facts each of its hops looked at, and how much. "
        "Or ask a machine that learned graph-traversal where a journey on the London Underground leads.",
    )
    parser.add_argument(
        "model", type=str | None, nargs="?", default=None,
        help="a trained network's folder, or a machine that learned graph-traversal: a run, a folder, a packaged model",
    )  # fmt: skip
    parser.add_argument("--map", type=str | None, default=None, help=f"journeys: {' or '.join(MAPS)} (zone 1)")
    parser.add_argument(
        "--seed", type=int | None, default=None, at_least=0, below=2**53,
        help="journeys: chooses the numbers that stand for the names, and the order in which the map is told; 0",
    )  # fmt: skip
    options = parser.parse(argv)
    folder = MODEL if options.model is None else _find(options.model)
    if (folder / VOCABULARY).is_file():
        parser.refuse_others(options, ("model",), f"is for journeys; {folder} is told facts")
        session = Session(Answerer.load(folder))
        converse(HELLO, lambda line, terminal: reply(session, line, terminal=terminal))
        return
    travels = Conversation(open_traveller(open_subject(options.model or str(MODEL)), options.map), options.seed or 0)
    converse(TRAVEL, lambda line, _: travels.reply(line))


def _find(name: str) -> Path:
    try:
        return find(name)
    except UsageError:
        raise UsageError(
            f"MODEL must be the folder of a trained network that answers questions, or a machine that learned "
            f"graph-traversal; got {name!r}"
        ) from None


def converse(hello: str, answer: Callable[[str, bool], None]) -> None:
    """Answer each line, the second argument being whether somebody sits at a terminal, until the input ends."""
    terminal = sys.stdin.isatty()
    if terminal:
        # Arrow keys and what was typed before, where Python has it.
        with suppress(ImportError):
            import readline  # noqa: F401 (importing it is what it takes)
        say(hello)
    while True:
        try:
            line = input("> " if terminal else "")
        except (EOFError, KeyboardInterrupt):
            # Ctrl-D and Ctrl-C both mean goodbye; the prompt's line is ended first.
            say() if terminal else None
            return
        answer(line.strip(), terminal)


def reply(session: Session, line: str, *, terminal: bool) -> None:
    """Do what a line asks for, and say what came of it."""
    if not line:
        return
    command = line.lower()
    if command == "facts":
        say("\n".join(f"  {number}. {fact}" for number, fact in enumerate(session.facts, start=1)) or "  none yet")
    elif command == "forget":
        session.forget()
        say("  I know nothing now.")
    elif command == "words":
        say("  " + " ".join(entry for entry in session.answerer.vocabulary.entries if "," not in entry))
    elif command in ("help", "?"):
        say(HELLO)
    else:
        try:
            if is_question(line):
                say_answer(session.ask(line))
            elif session.tell(line) == session.answerer.network.slots + 1:
                say(f"  I remember only the latest {session.answerer.network.slots} facts.")
        except ValueError as error:
            say(f"  {error}")


def say_answer(answer: Answer) -> None:
    """The answer, and under it the facts that it comes from."""
    if not answer.facts:
        say("  You haven't told me anything yet.")
        return
    say(f"  {answer.words.replace(',', ', ')}   ({answer.probability:.0%} sure)")
    # Where the weight is spread thin over many facts, the largest are still worth a look.
    least = min(SHOWN, max(max(fact.weights) for fact in answer.facts))
    rows = [(f"{fact.number}. {fact.text}", fact.weights) for fact in answer.facts] + [(NOTHING, answer.nothing)]
    rows = [(text, weights) for text, weights in rows if max(weights) >= least]
    width = max(len(text) for text, _ in rows)
    hops = range(1, len(answer.nothing) + 1)
    say(f"  {'looked at':{width}}  " + "  ".join(f"{f'hop {hop}':{BAR + 5}}" for hop in hops).rstrip())
    for text, weights in rows:
        bars = "  ".join(f"{weight:4.0%} {'█' * round(BAR * weight):{BAR}}" for weight in weights)
        say(f"  {text:{width}}  {bars}".rstrip())
