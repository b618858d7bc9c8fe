from pathlib import Path

import pytest

from neuraltape.training.metrics import MetricsFile, read_metrics


def write(path: Path, *steps: int) -> None:
    file = MetricsFile(path, 10**9)
    for step in steps:
        file.append({"step": step})
    file.close()


def test_lines_come_back_and_are_added_to(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, 1, 2)
    write(path, 3)
    assert read_metrics(path) == [{"step": 1}, {"step": 2}, {"step": 3}]


def test_a_line_can_be_read_as_soon_as_it_is_written(tmp_path: Path) -> None:
    file = MetricsFile(tmp_path / "m", 0)
    file.append({"step": 1})
    assert read_metrics(tmp_path / "m") == [{"step": 1}]
    file.close()


def test_going_on_drops_later_lines_and_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "m"
    write(path, 1, 2, 2, 3, 4)
    with path.open("a") as file:
        file.write('{"step": 5, "bi')
    file = MetricsFile(path, 2)
    file.append({"step": 3, "new": True})
    file.close()
    assert read_metrics(path) == [{"step": 1}, {"step": 2}, {"step": 2}, {"step": 3, "new": True}]


def test_a_torn_last_line_is_left_out_while_reading(tmp_path: Path) -> None:
    (tmp_path / "m").write_text('{"step": 1}\n{"step": 2')
    assert read_metrics(tmp_path / "m") == [{"step": 1}]


@pytest.mark.parametrize("line", ["nonsense", "[1]", "3"])
def test_a_broken_line_inside_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "m").write_text(f'{{"step": 1}}\n{line}\n{{"step": 2}}\n')
    with pytest.raises(ValueError, match=r"m, line 2"):
        read_metrics(tmp_path / "m", 10)
    if line == "nonsense":
        with pytest.raises(ValueError, match=r"m, line 2"):
            read_metrics(tmp_path / "m")
