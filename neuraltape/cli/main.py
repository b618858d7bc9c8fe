"""The command `neuraltape`: finds the sub-command, turns errors into one line and an exit code."""

import gc
import io
import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module

from neuraltape.cli.errors import UsageError, close_matches, one_line
from neuraltape.cli.output import STANDARD_OUTPUT, first_on_host, say

# Each is a module of this package with a function `run(argv)`, imported when it is called for.
COMMANDS = {
    "train": "train a machine on a task, or on sequences of your own",
    "resume": "go on with a training that was stopped",
    "sweep": "train one task with many settings, several seeds each",
    "reproduce": "make the published results again: every recipe, several seeds, the table",
    "evaluate": "score a machine at several lengths: a table and pictures",
    "plot": "draw how a machine learned, and how it uses its memory",
    "trace": "write down everything that happens in a machine, step by step",
    "animate": "a GIF or MP4 of the tape and its heads",
    "explore": "a web page on this computer where you drive a machine",
    "predict": "what a machine says to the sequences in a file of yours",
    "generate": "go on with sequences, as a machine has learned that they go on",
    "tasks": "list the tasks, with an example of each",
    "data": "download a public data set",
    "questions": "train memory networks to answer questions; the table of several seeds",
    "ask": "tell facts, ask questions, see where the network looked",
}

# They would break lines, or colour what is said about them.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130

# OpenMP's threads, which PyTorch and the kernels use, wait for their next work by spinning, and so keep the cores from
# whatever else runs on this machine, a second training for one. It is read once, when PyTorch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments; None: the program's.

    Returns:
        The exit code: 0; 1 if a training failed; 2 for bad input; 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words or bool(os.environ.get("NEURALTAPE_DEBUG"))
    words = [word for word in words if word != "--debug"]
    for name in ("stdout", "stderr"):
        # A shell has closed it: what is said there is said to nobody, as Python's own `print` has it.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (to the end)
    for stream in (sys.stdout, sys.stderr):
        # Windows, and terminals of old, do not know every character.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        return _run(words)
    except KeyboardInterrupt as error:
        _say(one_line(error) if str(error) else "interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone.
        _write_nowhere()
        return 0
    except (ValueError, OSError, RuntimeError, MemoryError) as error:
        if debug:
            raise
        _say(one_line(error))
        if isinstance(error, OSError) and error.filename == STANDARD_OUTPUT:
            _write_nowhere()
        return _exit_code(error)


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        _print_help()
        return 0
    if words[0] == "--version":
        from neuraltape import __version__

        say(f"neuraltape {__version__}")
        return 0
    odd = next((word for word in words if CONTROL.search(word)), None)
    if odd is not None:
        raise UsageError(f"an argument must hold no control characters; got {odd!r}")
    command = words[0]
    if command not in COMMANDS:
        known = ("--help", "--version", "--debug") if command.startswith("-") else tuple(COMMANDS)
        hint = close_matches(command, known) or f"; expected one of {', '.join(known)}"
        raise UsageError(f"unknown {'option' if command.startswith('-') else 'command'} {command!r}{hint}")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _note
            with _kept():
                module = import_module(f"neuraltape.cli.{command}")
            module.run(words[1:])
    except SystemExit as error:
        # After --help.
        return error.code if isinstance(error.code, int) else 0
    return 0


@contextmanager
def _kept() -> Iterator[None]:
    """Within it the program's modules are imported, which stay to its end: the collector of garbage passes them by.

    PyTorch alone is half a million objects, and going through them again and again takes a tenth of a command's time.
    Where it has been imported before, this is somebody's program, whose objects aren't ours to keep.
    """
    if "torch" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _write_nowhere() -> None:
    """Let go of standard output: Python would try once more to write what is left for it, and speak of that."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_help() -> None:
    lines = [
        "Neural Turing Machines: recurrent networks with an external memory.",
        "",
        "usage: neuraltape COMMAND [options]",
        "",
        *(f"  {name:10}{summary}" for name, summary in COMMANDS.items()),
        "",
        "  neuraltape train copy                    learn to copy; writes runs/copy",
        "  neuraltape plot copy                     what it learned: pictures in runs/copy/figures",
        "",
        "COMMAND --help explains a command; --debug shows where an error comes from.",
    ]
    say("\n".join(lines))


def _exit_code(error: BaseException) -> int:
    """1 for a training that went wrong, 2 for anything that the user can put right."""
    if not isinstance(error, RuntimeError):
        return BAD_INPUT
    from neuraltape.training import NonFiniteError, ProcessLostError

    return FAILED if isinstance(error, NonFiniteError | ProcessLostError) else BAD_INPUT


def _note(message: Warning | str, *place: object) -> None:
    """A warning as a line of its own, without the place in the program that it came from."""
    _say(f"note: {one_line(message) if isinstance(message, Warning) else message}")


def _say(message: str) -> None:
    """One line on standard error, from one process of a training on each computer: the others may be out of reach."""
    if first_on_host():
        # Where nothing can be said, the exit code says it.
        with suppress(OSError, ValueError):
            sys.stderr.write(f"neuraltape: {message}\n")
            sys.stderr.flush()
