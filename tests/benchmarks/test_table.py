import json

import pytest

from benchmarks.table import Column, Table, percent, scaled, significant, whole
from benchmarks.timing import Spread

TABLE = Table(
    "speed",
    "Speed",
    (Column("side", "side"), Column("seconds", "ms", scaled(1e3)), Column("ratio", "ratio", significant)),
    ({"side": "ours", "seconds": Spread((0.001, 0.002, 0.003)), "ratio": 0.5}, {"side": "theirs", "seconds": 0.004}),
    ("A note.",),
)


def test_a_spread_is_shown_as_median_and_quartiles_and_a_missing_value_as_a_dash() -> None:
    assert TABLE.markdown().splitlines() == [
        "## Speed",
        "",
        "| side | ms | ratio |",
        "|---|---:|---:|",
        "| ours | 2.00 (1.50 to 2.50) | 0.500 |",
        "| theirs | 4.00 | - |",
        "",
        "A note.",
    ]


def test_json_keeps_numbers_in_their_own_unit() -> None:
    plain = json.loads(json.dumps(TABLE.plain()))
    assert plain["rows"] == [
        {"side": "ours", "seconds": {"median": 0.002, "low": 0.0015, "high": 0.0025, "rounds": 3}, "ratio": 0.5},
        {"side": "theirs", "seconds": 0.004},
    ]


def test_a_value_without_a_column_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'speed' must have the keys \['side'\]; got \['sied'\]"):
        Table("speed", "Speed", (Column("side", "side"),), ({"sied": "ours"},))


@pytest.mark.parametrize(
    ("show", "value", "text"),
    [
        (significant, 0.012345, "0.0123"),
        (significant, 1.2345, "1.23"),
        (significant, 123.45, "123"),
        (significant, 999.7, "1,000"),
        (significant, 1234.5, "1,230"),
        (significant, 0.00001234, "0.0000123"),
        (significant, 0, "0.00"),
        (scaled(1e6), 0.000_049_96, "50.0"),
        (whole, 16384, "16,384"),
        (percent, 0.255, "26 %"),
    ],
)
def test_numbers_read_well(show, value: float, text: str) -> None:
    assert show(value) == text
