"""Partitions that changed, and the query for their rows alone."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from datafusion import SessionContext

from flightlake.lake.layout_terms import LayoutTerm
from flightlake.names import TableIdentifier
from flightlake.refresh.touching import (
    Touched,
    can_be_narrowed,
    narrowed,
    partition_values,
    values_query,
)

_DAYS = [date(1969, 12, 31), date(1970, 1, 1), date(1970, 1, 31), date(2024, 2, 29), None]
_MOMENTS = [datetime(1969, 12, 31, 23, 59, 59, 999999) + timedelta(hours=n) for n in range(3)]

CASES: list[tuple[str, pa.DataType, list[Any]]] = [
    ("identity", pa.int32(), [1, -1, None]),
    ("identity", pa.int64(), [1 << 40, 0, None]),
    ("identity", pa.string(), ["", "it's", "$1", "; --", None]),
    ("identity", pa.bool_(), [True, False, None]),
    ("identity", pa.decimal128(9, 2), [Decimal("1.10"), Decimal("-2.00"), None]),
    ("identity", pa.date32(), _DAYS),
    ("identity", pa.timestamp("us"), [*_MOMENTS, None]),
    ("identity", pa.timestamp("us", "UTC"), [m.replace(tzinfo=UTC) for m in _MOMENTS]),
    *((unit, pa.date32(), _DAYS) for unit in ("year", "month", "day")),
    *((unit, pa.timestamp("us"), [*_MOMENTS, None]) for unit in ("year", "month", "day", "hour")),
    *(
        (unit, pa.timestamp("us", "UTC"), [m.replace(tzinfo=UTC) for m in _MOMENTS])
        for unit in ("year", "month", "day", "hour")
    ),
]


@pytest.mark.parametrize(("transform", "type_", "values"), CASES)
def test_a_query_is_narrowed_to_just_the_rows_of_the_partitions(
    transform: str, type_: pa.DataType, values: list[Any]
) -> None:
    term = LayoutTerm(transform, "The key")
    column = pa.array(values, type_)
    rows = pa.table({"The key": column, "n": list(range(len(column)))})
    context = SessionContext()
    context.from_arrow(rows, "t")
    for chosen in range(len(column)):
        one = pa.RecordBatch.from_arrays([column.slice(chosen, 1)], ["any name"])
        touched = Touched(term, 0, type_, frozenset(partition_values(term, type_, one)))
        text, parameters = narrowed('SELECT "The key", n FROM t -- all;', touched)
        assert text.kind.value == "select"
        found = context.sql(text.engine_sql, param_values=parameters).to_arrow_table()
        expected = [
            row
            for row in range(len(column))
            if partition_values(
                term, type_, pa.RecordBatch.from_arrays([column.slice(row, 1)], ["k"])
            )
            == touched.values
        ]
        assert sorted(found["n"].to_pylist()) == expected


@pytest.mark.parametrize(
    ("transform", "type_", "can"),
    [
        ("identity", pa.int64(), True),
        ("identity", pa.string_view(), True),
        ("identity", pa.float64(), False),
        ("identity", pa.time64("us"), False),
        ("identity", pa.binary(), False),
        ("day", pa.timestamp("us", "UTC"), True),
        ("bucket[4]", pa.int64(), False),
        ("truncate[4]", pa.string(), False),
    ],
)
def test_queries_are_narrowed_to_partitions_that_a_condition_tells(
    transform: str, type_: pa.DataType, can: bool
) -> None:
    assert can_be_narrowed(LayoutTerm(transform, "c"), type_) == can


def test_stretches_of_partitions_are_one_condition() -> None:
    touched = Touched(LayoutTerm("day", "d"), 0, pa.date32(), frozenset({3, 4, 5, 9, None}))
    text, parameters = narrowed("SELECT d FROM t", touched)
    assert text.sql.count(" AND ") == 2
    assert text.sql.endswith('OR "d" IS NULL')
    assert [pc.cast(value, pa.int32()).as_py() for value in parameters.values()] == [3, 6, 9, 10]


def test_the_values_of_any_column_of_any_table_can_be_asked_for() -> None:
    text = values_query(TableIdentifier("a c", "s.t", 'o"r'), "Some $1 column")
    assert text.sql == 'SELECT DISTINCT "Some $1 column" FROM "a c"."s.t"."o""r"'
    assert not text.parameters
