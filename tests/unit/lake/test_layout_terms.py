"""Partition values are those that pyiceberg computes, and stretches of them are found."""

from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform, HourTransform, MonthTransform, YearTransform
from pyiceberg.types import DateType, LongType, NestedField, TimestampType

from flightlake.errors import InvalidSql, Unsupported
from flightlake.lake.layout_terms import LayoutTerm, partition_columns, partition_spec, runs

_EPOCH = datetime(1970, 1, 1)
_TRANSFORMS = {
    "year": YearTransform(), "month": MonthTransform(), "day": DayTransform(),
    "hour": HourTransform(),
}  # fmt: skip
SCHEMA = Schema(
    NestedField(1, "at", TimestampType()),
    NestedField(2, "on", DateType()),
    NestedField(3, "n", LongType()),
    NestedField(4, "at_day", LongType()),
)


@settings(deadline=None)
@given(st.lists(st.none() | st.datetimes(datetime(1600, 1, 1), datetime(2400, 1, 1))))
def test_moments_are_cut_as_by_pyiceberg(moments: list[datetime | None]) -> None:
    column = pa.array(moments, pa.timestamp("us"))
    batch = pa.record_batch({"at": column})
    for name, transform in _TRANSFORMS.items():
        (got,) = partition_columns([LayoutTerm(name, "at")], batch)
        real = transform.transform(TimestampType())
        micros = [None if m is None else (m - _EPOCH) // timedelta(microseconds=1) for m in moments]
        assert got.to_pylist() == [real(m) for m in micros]


@settings(deadline=None)
@given(st.lists(st.none() | st.dates(date(1600, 1, 1), date(2400, 1, 1))))
def test_days_are_cut_as_by_pyiceberg(days: list[date | None]) -> None:
    batch = pa.record_batch({"on": pa.array(days, pa.date32())})
    for name in ("year", "month", "day"):
        (got,) = partition_columns([LayoutTerm(name, "on")], batch)
        real = _TRANSFORMS[name].transform(DateType())
        numbers = [None if day is None else (day - date(1970, 1, 1)).days for day in days]
        assert got.to_pylist() == [real(number) for number in numbers]


@given(st.lists(st.tuples(st.none() | st.integers(0, 2), st.none() | st.sampled_from("ab"))))
def test_stretches_cover_all_rows_and_hold_one_value_each(
    rows: list[tuple[int | None, str | None]],
) -> None:
    columns = [
        pa.array([number for number, _ in rows], pa.int64()),
        pa.array([text for _, text in rows], pa.string()),
    ]
    found = runs(columns, len(rows))
    assert [row for start, length in found for row in range(start, start + length)] == list(
        range(len(rows))
    )
    assert all(len(set(rows[start : start + length])) == 1 for start, length in found)
    borders = [start for start, _ in found[1:]]
    assert all(rows[border] != rows[border - 1] for border in borders)


def test_without_terms_all_rows_are_one_stretch() -> None:
    assert runs([], 3) == [(0, 3)]
    assert runs([], 0) == []


def test_a_spec_gives_ids_that_the_table_never_gave() -> None:
    spec = partition_spec([LayoutTerm("month", "at"), LayoutTerm("identity", "n")], SCHEMA, 4, 1005)
    assert spec.spec_id == 4
    assert [(f.source_id, f.field_id, f.name) for f in spec.fields] == [
        (1, 1006, "at_month"), (3, 1007, "n"),
    ]  # fmt: skip
    assert partition_spec([], SCHEMA, 0, None).is_unpartitioned()


@pytest.mark.parametrize(
    ("terms", "error", "words"),
    [
        ([LayoutTerm("bucket", "n, 4")], Unsupported, "not written here"),
        ([LayoutTerm("bucket[0]", "n")], Unsupported, r"bucket\(0, n\) is not written"),
        ([LayoutTerm("truncate[2]", "at")], InvalidSql, "cannot be cut so"),
        ([LayoutTerm("identity", "m")], InvalidSql, "no column 'm'"),
        ([LayoutTerm("day", "n")], InvalidSql, "cannot be cut so"),
        ([LayoutTerm("hour", "on")], InvalidSql, "cannot be cut so"),
        ([LayoutTerm("day", "at")], InvalidSql, "another name"),
        ([LayoutTerm("year", "at"), LayoutTerm("year", "at")], InvalidSql, "twice"),
    ],
)
def test_what_cannot_be_cut_is_said(
    terms: list[LayoutTerm], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        partition_spec(terms, SCHEMA, 0, None)
