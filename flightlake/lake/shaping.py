"""How nested columns come out of files that have them in another shape: by field id.

Members of structs may have been added, dropped, renamed, reordered and widened since the file
was written, at every depth, also in lists and maps.

Source: Iceberg spec, "Schema Evolution", "Column Projection" and "Default values".
"""

from collections.abc import Sequence

import pyarrow as pa
from pyiceberg.types import IcebergType, ListType, MapType, NestedField, StructType

from flightlake.lake.arrow_types import arrow_type
from flightlake.lake.layouts import FileColumn, stored_type
from flightlake.lake.nesting import KEPT, Kept, ListOf, MapOf, Member, Reshaped, Shape, StructOf
from flightlake.lake.readable import readable_as, same
from flightlake.lake.scalars import scalar


def reshaped(column: FileColumn, iceberg: IcebergType) -> Reshaped | None:
    """Return how a file's nested column becomes a table's; None if it cannot."""
    if iceberg.is_primitive:
        return None
    shape = _shape(column, iceberg)
    return None if shape is None else Reshaped(stored_type(column), shape)


def _shape(column: FileColumn, iceberg: IcebergType) -> Shape | None:
    if iceberg.is_primitive:
        if not readable_as(column, iceberg):
            return None
        wanted = arrow_type(iceberg)
        return KEPT if column.type == wanted else Kept(wanted)
    if same(column, iceberg):
        return KEPT
    if isinstance(iceberg, StructType) and column.type == "struct":
        return _struct(column.parts, iceberg.fields)
    if isinstance(iceberg, ListType) and column.type == "list":
        element = _part(column.parts[0], iceberg.element_field)
        return None if element is None else ListOf(element)
    if isinstance(iceberg, MapType) and column.type == "map":
        key = _part(column.parts[0], iceberg.key_field)
        value = _part(column.parts[1], iceberg.value_field)
        return None if key is None or value is None else MapOf(key, value)
    return None


def _part(part: FileColumn, field: NestedField) -> Shape | None:
    return _shape(part, field.field_type) if part.field_id == field.field_id else None


def _struct(parts: Sequence[FileColumn], fields: Sequence[NestedField]) -> StructOf | None:
    by_id = {part.field_id: part for part in parts if part.field_id is not None}
    names = [part.name for part in parts]
    members = []
    for field in fields:
        part = by_id.get(field.field_id)
        member = _absent(field) if part is None else _present(part, field)
        # The engine takes members by their names.
        if member is None or (member.stored is not None and names.count(member.stored) > 1):
            return None
        members.append(member)
    # The engine has no way to make a struct without members.
    return StructOf(tuple(members)) if members else None


def _present(part: FileColumn, field: NestedField) -> Member | None:
    shape = _shape(part, field.field_type)
    return None if shape is None else Member(field.name, part.name, shape)


def _absent(field: NestedField) -> Member | None:
    if field.initial_default is not None:
        default: pa.Scalar = scalar(field.initial_default, field.field_type)
        return Member(field.name, None, KEPT, default)
    if field.required:
        return None
    return Member(field.name, None, KEPT)
