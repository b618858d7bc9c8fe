"""Files of a user's own with odd content: each command takes them or says in one line why not."""

import shutil
from pathlib import Path

from tests.fuzz.conftest import SMALL, Try
from tests.fuzz.odd import Watch
from tests.fuzz.sequences import SUFFIXES, write
from tests.fuzz.test_folders import change

OUTPUTS = (".npz", ".jsonl", ".csv")
# What may be said of the data, and of how it is learned.
OPTIONS = (
    *(("--kind", kind) for kind in ("bits", "classes", "values")),
    *(("--predicts", what) for what in ("next", "targets")),
    *(("--class-weights", weights) for weights in ("balanced", "1,5", "[1,1,1]")),
    *(("--inputs", columns) for columns in ("x", "x y", "y,x", "targets", "step")),
    *(("--targets", columns) for columns in ("targets", "x", "x y")),
    *(("--scored", "last"), ("--symbols", "2"), ("--symbols", "9"), ("--classes", "3"), ("--split-seed", "1")),
    *(("--weight-decay", "0.1"), ("--input-dropout", "0.5"), ("--output-dropout", "0.5"), ("--patience", "1")),
    *(("--embedding-size", "3"), ("--embedding-size", "0"), ("--validation-fraction", "0"), ("--test-fraction", "0.3")),
    *(("--unit", "words"), ("--window", "3"), ("--window", "1"), ("--most-tokens", "1"), ("--curriculum", "doubling")),
    *(("--model", model) for model in ("lstm", "dnc", "sam", "mann")),
)
OTHER = ("--test", "--validation")
# What is no file of data, though it bears such a name or none.
STRANGE = (
    *("/dev/zero", "/dev/null", "/dev/stdin", "/proc/self/environ", "folder", "loop", "pipe", "link", "good.csv/x"),
    *("sparse.npz", "sparse.csv", "sparse.txt", "a\0b.csv", "x" * 300 + ".csv", "\ud800.csv", "runs/text", ".", ""),
)


def test_no_file_of_data_hurts_a_command(here: Path, attempt: Try) -> None:
    watch = Watch("data", 2000)
    for chance in watch.draws():
        for name in ("out", "new", "runs/fresh"):
            shutil.rmtree(here / name, ignore_errors=True)
        suffix = chance.choice(SUFFIXES)
        # Now and then a machine that learned from something else.
        run = chance.choice(("next", "classes", *["text"] * (3 if suffix == ".txt" else 1)))
        paths = [here / f"{name}{suffix}" for name in ("data", "other")]
        for path in paths:
            path.unlink(missing_ok=True)
            write(chance, path, odd=chance.choice((0.0, 0.005, 0.05)))
        path, other = paths
        how = change(chance, path) if chance.random() < 0.3 else "odd values"
        if chance.random() < 0.05:
            # Another form's content.
            path.unlink(missing_ok=True) if not path.is_dir() else path.rmdir()
            path = (here / "data").with_suffix(chance.choice(SUFFIXES))
            # An earlier draw may have left a link there that leads to itself.
            path.unlink(missing_ok=True)
            shutil.copy(other, path)
        name = path.name if chance.random() < 0.97 else chance.choice(STRANGE)
        options = [word for option in chance.sample(OPTIONS, chance.choice((0, 0, 1, 1, 2, 3))) for word in option]
        if chance.random() < 0.3:
            other = chance.choice(paths).name if chance.random() < 0.95 else chance.choice(STRANGE)
            options += [chance.choice(OTHER), other]
        train = ("train", "--data", name, "--run-dir", "runs/fresh", *SMALL, *options)
        output = f"new/x{chance.choice(OUTPUTS)}"
        calls = (
            *([train] * 4),
            ("evaluate", run, "--data", name, "--output", "out"),
            ("plot", run, "--data", name, "--output", "out"),
            ("predict", run, name, "--output", output),
            ("predict", run, name, "--output", output, "--last"),
            ("generate", run, "--prompt", name, "--steps", "2", "--output", output),
            ("generate", run, "--prompt", name, "--steps", "2", "--output", output, "--temperature", "1e-300"),
        )
        before = len(watch.found)
        attempt(watch, *chance.choice(calls))
        watch.found[before:] = [f"{each} with {how}: {peek(path)}" for each in watch.found[before:]]
        for each in (*paths, path):
            if each.is_dir():
                each.rmdir()
    watch.end()


def peek(path: Path) -> str:
    """What the file began with."""
    return repr(path.read_bytes()[:300]) if path.is_file() else "no file"
