import json
import socket

from benchmarks.check import Finding
from benchmarks.machine import describe
from benchmarks.report import write
from benchmarks.table import Column, Table


def test_both_files_hold_machine_checks_and_tables(tmp_path) -> None:
    table = Table("speed", "Speed", (Column("side", "side"),), ({"side": "ours"},))
    paths = write(tmp_path / "new" / "results", describe(), [Finding("ours, outputs", 1e-7, 1e-5)], [table])
    kept, page = json.loads(paths[0].read_text()), paths[1].read_text()
    assert kept["tables"] == [{"name": "speed", "title": "Speed", "rows": [{"side": "ours"}], "notes": []}]
    assert kept["checks"] == [{"what": "ours, outputs", "error": 1e-7, "bound": 1e-5}]
    assert kept["machine"]["cores"] >= 1
    assert "## Speed\n\n| side |\n|---|\n| ours |\n" in page
    assert "- ours, outputs: relative error 1.0e-07 (at most 1e-05)" in page


def test_the_machine_is_not_named() -> None:
    words = {str(value) for value in describe().values()}
    assert not any(socket.gethostname() in word or "/" in word for word in words)


def test_an_error_that_is_no_number_is_not_good() -> None:
    assert Finding("outputs", 1e-7, 1e-5).good
    assert not Finding("outputs", float("nan"), 1e-5).good
