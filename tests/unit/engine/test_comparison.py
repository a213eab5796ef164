"""The query that compares two bags of rows, run by the engine."""

from collections import Counter
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import datafusion
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightlake.engine.comparison import Side, differences, is_approximate, near
from flightlake.errors import Unsupported


def _differences(expected: pa.Table, stored: pa.Table) -> Counter[tuple[Any, ...]]:
    context = datafusion.SessionContext()
    for name, table in (("e", expected), ("s", stored)):
        context.register_record_batches(name, [table.to_batches() or [_no_rows(table.schema)]])
    sql = differences(Side("(SELECT * FROM e\n)", expected.schema), Side('"s"', stored.schema))
    found: Counter[tuple[Any, ...]] = Counter()
    for batch in context.sql(sql).collect():
        for *row, weight in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            found[tuple(row)] += weight
    return found


def _no_rows(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], kind) for kind in schema.types], schema=schema)


ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, 0, 1, 2]),
        st.sampled_from([None, "", "a"]),
        st.sampled_from([None, 0.5, 1.0, float("inf")]),
    ),
    max_size=6,
)
SCHEMA = pa.schema([("k", pa.int64()), ("s", pa.string()), ("x", pa.float64())])


def _table(rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [[], [], []]
    return pa.table(
        [pa.array(column, kind) for column, kind in zip(columns, SCHEMA.types, strict=True)],
        schema=SCHEMA,
    )


@given(expected=ROWS, stored=ROWS)
@settings(max_examples=60, deadline=None)
def test_it_is_the_difference_of_two_bags(
    expected: list[tuple[Any, ...]], stored: list[tuple[Any, ...]]
) -> None:
    wanted = Counter(stored)
    wanted.subtract(Counter(expected))
    found = _differences(_table(expected), _table(stored))
    assert found == Counter({row: count for row, count in wanted.items() if count})


@pytest.mark.parametrize(
    ("query", "stored", "value"),
    [
        (pa.uint8(), pa.int32(), 200),
        (pa.uint32(), pa.int64(), 2**32 - 1),
        (pa.timestamp("ns"), pa.timestamp("us"), datetime(1969, 1, 1, 1)),
        (
            pa.timestamp("s", "Europe/Paris"),
            pa.timestamp("us", "UTC"),
            datetime(2024, 1, 1, tzinfo=UTC),
        ),
        (pa.large_string(), pa.string(), "ä"),
        (pa.string_view(), pa.string(), "b"),
        (pa.large_binary(), pa.binary(), b"\0"),
        (pa.time32("ms"), pa.time64("us"), time(1, 2, 3)),
        (pa.date32(), pa.date32(), date(1960, 1, 1)),
        (pa.decimal128(5, 2), pa.decimal128(5, 2), Decimal("-1.25")),
        (pa.bool_(), pa.bool_(), False),
        (pa.float32(), pa.float32(), 0.1),
        (pa.binary(2), pa.binary(2), b"ab"),
    ],
)
def test_values_are_compared_as_they_are_stored(
    query: pa.DataType, stored: pa.DataType, value: Any
) -> None:
    expected = pa.table({"a": pa.array([value, None], query)})
    kept = pa.table({"a": pa.array([value, None], stored)})
    assert not _differences(expected, kept)
    assert sum(map(abs, _differences(expected, kept.slice(1)).values())) == 1


@pytest.mark.parametrize(
    "value", [0.1, 1e300, 1e-300, -5e-324, float("inf"), float("nan"), 0.0, 1e290]
)
def test_numbers_are_like_themselves(value: float) -> None:
    table = pa.table({"x": [value, -value]})
    assert not _differences(table, table.take([1, 0]))


def test_numbers_that_differ_by_rounding_are_mostly_alike_and_always_near() -> None:
    values = [(number + 0.1) * 1.37**number for number in range(-300, 300)]
    moved = [value * (1 + 3e-15) for value in values]
    found = _differences(pa.table({"x": values}), pa.table({"x": moved}))
    assert len(found) < 5
    assert all(near(one, other, pa.float64()) for one, other in zip(values, moved, strict=True))


@pytest.mark.parametrize("value", [1.0, 0.1, 1e300, -7e-12])
def test_numbers_that_differ_by_more_are_neither_alike_nor_near(value: float) -> None:
    other = value * (1 + 1e-8)
    assert len(_differences(pa.table({"x": [value]}), pa.table({"x": [other]}))) == 2
    assert not near(value, other, pa.float64())


def test_near_knows_null_and_what_is_no_number() -> None:
    nan, double = float("nan"), pa.float64()
    assert near(None, None, double)
    assert near(nan, nan, double)
    assert near(0.0, -0.0, double)
    assert near(float("inf"), float("inf"), double)
    assert not near(None, 0.0, double)
    assert not near(nan, 0.0, double)
    assert not near(float("inf"), 1e300, double)
    assert near(1.0, 1.000001, pa.float32())
    assert not near(1.0, 1.000001, double)
    assert is_approximate(pa.float32())
    assert not is_approximate(pa.decimal128(3, 1))


def test_types_that_are_not_stored_are_refused() -> None:
    with pytest.raises(Unsupported):
        differences(
            Side("a", pa.schema([("x", pa.int64())])),
            Side("b", pa.schema([("x", pa.list_(pa.int64()))])),
        )
