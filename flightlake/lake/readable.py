"""Whether a column of a file can be read as a column of the table."""

from collections.abc import Sequence

import pyarrow as pa
from pyiceberg.types import (
    IcebergType,
    ListType,
    MapType,
    NestedField,
    StructType,
    TimestampType,
    TimestamptzType,
)

from flightlake.lake.arrow_types import arrow_type
from flightlake.lake.layouts import INT96, FileColumn

_WIDER: dict[pa.DataType, tuple[pa.DataType, ...]] = {
    pa.int32(): (pa.int8(), pa.int16()),
    pa.int64(): (pa.int8(), pa.int16(), pa.int32()),
    pa.float64(): (pa.float32(),),
    pa.timestamp("us"): (pa.date32(),),
}


def readable_as(column: FileColumn, iceberg: IcebergType) -> bool:
    """Whether a file's column can stand for a table's: the same, or as the engine casts it.

    It widens numbers.  It takes the members of structs by name, so these may have been added,
    dropped and reordered since, but not renamed; in lists and maps only widened, for there it
    takes them by position where the writer had long lists.
    """
    if isinstance(iceberg, StructType):
        return column.type == "struct" and _members_found(column.parts, iceberg.fields)
    if not iceberg.is_primitive:
        return same(column, iceberg, widened=True)
    wanted, stored = arrow_type(iceberg), column.type
    if stored == INT96:
        return isinstance(iceberg, TimestampType | TimestamptzType)
    if stored == wanted or stored in _WIDER.get(wanted, ()):
        return True
    return (
        not isinstance(stored, str)
        and pa.types.is_decimal(wanted)
        and pa.types.is_decimal(stored)
        and stored.scale == wanted.scale
        and stored.precision <= wanted.precision
    )


def same(column: FileColumn, iceberg: IcebergType, *, widened: bool = False) -> bool:
    """Whether a column is the same in file and table: ids, member names, order and types.

    With *widened*, types may have been widened since.
    """
    if iceberg.is_primitive:
        if widened:
            return readable_as(column, iceberg)
        return bool(column.type == arrow_type(iceberg))
    if isinstance(iceberg, StructType):
        parts = column.parts
        return (
            column.type == "struct"
            and [part.name for part in parts] == [field.name for field in iceberg.fields]
            and _all_same(parts, iceberg.fields, widened)
        )
    # Elements, keys and values are called differently by every writer.
    if isinstance(iceberg, ListType):
        return column.type == "list" and _all_same(column.parts, [iceberg.element_field], widened)
    return (
        isinstance(iceberg, MapType)
        and column.type == "map"
        and _all_same(column.parts, [iceberg.key_field, iceberg.value_field], widened)
    )


def _all_same(parts: Sequence[FileColumn], fields: Sequence[NestedField], widened: bool) -> bool:
    return len(parts) == len(fields) and all(
        part.field_id == field.field_id and same(part, field.field_type, widened=widened)
        for part, field in zip(parts, fields, strict=True)
    )


def _members_found(parts: Sequence[FileColumn], fields: Sequence[NestedField]) -> bool:
    by_id = {part.field_id: part for part in parts}
    names = [part.name for part in parts]
    found = [field for field in fields if field.field_id in by_id]
    return (
        bool(found)  # the engine matches structs without common names by position, or not at all
        and len(set(names)) == len(names)
        and all(
            by_id[field.field_id].name == field.name
            and readable_as(by_id[field.field_id], field.field_type)
            if field.field_id in by_id
            # Null is put in its place, so it must be right, and no other part be taken for it.
            else field.name not in names and not field.required and field.initial_default is None
            for field in fields
        )
    )
