"""Records of Avro files that carry Iceberg field ids, found by id and not by place."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyiceberg.types import IcebergType, ListType, StructType


def positions(struct: StructType) -> dict[int, int]:
    """Return where in a record each field of *struct* is, by field id."""
    return {member.field_id: position for position, member in enumerate(struct.fields)}


def struct_at(struct: StructType, field_id: int) -> StructType:
    """Return the struct that is the member *field_id* of *struct*, or its items if a list.

    Raises:
        ValueError: There is no such member, or it is something else.
    """
    member = struct.field(field_id)
    found: IcebergType | None = None if member is None else member.field_type
    if isinstance(found, ListType):
        found = found.element_type
    if not isinstance(found, StructType):
        raise ValueError(f"field {field_id} is not a struct")
    return found


def value_at(record: Sequence[Any], at: Mapping[int, int], field_id: int) -> Any:
    """Return a value of *record*, or None where its file has no such field."""
    position = at.get(field_id)
    return None if position is None else record[position]
