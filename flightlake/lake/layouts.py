"""The columns a Parquet file has, by its footer, and whether a table can be read from it by name.

Iceberg finds columns by field id, the engine by name.  The two agree for a file unless the
table's columns were renamed, re-added or changed in type since it was written; such files are
refused here, before any row is read.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.schema import Schema
from pyiceberg.types import IcebergType, ListType, MapType, NestedField, StructType

from flightlake.errors import Unsupported
from flightlake.lake.arrow_types import arrow_type

_FIELD_ID = b"PARQUET:field_id"
_WIDER: dict[pa.DataType, tuple[pa.DataType, ...]] = {
    pa.int32(): (pa.int8(), pa.int16()),
    pa.int64(): (pa.int8(), pa.int16(), pa.int32()),
    pa.float64(): (pa.float32(),),
}


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of a file, or a part of a nested one.

    ``field_id`` is None where the file has none.  ``type`` is the plain Arrow type of a leaf,
    or the name of a nested kind (``struct``, ``list``, ``map``), whose ``parts`` follow.
    """

    field_id: int | None
    name: str
    type: pa.DataType | str
    parts: tuple["FileColumn", ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The columns of all files that have equal Parquet schemas.

    ``legacy_timestamps`` says that there are INT96 columns.
    """

    columns: tuple[FileColumn, ...]
    legacy_timestamps: bool


def layout_of(schema: pq.ParquetSchema) -> Layout:
    """Return the columns of a footer's schema.

    Raises:
        Unsupported: A type that Arrow has no word for.
    """
    try:
        fields = schema.to_arrow_schema()
    except (pa.ArrowException, NotImplementedError) as unknown:
        raise Unsupported("has files with columns of a type that is not read") from unknown
    kinds = {schema.column(index).physical_type for index in range(len(schema))}
    return Layout(tuple(_file_column(field) for field in fields), "INT96" in kinds)


def check_layout(
    layout: Layout, schema: Schema, identity_sources: Collection[int], table: str
) -> None:
    """Refuse *layout* if reading it by the names in *schema* would give other rows.

    Args:
        layout: What the file has.
        schema: What the table has now.
        identity_sources: Ids of columns whose value a file may leave to its partition.
        table: The name of the table, for the message.

    Raises:
        Unsupported: Says which column, and what happened to it.
    """

    def refuse(reason: str) -> Unsupported:
        return Unsupported(
            f"table {table} {reason}; rewrite the table's data files to read it for now"
        )

    if layout.legacy_timestamps:
        raise refuse("has files with timestamps in the old INT96 form")
    if layout.columns and all(column.field_id is None for column in layout.columns):
        raise refuse("has files without field ids")
    by_id = {column.field_id: column for column in layout.columns if column.field_id is not None}
    names = [column.name for column in layout.columns]
    for field in schema.fields:
        column = by_id.get(field.field_id)
        if names.count(field.name) > (0 if column is None or column.name != field.name else 1):
            raise refuse(f"has files in which '{field.name}' is another column")
        if column is None:
            _check_absent(field, identity_sources, refuse)
        elif column.name != field.name:
            raise refuse(f"has files written before column '{field.name}' was renamed")
        elif not _readable_as(column, field.field_type):
            raise refuse(f"has files in which column '{field.name}' has another type")


def _check_absent(
    field: NestedField, identity_sources: Collection[int], refuse: Callable[[str], Unsupported]
) -> None:
    if field.field_id in identity_sources:
        raise refuse(f"has files that leave column '{field.name}' to their partition")
    if field.initial_default is not None:
        raise refuse(f"has files written before column '{field.name}' and its default were added")
    if field.required:
        raise refuse(f"has files without the required column '{field.name}'")


def _file_column(field: pa.Field) -> FileColumn:
    told = (field.metadata or {}).get(_FIELD_ID)
    field_id = int(told) if told is not None and int(told) >= 0 else None
    kind = _stored(field.type)
    if pa.types.is_struct(kind):
        parts = tuple(_file_column(kind.field(index)) for index in range(kind.num_fields))
        return FileColumn(field_id, field.name, "struct", parts)
    if pa.types.is_map(kind):
        parts = (_file_column(kind.key_field), _file_column(kind.item_field))
        return FileColumn(field_id, field.name, "map", parts)
    if isinstance(kind, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        return FileColumn(field_id, field.name, "list", (_file_column(kind.value_field),))
    return FileColumn(field_id, field.name, kind)


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


def _readable_as(column: FileColumn, iceberg: IcebergType) -> bool:
    """Whether a file's top-level column can stand for a table's: the same, or widened."""
    if not iceberg.is_primitive:
        return _same(column, iceberg)
    wanted = arrow_type(iceberg)
    if column.type == wanted or column.type in _WIDER.get(wanted, ()):
        return True
    stored = column.type
    return (
        not isinstance(stored, str)
        and pa.types.is_decimal(wanted)
        and pa.types.is_decimal(stored)
        and stored.scale == wanted.scale
        and stored.precision <= wanted.precision
    )


def _same(column: FileColumn, iceberg: IcebergType) -> bool:
    """Whether a nested column is the same in file and table: ids, member names and types."""
    if iceberg.is_primitive:
        return bool(column.type == arrow_type(iceberg))
    if isinstance(iceberg, StructType):
        return column.type == "struct" and _all_same(column.parts, iceberg.fields, named=True)
    if isinstance(iceberg, ListType):
        return column.type == "list" and _all_same(
            column.parts, (iceberg.element_field,), named=False
        )
    return (
        isinstance(iceberg, MapType)
        and column.type == "map"
        and _all_same(column.parts, (iceberg.key_field, iceberg.value_field), named=False)
    )


def _all_same(parts: Sequence[FileColumn], fields: Sequence[NestedField], named: bool) -> bool:
    """Compare members; those of lists and maps are called differently by every writer."""
    return len(parts) == len(fields) and all(
        part.field_id == field.field_id
        and (not named or part.name == field.name)
        and _same(part, field.field_type)
        for part, field in zip(parts, fields, strict=True)
    )
