import json
from pathlib import Path
from typing import Any

import pytest

from neuraltape.runs.metrics import Metrics, MetricsFile, metrics_in, read_metrics, read_tail


def about(step: int, **more: object) -> dict[str, Any]:
    return {"kind": "training", "step": step, "sequences": 4 * step, **more}


def write(path: Path, *steps: int) -> None:
    file = MetricsFile(path, 10**9)
    for step in steps:
        file.append(about(step))
    file.close()


def test_lines_come_back_and_are_added_to(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, 1, 2)
    write(path, 3)
    assert list(read_metrics(path).lines) == [about(1), about(2), about(3)]


def test_a_line_can_be_read_as_soon_as_it_is_written(tmp_path: Path) -> None:
    file = MetricsFile(tmp_path / "m", 0)
    file.append(about(1))
    assert list(read_metrics(tmp_path / "m").lines) == [about(1)]
    file.close()


def test_going_on_drops_later_lines_and_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "m"
    write(path, 1, 2, 2, 3, 4)
    with path.open("a") as file:
        file.write('{"step": 5, "bi')
    file = MetricsFile(path, 2)
    file.append(about(3, new=True))
    file.close()
    assert list(read_metrics(path).lines) == [about(1), about(2), about(2), about(3, new=True)]


def test_a_torn_last_line_is_left_out_while_reading(tmp_path: Path) -> None:
    (tmp_path / "m").write_text(f'{json.dumps(about(1))}\n{{"step": 2')
    assert list(read_metrics(tmp_path / "m").lines) == [about(1)]


BROKEN = {
    "nonsense": b"nonsense",
    "list": b"[1]",
    "number": b"3",
    "null": b"null",
    "no kind": b'{"step": 1, "sequences": 4}',
    "no sequences": b'{"kind": "training", "step": 1}',
    "no step": b'{"kind": "training", "sequences": 4}',
    "text": b'{"kind": "training", "step": "1", "sequences": 4}',
    "infinite": b'{"kind": "training", "step": 1, "sequences": 1e999}',
    "deep": b"[" * 10**5,
    "bytes": b"\xff\xfe",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_line_inside_is_named(tmp_path: Path, name: str) -> None:
    first, last = (json.dumps(about(step)).encode() for step in (1, 2))
    (tmp_path / "m").write_bytes(b"\n".join([first, BROKEN[name], last, b""]))
    for step in (10, None):
        with pytest.raises(ValueError, match=r"m, line 2: not a line of metrics"):
            read_metrics(tmp_path / "m", step)


LINES = (
    {"kind": "training", "sequences": 500, "bits": 9.0},
    {"kind": "evaluation", "sequences": 1000, "bits": 0.05},
    {"kind": "training", "sequences": 1000, "bits": 0.04},
    {"kind": "evaluation", "sequences": 2000, "bits": 0.03},
    {"kind": "confirmation", "sequences": 2000, "bits": 0.06},
    {"kind": "evaluation", "sequences": 3000, "bits": None},
)


def test_what_training_cost_is_never_a_score() -> None:
    metrics = Metrics(LINES)
    assert [line["bits"] for line in metrics.training] == [9.0, 0.04]
    assert [line["sequences"] for line in metrics.scores] == [1000, 2000]


def test_a_confirmation_counts_instead_of_its_evaluation_and_what_is_not_finite_does_not() -> None:
    metrics = Metrics(LINES)
    assert [line["bits"] for line in metrics.scores] == [0.05, 0.06]
    assert metrics.confirmations == [LINES[4]]


def test_a_training_is_as_far_as_its_last_line_of_any_kind() -> None:
    assert Metrics(LINES).sequences == 3000
    assert Metrics(LINES[:1]).sequences == 500
    assert Metrics().sequences is None


def test_of_a_part_of_a_file_the_whole_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in LINES) + '{"kind": "tra')
    size = len("\n".join(json.dumps(line) for line in LINES[4:])) + 20
    assert read_tail(path, size).lines == LINES[4:]
    assert read_tail(path, 10**6).lines == LINES
    assert read_tail(tmp_path / "none", 100) == Metrics()


@pytest.mark.parametrize("line", [b"", b"3", b'{"sequences": 1}', b'{"kind": "training"}', b"[" * 10**5])
def test_lines_that_are_none_are_left_out(line: bytes) -> None:
    assert metrics_in([line]) == Metrics()
