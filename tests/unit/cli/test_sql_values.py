import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from flightlake.cli import sql_values

_NANOSECONDS = pa.array([1_700_000_000_123_456_789, None], pa.timestamp("ns"))


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1, None], pa.int8()), ["1", None]),
        (pa.array([True, None]), ["true", None]),
        (pa.array(["", "NULL", None]), ["", "NULL", None]),
        (pa.array([Decimal("1.50")], pa.decimal128(15, 2)), ["1.50"]),
        (pa.array([b"\x00\xff", None]), ["\\x00ff", None]),
        (_NANOSECONDS, ["2023-11-14 22:13:20.123456789", None]),
        (pa.array([[1, None], None]), ["[1, null]", None]),
        (pa.array([{"a": 1, "b": "x"}]), ['{"a": 1, "b": "x"}']),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32())), ['[["k", 1]]']),
        (pa.array(["x", "y", "x"]).dictionary_encode(), ["x", "y", "x"]),
        (pa.nulls(2), [None, None]),
    ],
)
def test_values_are_shown_as_one_line(column: pa.Array, expected: list[str | None]) -> None:
    assert sql_values.texts(column) == expected


def test_a_month_day_nano_interval_is_shown() -> None:
    column = pa.array([pa.MonthDayNano([1, 2, 3]), None], pa.month_day_nano_interval())
    assert sql_values.texts(column) == ["P1M2DT0.000000003S", None]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1, None]), [1, None]),
        (pa.array([1.5, float("nan"), float("inf")]), [1.5, "nan", "inf"]),
        (pa.array([Decimal("0.10")], pa.decimal128(5, 2)), ["0.10"]),
        (pa.array([b"\x01"]), ["01"]),
        (_NANOSECONDS, ["2023-11-14 22:13:20.123456789", None]),
        (pa.array([datetime(2026, 1, 2, tzinfo=UTC).date()]), ["2026-01-02"]),
        (
            pa.array([{"t": timedelta(seconds=2), "l": [None, b"x"]}]),
            [{"t": 2.0, "l": [None, "78"]}],
        ),
        (pa.array([[1.0, float("nan")]]), [[1.0, "nan"]]),
        (
            pa.array([[1_700_000_000_123_456_789]], pa.list_(pa.timestamp("ns"))),
            [["2023-11-14 22:13:20.123456789"]],
        ),
    ],
)
def test_values_for_json_lose_nothing(column: pa.Array, expected: list[object]) -> None:
    plain = sql_values.plain(column)
    assert plain == expected
    json.dumps(plain, allow_nan=False)


def test_repeated_column_names_are_told_apart() -> None:
    assert sql_values.distinct(["a", "a", "a_2", "a"]) == ["a", "a_2", "a_2_2", "a_3"]


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (3 << 30, "3.0 GiB")]
)
def test_sizes_are_written_for_people(count: int, text: str) -> None:
    assert sql_values.size(count) == text
