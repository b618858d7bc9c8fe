import os
from pathlib import Path

import pytest

from neuraltape.evaluation import Report, make_report
from neuraltape.nn import NTM
from neuraltape.tasks import Copy
from tests.evaluation.machines import Copier


def test_a_report_says_what_its_rows_are() -> None:
    report = make_report("mine", NTM(9, 4, 8, memory_slots=6, memory_width=3), Copy(), [2, 3], sequences=2, seed=5)
    assert (report.name, report.task, report.length_name, report.score_name) == (
        "mine",
        "copy",
        "vectors",
        "bits a sequence",
    )
    assert (report.trained, report.memory_slots, report.seed) == ((1, 20), 6, 5)
    assert [row.length for row in report.rows] == [2, 3]
    assert make_report("x", Copier(), Copy(), [2], sequences=1).memory_slots is None


def test_a_report_comes_back_from_its_file(tmp_path: Path) -> None:
    report = make_report("mine", Copier(faults=1), Copy(), [2, 3], sequences=2)
    report.save(tmp_path / "new" / "evaluation.json")
    assert Report.load(tmp_path / "new" / "evaluation.json") == report


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": "neuraltape-evaluation-1"}', '{"format": "other"}', "\xff"]
)
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"x\.json is no report of an evaluation"):
        Report.load(tmp_path / "x.json")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe is not a file"):
        Report.load(tmp_path / "pipe")
