"""How a table is cut into partitions: terms such as ``day(ordered_at)``, and their values.

Terms that have a width are in ``wide_transforms``.

Source: Iceberg spec, "Partition Transforms".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.partitioning import PARTITION_FIELD_ID_START, PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    YearTransform,
)
from pyiceberg.types import DoubleType, FloatType

from flightlake.errors import InternalError, InvalidSql, Unsupported
from flightlake.lake.wide_transforms import WideTransform, wide_transform
from flightlake.names import nearest, quote

_EPOCH_YEAR = 1970


@dataclass(frozen=True, slots=True)
class LayoutTerm:
    """One term of PARTITIONED BY: ``transform`` (``identity``, ``bucket[4]``, …) of ``column``."""

    transform: str
    column: str

    def __str__(self) -> str:
        column = quote(self.column)
        kind, _, width = self.transform.rstrip("]").partition("[")
        if width:
            return f"{kind}({width}, {column})"
        return column if self.transform == "identity" else f"{self.transform}({column})"


def _identity(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type) or pa.types.is_time(column.type):
        return column.cast(pa.int64())
    return column.cast(pa.int32()) if pa.types.is_date32(column.type) else column


def _years(column: pa.Array) -> pa.Array:
    return pc.subtract(pc.year(_local(column)), _EPOCH_YEAR).cast(pa.int32())


def _months(column: pa.Array) -> pa.Array:
    local = _local(column)
    years = pc.subtract(pc.year(local), _EPOCH_YEAR)
    return pc.add(pc.multiply(years, 12), pc.subtract(pc.month(local), 1)).cast(pa.int32())


def _days(column: pa.Array) -> pa.Array:
    if pa.types.is_date32(column.type):
        return column.cast(pa.int32())
    return _floored(column, 86_400_000_000)


def _hours(column: pa.Array) -> pa.Array:
    return _floored(column, 3_600_000_000)


def _local(column: pa.Array) -> pa.Array:
    # Iceberg counts instants in UTC, as which they are stored.
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64()).cast(pa.timestamp("us"))
    return column


def _floored(column: pa.Array, unit: int) -> pa.Array:
    micros = column.cast(pa.int64())
    # Towards the past, also before 1970: Arrow's division goes towards zero.
    whole = np.floor_divide(micros.fill_null(0).to_numpy(zero_copy_only=False), unit)
    return pc.if_else(micros.is_valid(), pa.array(whole, pa.int64()), None).cast(pa.int32())


@dataclass(frozen=True, slots=True)
class _Transform:
    make: Callable[[], Transform[Any, Any]]
    values: Callable[[pa.Array], pa.Array]
    suffix: str


_TRANSFORMS: Mapping[str, _Transform] = {
    "identity": _Transform(IdentityTransform, _identity, ""),
    "year": _Transform(YearTransform, _years, "_year"),
    "month": _Transform(MonthTransform, _months, "_month"),
    "day": _Transform(DayTransform, _days, "_day"),
    "hour": _Transform(HourTransform, _hours, "_hour"),
}


def _transform(term: LayoutTerm) -> _Transform | WideTransform | None:
    return _TRANSFORMS.get(term.transform) or wide_transform(term.transform)


def partition_spec(
    terms: Sequence[LayoutTerm], schema: Schema, spec_id: int, last_id: int | None
) -> PartitionSpec:
    """Return the partition spec of *terms* over the columns of *schema*.

    Args:
        terms: In order; none for a table of one partition.
        schema: That of the table.
        spec_id: The id of the spec.
        last_id: The highest id of a partition field that the table ever gave.

    Raises:
        InvalidSql: There is no such column, or it cannot be cut so.
        Unsupported: The transform is not written here.
    """
    fields: list[PartitionField] = []
    next_id = (last_id or PARTITION_FIELD_ID_START - 1) + 1
    for term in terms:
        transform = _transform(term)
        if transform is None:
            raise Unsupported(
                f"PARTITIONED BY {term} is not written here; use a column itself, year, month, day"
                " or hour of one, or bucket(n, column) or truncate(n, column) with n from 1 to"
                " 2147483647"
            )
        columns = {field.name: field for field in schema.fields}
        column = columns.get(term.column)
        if column is None:
            near = nearest(term.column, columns)
            hint = f"; did you mean {near!r}?" if near else ""
            raise InvalidSql(
                f"PARTITIONED BY {term}: the query gives no column {term.column!r}{hint}"
            )
        made = transform.make()
        floating = isinstance(column.field_type, FloatType | DoubleType)
        if floating or not made.can_transform(column.field_type):
            raise InvalidSql(
                f"PARTITIONED BY {term}: a column of type {column.field_type} cannot be cut so"
            )
        name = f"{column.name}{transform.suffix}"
        if any(field.name == name for field in fields):
            raise InvalidSql(f"PARTITIONED BY names {term} twice")
        if transform.suffix and name in columns:
            raise InvalidSql(
                f"PARTITIONED BY {term} would make a partition called {name!r}, as a column is;"
                " give that column another name"
            )
        fields.append(PartitionField(column.field_id, next_id, made, name))
        next_id += 1
    return PartitionSpec(*fields, spec_id=spec_id)


def partition_columns(terms: Sequence[LayoutTerm], batch: pa.RecordBatch) -> tuple[pa.Array, ...]:
    """Return for each of *terms* the partition values of the rows, as Iceberg keeps them."""
    return tuple(partition_values(term, batch.column(term.column)) for term in terms)


def partition_values(term: LayoutTerm, column: pa.Array) -> pa.Array:
    """Return the partition values by *term* of a column, which is of a type that files have.

    Raises:
        InvalidSql: A value has none.
    """
    transform = _transform(term)
    if transform is None:  # ``partition_spec`` says so before
        raise InternalError(f"there are no values of {term}")
    return transform.values(column)


def runs(columns: Sequence[pa.Array], rows: int) -> list[tuple[int, int]]:
    """Return the stretches ``(start, length)`` of *rows* in which all *columns* stay the same."""
    if rows == 0:
        return []
    changed: npt.NDArray[np.bool_] = np.zeros(rows - 1, np.bool_)
    for column in columns:
        before, after = column.slice(0, rows - 1), column.slice(1)
        differs = pc.fill_null(pc.not_equal(before, after), False)
        ended = pc.xor(before.is_null(), after.is_null())
        changed |= pc.or_(differs, ended).to_numpy(zero_copy_only=False)
    starts = [0, *(int(place) + 1 for place in changed.nonzero()[0])]
    ends = [*starts[1:], rows]
    return [(start, end - start) for start, end in zip(starts, ends, strict=True)]
