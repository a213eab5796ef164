"""The columns a Parquet file has, by its footer; ``mapping`` says what they are to a table."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from flightlake.errors import Unsupported

_FIELD_ID = b"PARQUET:field_id"

INT96 = "int96"
"""Timestamps in an old form.  Arrow takes them for nanoseconds, which hold too few years; the
engine is set to read them as microseconds, as other readers of Iceberg do."""


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of a file, or a part of a nested one.

    ``field_id`` is None where the file has none.  ``type`` is the plain Arrow type of a leaf, or
    ``INT96``; or the name of a nested kind (``struct``, ``list``, ``map``), whose ``parts`` follow.
    """

    field_id: int | None
    name: str
    type: pa.DataType | str
    parts: tuple["FileColumn", ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The columns of all files that have equal Parquet schemas."""

    columns: tuple[FileColumn, ...]


def layout_of(schema: pq.ParquetSchema) -> Layout:
    """Return the columns of a footer's schema.

    Raises:
        Unsupported: A type that Arrow has no word for.
    """
    try:
        fields = schema.to_arrow_schema()
    except (pa.ArrowException, NotImplementedError) as unknown:
        raise Unsupported("has files with columns of a type that is not read") from unknown
    leaves = (schema.column(index).physical_type for index in range(len(schema)))
    return Layout(tuple(_file_column(field, leaves) for field in fields))


def stored_type(column: FileColumn) -> pa.DataType:
    """Return the Arrow type of *column* with the names its file has, all of it nullable."""
    if column.type == "struct":
        return pa.struct([(part.name, stored_type(part)) for part in column.parts])
    if column.type == "list":
        (element,) = column.parts
        return pa.list_(pa.field("element", stored_type(element)))
    if column.type == "map":
        key, value = column.parts
        return pa.map_(stored_type(key), stored_type(value))
    return pa.timestamp("us") if column.type == INT96 else column.type


def _file_column(field: pa.Field, leaves: Iterator[str]) -> FileColumn:
    """Return *field* as a column; *leaves* are the physical types of it and what follows it."""
    told = (field.metadata or {}).get(_FIELD_ID)
    field_id = int(told) if told is not None and int(told) >= 0 else None
    kind = _stored(field.type)
    if pa.types.is_struct(kind):
        parts = tuple(_file_column(kind.field(index), leaves) for index in range(kind.num_fields))
        return FileColumn(field_id, field.name, "struct", parts)
    if pa.types.is_map(kind):
        parts = (_file_column(kind.key_field, leaves), _file_column(kind.item_field, leaves))
        return FileColumn(field_id, field.name, "map", parts)
    if isinstance(kind, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        return FileColumn(field_id, field.name, "list", (_file_column(kind.value_field, leaves),))
    return FileColumn(field_id, field.name, INT96 if next(leaves) == "INT96" else kind)


def _stored(kind: pa.DataType) -> pa.DataType:
    """Return the plain type that a file stores, whatever its writer held in memory."""
    if isinstance(kind, pa.BaseExtensionType):
        return _stored(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _stored(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp(kind.unit, "UTC")
    return kind
