import pytest

from neuraltape.cli.main import main
from neuraltape.cli.output import first_on_host, first_process, say_table


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
