"""The columns of a query as columns of an Iceberg table, format version 2.

What Iceberg has no type for is stored in the next wider one if that loses nothing: small and
unsigned whole numbers, times and timestamps of other units, also inside of lists, structs and
maps.  A value that does not fit is an error, never another value.  All columns and what is in
them may be null, whatever the query promises today; only the keys of maps may not.

Source: Iceberg spec, "Primitive Types", "Nested Types"; appendix A, "Parquet" (field ids).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    PrimitiveType,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
    TimeType,
)

from flightlake.errors import InvalidSql, Unsupported
from flightlake.lake.arrow_types import arrow_type

_DIGITS = 38
_types = pa.types

_STORED: Sequence[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], PrimitiveType]]] = (
    (_types.is_boolean, lambda found: BooleanType()),
    (_types.is_int64, lambda found: LongType()),
    (_types.is_uint64, lambda found: LongType()),
    (_types.is_uint32, lambda found: LongType()),
    (_types.is_integer, lambda found: IntegerType()),
    (_types.is_float64, lambda found: DoubleType()),
    (_types.is_floating, lambda found: FloatType()),
    (_types.is_string, lambda found: StringType()),
    (_types.is_large_string, lambda found: StringType()),
    (_types.is_string_view, lambda found: StringType()),
    (_types.is_date32, lambda found: DateType()),
    (_types.is_time, lambda found: TimeType()),
    (_types.is_timestamp, lambda found: TimestampType() if found.tz is None else TimestamptzType()),
    (_types.is_fixed_size_binary, lambda found: FixedType(found.byte_width)),
    (_types.is_binary, lambda found: BinaryType()),
    (_types.is_large_binary, lambda found: BinaryType()),
    (_types.is_binary_view, lambda found: BinaryType()),
)


def stored_type(found: pa.DataType, ids: Iterator[int] | None = None) -> IcebergType | None:
    """Return the Iceberg type that *found* is stored as; None if there is none.

    *ids* are those of what is inside of a nested type: first all members of a struct, or an
    element, or a key and a value, then what is in them.
    """
    if _types.is_dictionary(found):
        return stored_type(found.value_type)
    if _types.is_decimal(found):
        fits = found.precision <= _DIGITS and 0 <= found.scale <= found.precision
        return DecimalType(found.precision, found.scale) if fits else None
    if _types.is_nested(found):
        return _nested(found, count(1) if ids is None else ids)
    return next((make(found) for is_one, make in _STORED if is_one(found)), None)


def _nested(found: pa.DataType, ids: Iterator[int]) -> IcebergType | None:
    if _types.is_struct(found):
        return _struct(found, ids)
    if _types.is_map(found):
        key_id, value_id = next(ids), next(ids)
        key, value = stored_type(found.key_type, ids), stored_type(found.item_type, ids)
        if key is None or value is None:
            return None
        return MapType(key_id, key, value_id, value, value_required=False)
    if any(is_list(found) for is_list in _LISTS):
        element_id = next(ids)
        element = stored_type(found.value_type, ids)
        return None if element is None else ListType(element_id, element, element_required=False)
    return None


_LISTS: Sequence[Callable[[pa.DataType], bool]] = (
    _types.is_list,
    _types.is_large_list,
    _types.is_fixed_size_list,
)


def _struct(found: pa.StructType, ids: Iterator[int]) -> StructType | None:
    # A file has no struct without members, and names that differ in capitals are one to many.
    names = {member.name.lower() for member in found}
    if len(names) < found.num_fields or found.num_fields == 0:
        return None
    own = [next(ids) for _ in found]
    members = []
    for member_id, member in zip(own, found, strict=True):
        type_ = stored_type(member.type, ids)
        if type_ is None:
            return None
        members.append(NestedField(member_id, member.name, type_, required=False))
    return StructType(*members)


def iceberg_schema(
    columns: pa.Schema, before: Schema | None = None, highest: int = 0, schema_id: int = 0
) -> Schema:
    """Return the schema of a table for rows of *columns*.

    Args:
        columns: The result of a query.
        before: The table's schema until now; a column of the same name and type keeps its ids.
        highest: The highest id that the table ever gave; new columns get higher ones.
        schema_id: The id of the new schema.

    Raises:
        Unsupported: A column's type is not stored; names the column.
        InvalidSql: Two columns, or a column and what is in another, have one name.
    """
    known: Mapping[str, NestedField] = {} if before is None else {f.name: f for f in before.fields}
    ids = count(highest + 1)
    names: set[str] = set()
    own: list[int | None] = []
    for column in columns:
        if column.name.lower() in names:
            raise InvalidSql(
                f"two columns of the query are called {column.name!r}; give each a name of its own"
                " with AS (capitals alone do not tell names apart everywhere)"
            )
        names.add(column.name.lower())
        type_ = stored_type(column.type)
        if type_ is None:
            raise Unsupported(
                f"column {column.name!r} is of type {column.type}, which is not stored; CAST it,"
                " or select its members one by one"
            )
        old = known.get(column.name)
        same = old is not None and _bare(old.field_type) == _bare(type_)
        own.append(None if same else next(ids))
    fields = []
    # After all columns: in this order catalogs give ids, too.
    for field_id, column in zip(own, columns, strict=True):
        if field_id is None:
            old = known[column.name]
            fields.append(NestedField(old.field_id, old.name, old.field_type, required=False))
            continue
        made = stored_type(column.type, ids)
        assert made is not None  # noqa: S101 - as above
        fields.append(NestedField(field_id, column.name, made, required=False))
    try:
        return Schema(*fields, schema_id=schema_id)
    except ValueError as alike:  # a column "a.b" beside a struct a with a member b
        raise InvalidSql(
            "a column of the query is called as a member of another one, with a dot between; give"
            " it another name with AS"
        ) from alike


def _bare(type_: IcebergType) -> object:
    """Return what of *type_* does not depend on its ids."""
    if isinstance(type_, StructType):
        return ("struct", *((field.name, _bare(field.field_type)) for field in type_.fields))
    if isinstance(type_, ListType):
        return ("list", _bare(type_.element_type))
    if isinstance(type_, MapType):
        return ("map", _bare(type_.key_type), _bare(type_.value_type))
    return type_


def file_schema(schema: Schema) -> pa.Schema:
    """Return the Arrow schema of the files of a table, with its field ids."""
    return pa.schema([_file_field(field) for field in schema.fields])


def _file_field(field: NestedField) -> pa.Field:
    return pa.field(
        field.name,
        _file_type(field.field_type),
        nullable=not field.required,
        metadata={"PARQUET:field_id": str(field.field_id)},
    )


def _file_type(type_: IcebergType) -> pa.DataType:
    if isinstance(type_, StructType):
        return pa.struct([_file_field(member) for member in type_.fields])
    if isinstance(type_, ListType):
        return pa.list_(_file_field(type_.element_field))
    if isinstance(type_, MapType):
        return pa.map_(_file_field(type_.key_field), _file_field(type_.value_field))
    return arrow_type(type_)


def as_stored(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return *batch* with the types of *schema*, a ``file_schema``, by position.

    Raises:
        InvalidSql: A value does not fit; names the column.
    """
    columns = []
    for column, field in zip(batch.columns, schema, strict=True):
        try:
            columns.append(column if column.type == field.type else pc.cast(column, field.type))
        except pa.ArrowInvalid as lost:
            raise InvalidSql(
                f"column {field.name!r} holds a value that does not fit {field.type}, as which it"
                " is stored; round it or CAST it in the query"
            ) from lost
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def stored_anyhow(values: pa.Array) -> pa.Array:
    """Return *values* of a plain type as they are stored, and others for those that do not fit."""
    type_ = stored_type(values.type)
    assert type_ is not None  # noqa: S101 - the table has the column
    return pc.cast(values, arrow_type(type_), safe=False)
