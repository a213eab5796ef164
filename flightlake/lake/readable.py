"""Whether a column of a file can be read as a column of the table."""

from collections.abc import Sequence

import pyarrow as pa
from pyiceberg.types import IcebergType, ListType, MapType, NestedField, StructType

from flightlake.lake.arrow_types import arrow_type
from flightlake.lake.layouts import FileColumn

_WIDER: dict[pa.DataType, tuple[pa.DataType, ...]] = {
    pa.int32(): (pa.int8(), pa.int16()),
    pa.int64(): (pa.int8(), pa.int16(), pa.int32()),
    pa.float64(): (pa.float32(),),
}


def readable_as(column: FileColumn, iceberg: IcebergType) -> bool:
    """Whether a file's column can stand for a table's: the same, or as the engine casts it.

    It widens numbers, and takes the members of structs by name: so these may have been added,
    dropped, reordered and widened since, but not renamed.  In maps it casts no structs.
    """
    if isinstance(iceberg, StructType):
        return column.type == "struct" and _members_found(column.parts, iceberg.fields)
    if isinstance(iceberg, ListType):
        return column.type == "list" and _part_found(column.parts[0], iceberg.element_field)
    if isinstance(iceberg, MapType):
        return column.type == "map" and _map_found(column.parts, iceberg)
    wanted, stored = arrow_type(iceberg), column.type
    if stored == wanted or stored in _WIDER.get(wanted, ()):
        return True
    return (
        not isinstance(stored, str)
        and pa.types.is_decimal(wanted)
        and pa.types.is_decimal(stored)
        and stored.scale == wanted.scale
        and stored.precision <= wanted.precision
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


def _part_found(part: FileColumn, field: NestedField) -> bool:
    """Whether an element, key or value is readable; every writer calls these differently."""
    return part.field_id == field.field_id and readable_as(part, field.field_type)


def _map_found(parts: Sequence[FileColumn], iceberg: MapType) -> bool:
    key, value = parts
    plain = iceberg.value_type.is_primitive
    return (
        key.field_id == iceberg.key_id
        and same(key, iceberg.key_type)
        and value.field_id == iceberg.value_id
        and (readable_as if plain else same)(value, iceberg.value_type)
    )


def same(column: FileColumn, iceberg: IcebergType) -> bool:
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
        and same(part, field.field_type)
        for part, field in zip(parts, fields, strict=True)
    )
