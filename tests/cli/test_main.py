import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import neuraltape
from neuraltape.cli import main as program
from neuraltape.cli.main import COMMANDS, main
from neuraltape.settings import Settings
from tests.cli.conftest import TINY, Call

QUICK = [sys.executable, "-m", "neuraltape"]


def test_help_fits_a_screen_and_names_every_command(call: Call) -> None:
    said = call("--help")
    assert said.code == 0
    lines = said.out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 100
    for name, summary in COMMANDS.items():
        assert f"  {name:10}{summary}" in lines
    assert call().out == call("help").out == said.out


def test_help_and_version_come_without_torch(tmp_path: Path) -> None:
    report = "import sys\nfrom neuraltape.cli.main import main\nmain(['--help']); main(['--version'])\n"
    report += "sys.exit('torch' in sys.modules or 'jsonargparse' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", report], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.endswith(f"neuraltape {neuraltape.__version__}\n")


def test_what_a_command_imports_is_kept_from_the_collector_of_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(program.gc, "freeze", lambda: seen.append("kept"))
    with program._kept():
        assert program.gc.isenabled()
    # PyTorch has been imported: here the objects are another program's.
    assert seen == []
    monkeypatch.delitem(sys.modules, "torch")
    with suppress(ImportError), program._kept():
        seen.append(f"collects: {program.gc.isenabled()}")
        raise ImportError
    assert program.gc.isenabled()
    assert seen == ["collects: False", "kept"]


def test_python_m_neuraltape_is_the_command(tmp_path: Path) -> None:
    done = subprocess.run([*QUICK, "--version"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"neuraltape {neuraltape.__version__}\n", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(call: Call, command: str) -> None:
    said = call(command, "--help")
    assert said.code == 0
    assert said.out.startswith(f"usage: neuraltape {command}")
    # Options are shown with dashes.
    assert not re.search(r"--\w+_", said.out)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("trian", "unknown command 'trian'; did you mean train"),
        ("xyzzy", f"unknown command 'xyzzy'; expected one of {', '.join(COMMANDS)}"),
        ("--versoin", "unknown option '--versoin'; did you mean --version?"),
    ],
)
def test_an_unknown_command_is_refused(refuses: Call, word: str, hint: str) -> None:
    assert hint in refuses(word).err


def test_what_would_break_a_line_or_fill_a_screen_is_refused_in_a_short_line(refuses: Call, here: Path) -> None:
    for word in ("a\nb", "a\x1b[31mb", "a\x00b"):
        said = refuses("train", "copy", "--name", word)
        assert f"an argument must hold no control characters; got {word!r}" in said.err
    assert not list(here.iterdir())
    said = refuses("train", "copy", "x" * 3000)
    assert len(said.err) < 520
    assert said.err.startswith("neuraltape: unexpected argument 'xxx")
    assert said.err.endswith("usage: neuraltape train copy [options]\n")


def test_debug_shows_where_an_error_came_from(call: Call, refuses: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    refuses("tasks", "nothing")
    with pytest.raises(ValueError, match="TASK must be one of"):
        call("tasks", "nothing", "--debug")
    monkeypatch.setenv("NEURALTAPE_DEBUG", "1")
    with pytest.raises(ValueError, match="TASK must be one of"):
        call("tasks", "nothing")


def test_other_processes_of_a_training_say_nothing(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert call("tasks") == (0, "", "")
    assert call("tasks", "nothing") == (2, "", "")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert call("tasks").out


def test_an_interruption_is_one_line_and_130(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(words: list[str]) -> int:
        raise KeyboardInterrupt("stopped at step 3; go on with: neuraltape resume runs/copy")

    monkeypatch.setattr(program, "_run", interrupted)
    assert call("tasks") == (130, "", "neuraltape: stopped at step 3; go on with: neuraltape resume runs/copy\n")


def test_a_training_that_goes_wrong_is_1(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from neuraltape.training import NonFiniteError

    def diverges(words: list[str]) -> int:
        raise NonFiniteError("step 3: loss is not finite;\nthe batch is in x")

    monkeypatch.setattr(program, "_run", diverges)
    assert call("tasks") == (1, "", "neuraltape: step 3: loss is not finite; the batch is in x\n")


def test_an_error_of_the_program_itself_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(words: list[str]) -> int:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr(program, "_run", broken)
    with pytest.raises(KeyError, match="a mistake of ours"):
        main(["tasks"])


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*QUICK, "tasks"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_ctrl_c_says_how_to_go_on_and_resume_does(tmp_path: Path, call: Call) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [*QUICK, "train", "copy", *TINY, "--max-sequences", "10000000", "--stop-when-solved", "false"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        metrics = tmp_path / "runs" / "copy" / "metrics.jsonl"
        deadline = time.monotonic() + 200
        while not (metrics.exists() and metrics.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    last = err.splitlines()[-1]
    assert last.startswith("neuraltape: stopped at step")
    assert last.endswith("go on with: neuraltape resume runs/copy")
    assert "Traceback" not in out + err
    stopped = re.search(r"stopped at step (\d+)", last)
    assert stopped is not None
    done = int(stopped[1]) * Settings.load(tmp_path / "runs" / "copy" / "config.yaml").loop.batch_size
    said = call("resume", "runs/copy", "--max-sequences", str(done + 1))
    assert said.code == 0, said.err
    assert "wrote runs/copy" in said.out


def test_openmp_is_told_not_to_spin_before_pytorch_is_loaded() -> None:
    code = (
        "import os, sys; os.environ.pop('OMP_WAIT_POLICY', None); import neuraltape.cli.main; "
        "print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["PASSIVE", "False"]
