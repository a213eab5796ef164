"""From the columns a file has to those a table has: by field id, as Iceberg resolves them.

Source: Iceberg spec, "Column Projection" and "Schema Evolution".
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.name_mapping import NameMapping, parse_mapping_from_json
from pyiceberg.types import NestedField

from flightlake.errors import Unsupported
from flightlake.lake.arrow_types import arrow_type
from flightlake.lake.layouts import FileColumn, Layout
from flightlake.lake.parts import Column
from flightlake.lake.readable import readable_as
from flightlake.lake.scalars import scalar
from flightlake.lake.shaping import reshaped

_NAME_MAPPING = "schema.name-mapping.default"

Constants = Mapping[int, Any]
"""Values of identity partitions by the id of their source column, as Avro has them."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """How a file is scanned, and how the wanted columns come out of the scan."""

    schema: pa.Schema
    columns: tuple[Column, ...]


def constants_key(constants: Constants) -> tuple[tuple[int, str], ...]:
    """Return what *constants* are told apart by: NaN equals itself and 0.0 is not -0.0."""
    return tuple((source, repr(value)) for source, value in constants.items())


def way_key(resolved: Resolved) -> tuple[object, ...]:
    """Return what equal ways to read files have in common, and others have not."""
    columns = (
        (column.name, column.type, column.stored, _held(column.absent), column.reshaped)
        for column in resolved.columns
    )
    return (resolved.schema, *columns)


def _held(absent: pa.Scalar | None) -> object:
    if absent is None or not absent.is_valid:
        return None
    return repr(absent.as_py()) if pa.types.is_floating(absent.type) else absent


def resolve(
    layout: Layout,
    fields: Sequence[NestedField],
    constants: Constants,
    table: str,
    name_mapping: NameMapping | None = None,
    *,
    fill: bool = True,
) -> Resolved:
    """Return how *fields* come out of files of *layout*.

    Args:
        layout: What the files have.
        fields: What is wanted, in order.
        constants: The files' identity partition values, for columns they leave out.
        table: The name of the table, for messages.
        name_mapping: The table's ids for files that have none.
        fill: Whether a column without a value may be left to the engine, which fills in nulls
            for what it does not find.  Otherwise it is one that is not ``stored``.

    Raises:
        Unsupported: It cannot be done; says for which column and why.
    """

    def refuse(reason: str) -> Unsupported:
        return Unsupported(
            f"table {table} {reason}; rewrite the table's data files to read it for now"
        )

    stored = layout.columns
    if stored and all(column.field_id is None for column in stored):
        if name_mapping is None:
            raise refuse("has files without field ids, and no name mapping for them")
        stored = tuple(_named(column, name_mapping, ()) for column in stored)
    by_id = {column.field_id: column for column in stored if column.field_id is not None}
    names = [column.name for column in stored]
    columns = [_column(field, by_id.get(field.field_id), constants, refuse) for field in fields]
    for column in columns:
        if column.stored is not None and names.count(column.stored) > 1:
            raise refuse(f"has files with several columns called '{column.stored}'")
    if fill:
        # The engine fills in nulls by itself: so files are read alike that differ only in which
        # columns were not there yet.
        columns = [
            Column(column.name, column.type, column.name) if _by_name(column, names) else column
            for column in columns
        ]
    scanned = {
        column.stored: column.type if column.reshaped is None else column.reshaped.scanned
        for column in columns
        if column.stored is not None
    }
    return Resolved(pa.schema(list(scanned.items())), tuple(columns))


def _by_name(column: Column, names: Sequence[str]) -> bool:
    """Whether the engine finds the column, or rightly does not find it, by its own name."""
    if column.stored is not None:
        return column.stored == column.name and column.reshaped is None
    return column.absent is not None and not column.absent.is_valid and column.name not in names


def _column(
    field: NestedField,
    found: FileColumn | None,
    constants: Constants,
    refuse: Callable[[str], Unsupported],
) -> Column:
    wanted = arrow_type(field.field_type)
    if found is None:
        return Column(field.name, wanted, None, _absent(field, wanted, constants, refuse))
    if readable_as(found, field.field_type):
        return Column(field.name, wanted, found.name)
    made = reshaped(found, field.field_type)
    if made is None:
        raise refuse(f"has files in which column '{field.name}' has another type")
    return Column(field.name, wanted, found.name, reshaped=made)


def _absent(
    field: NestedField,
    wanted: pa.DataType,
    constants: Constants,
    refuse: Callable[[str], Unsupported],
) -> pa.Scalar:
    if field.field_id in constants:
        return scalar(constants[field.field_id], field.field_type)
    if field.initial_default is not None:
        return scalar(field.initial_default, field.field_type)
    if field.required:
        raise refuse(f"has files without the required column '{field.name}'")
    return pa.scalar(None, wanted)


def _named(column: FileColumn, mapping: NameMapping, path: tuple[str, ...]) -> FileColumn:
    """Return *column* with the ids that the name mapping has for it and its parts."""
    names = {
        "list": ("element",),
        "map": ("key", "value"),
        "struct": tuple(part.name for part in column.parts),
    }
    members = names.get(str(column.type), ()) if isinstance(column.type, str) else ()
    here = (*path, column.name)
    return FileColumn(
        field_id=_id(mapping, here),
        name=column.name,
        type=column.type,
        parts=tuple(
            _named(FileColumn(None, name, part.type, part.parts), mapping, here)
            if column.type != "struct"
            else _named(part, mapping, here)
            for name, part in zip(members, column.parts, strict=True)
        ),
    )


def _id(mapping: NameMapping, path: tuple[str, ...]) -> int | None:
    members, found = list(mapping), None
    for name in path:
        found = next((member for member in members if name in member.names), None)
        if found is None:
            return None
        members = list(found.fields)
    return None if found is None else found.field_id


def fields_by_id(schemas: Sequence[Schema], current: Schema) -> dict[int, NestedField]:
    """Return every top-level column that ever was, by id; in the current form if it still is."""
    by_age = sorted(schemas, key=lambda schema: schema.schema_id)
    found = {field.field_id: field for schema in by_age for field in schema.fields}
    return {**found, **{field.field_id: field for field in current.fields}}


def naming_of(metadata: TableMetadata) -> str | None:
    """Return what stands for the name mapping of a table, as long as that is the same.

    Two tables that differ in it may give other rows of the same files.  None for none.
    """
    text = metadata.properties.get(_NAME_MAPPING)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest() if text else None


def name_mapping_of(metadata: TableMetadata, table: str) -> NameMapping | None:
    """Return the ids that a table gives to the columns of files without any; None for none.

    Raises:
        Unsupported: It cannot be read.
    """
    text = metadata.properties.get(_NAME_MAPPING)
    if not text:
        return None
    try:
        return parse_mapping_from_json(text)
    except ValueError as broken:
        raise Unsupported(f"the name mapping of table {table} cannot be read") from broken
