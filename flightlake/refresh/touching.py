"""Which partitions of a view can have other rows than before, and a query for their rows alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from flightlake.engine.sql_text import SqlText, read
from flightlake.lake.layout_terms import LayoutTerm, partition_columns
from flightlake.lake.partition_choice import PartitionChoice
from flightlake.names import TableIdentifier, quote_always

MOST_VALUES = 500
"""So many partitions are made anew one by one; more are all of them."""

_UNITS = {"year": "Y", "month": "M", "day": "D", "hour": "h"}

NARROWED = frozenset({"identity", *_UNITS})
"""Transforms whose partitions are conditions on the column."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Partitions of a view: those in which *term*, its ``place``-th, has one of ``values``.

    ``values`` are as Iceberg keeps them; None is the partition of null.  ``type`` is that of the
    column in the query's result.
    """

    term: LayoutTerm
    place: int
    type: pa.DataType
    values: frozenset[Any]

    @property
    def partitions(self) -> PartitionChoice:
        return PartitionChoice(self.place, self.values)


def can_be_narrowed(term: LayoutTerm, type_: pa.DataType) -> bool:
    """Return whether a query can be narrowed to partitions by *term*, of a column of *type_*."""
    dated: bool = pa.types.is_timestamp(type_) or pa.types.is_date32(type_)
    if term.transform in _UNITS:
        return dated
    return term.transform == "identity" and (dated or any(test(type_) for test in _PLAIN))


_PLAIN = (
    pa.types.is_integer,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_boolean,
    pa.types.is_decimal128,
)


def values_query(table: TableIdentifier, column: str) -> SqlText:
    """Return the query for all values of a column of *table*, each once."""
    name = ".".join(map(quote_always, (table.catalog, table.db_schema, table.table)))
    return read(f"SELECT DISTINCT {quote_always(column)} FROM {name}")  # noqa: S608 - quoted


def partition_values(term: LayoutTerm, stored: pa.DataType, batch: pa.RecordBatch) -> set[Any]:
    """Return the partitions of the values in the only column of *batch*.

    Args:
        term: By what the view is cut.
        stored: As which type the view keeps the column.
        batch: Values of the column.

    Raises:
        ArrowInvalid: A value cannot be kept as *stored*.
    """
    column = batch.column(0)
    column = column if column.type == stored else column.cast(stored)
    kept = pa.RecordBatch.from_arrays([column], [term.column])
    return set(partition_columns([term], kept)[0].unique().to_pylist())


def narrowed(query: str, touched: Touched) -> tuple[SqlText, dict[str, pa.Scalar]]:
    """Return *query* for the rows of *touched* alone, and the values of its parameters."""
    column = quote_always(touched.term.column)
    values: list[pa.Scalar] = []

    def parameter(value: pa.Scalar) -> str:
        values.append(value)
        return f"${len(values)}"

    known = sorted(value for value in touched.values if value is not None)
    conditions = _conditions(column, touched, known, parameter)
    if None in touched.values:
        conditions.append(f"{column} IS NULL")
    whole = query.strip().rstrip(";")
    rows = f"(\n{whole}\n) AS flightlake_rows"
    text = f"SELECT * FROM {rows} WHERE {' OR '.join(conditions)}"  # noqa: S608 - the view's own
    return read(text), {str(place): value for place, value in enumerate(values, 1)}


def _conditions(
    column: str, touched: Touched, known: list[Any], parameter: Callable[[pa.Scalar], str]
) -> list[str]:
    if touched.term.transform == "identity":
        scalars = [_identical(value, touched.type) for value in known]
        return [f"{column} IN ({', '.join(map(parameter, scalars))})"] if scalars else []
    unit = _UNITS[touched.term.transform]
    conditions = []
    for first, last in _stretches(known):
        start, end = _moment(first, unit, touched.type), _moment(last + 1, unit, touched.type)
        conditions.append(f"({column} >= {parameter(start)} AND {column} < {parameter(end)})")
    return conditions


def _stretches(numbers: list[int]) -> list[tuple[int, int]]:
    """Return first and last of the stretches without a gap in *numbers*, which are sorted."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _identical(value: Any, wanted: pa.DataType) -> pa.Scalar:
    if pa.types.is_timestamp(wanted):
        return pa.scalar(value, pa.int64()).cast(pa.timestamp("us", wanted.tz)).cast(wanted)
    if pa.types.is_date32(wanted):
        return pa.scalar(value, pa.int32()).cast(wanted)
    return pa.scalar(value, wanted)


def _moment(number: int, unit: str, wanted: pa.DataType) -> pa.Scalar:
    """Return the start of the *number*-th year, month, day or hour since 1970."""
    if pa.types.is_date32(wanted):
        days = int(_start(number, unit).astype("datetime64[D]").astype(np.int64))
        return pa.scalar(days, pa.int32()).cast(wanted)
    micros = int(_start(number, unit).astype("datetime64[us]").astype(np.int64))
    return pa.scalar(micros, pa.int64()).cast(pa.timestamp("us", wanted.tz)).cast(wanted)


def _start(number: int, unit: str) -> "np.datetime64[Any]":
    return np.array([number], np.int64).astype(f"datetime64[{unit}]")[0]  # type: ignore[no-any-return]
