import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from neuraltape.cli.errors import UsageError
from neuraltape.cli.main import COMMANDS, main
from neuraltape.cli.output import check_output, first_on_host, first_process, say_table, show


@pytest.mark.parametrize(
    ("variables", "first", "on_host"),
    [
        ({}, True, True),
        ({"RANK": "2", "LOCAL_RANK": "0"}, False, True),
        ({"RANK": "3", "LOCAL_RANK": "1"}, False, False),
        ({"SLURM_NTASKS": "4", "SLURM_PROCID": "2", "SLURM_LOCALID": "0"}, False, True),
        ({"SLURM_NTASKS": "4", "SLURM_PROCID": "3", "SLURM_LOCALID": "1"}, False, False),
    ],
)
def test_one_process_speaks_and_on_each_host_one_says_what_went_wrong(
    variables: dict[str, str],
    first: bool,
    on_host: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("RANK", "LOCAL_RANK", "SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert (first_process(), first_on_host()) == (first, on_host)
    assert main(["nothing"]) == 2
    assert bool(capsys.readouterr().err) == on_host


def test_a_table_is_as_wide_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(["name", "x"], [["a" * 150, "1"], ["b", "22"]])
    assert capsys.readouterr().out.splitlines() == [f"{'name':150}  x", f"{'a' * 150}  1", f"{'b':150}  22"]


def test_where_no_file_can_come_to_be_is_said_before_the_work(tmp_path: Path) -> None:
    check_output(tmp_path / "new" / "newer" / "x.gif")
    (tmp_path / "file").touch()
    check_output(tmp_path / "file")
    with pytest.raises(UsageError, match=r"must be a file; .* is a folder"):
        check_output(tmp_path)
    for path in (tmp_path / "file" / "x.gif", tmp_path / "file" / "new" / "x.gif"):
        with pytest.raises(UsageError, match=r"must be a folder, or in one; .*file is a file"):
            check_output(path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize(
    "words", [["tasks"], [], ["--version"], *([name, "--help"] for name in COMMANDS)], ids="-".join
)
def test_an_output_that_is_full_is_named(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open("/dev/full", "w") as full, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", full)
        assert main(words) == 2
    assert capsys.readouterr().err == "neuraltape: standard output: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_table_on_a_full_output_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table("name")
    table.add_row("x")
    with open("/dev/full", "w") as full, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", full)
        with pytest.raises(OSError, match="No space left") as error:
            show(table)
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
    assert error.value.filename == "standard output"


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("redirection", "code"),
    [("> /dev/full", 2), (">&-", 0), ("2>&-", 0), ("| true", 0)],
    ids=["full", "out", "err", "pipe"],
)
def test_the_program_ends_quietly_where_nobody_hears_it(redirection: str, code: int) -> None:
    if "full" in redirection and not Path("/dev/full").exists():
        pytest.skip("only Linux has a device that is always full")
    script = f"set -o pipefail; '{sys.executable}' -m neuraltape {redirection}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=200)
    said = ["neuraltape: standard output: No space left on device"] if code else []
    assert (done.returncode, done.stderr.splitlines()) == (code, said)
