"""The columns of a query as columns of an Iceberg table, format version 2.

What Iceberg has no type for is stored in the next wider one if that loses nothing: small and
unsigned whole numbers, times and timestamps of other units.  A value that does not fit is an
error, never another value.  All columns may be null, whatever the query promises today.

Source: Iceberg spec, "Primitive Types"; appendix A, "Parquet" (field ids).
"""

from collections.abc import Callable, Mapping, Sequence

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
    IntegerType,
    LongType,
    NestedField,
    PrimitiveType,
    StringType,
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


def stored_type(found: pa.DataType) -> PrimitiveType | None:
    """Return the Iceberg type that *found* is stored as; None if there is none."""
    if _types.is_dictionary(found):
        return stored_type(found.value_type)
    if _types.is_decimal(found):
        fits = found.precision <= _DIGITS and 0 <= found.scale <= found.precision
        return DecimalType(found.precision, found.scale) if fits else None
    return next((make(found) for is_one, make in _STORED if is_one(found)), None)


def iceberg_schema(
    columns: pa.Schema, before: Schema | None = None, highest: int = 0, schema_id: int = 0
) -> Schema:
    """Return the schema of a table for rows of *columns*.

    Args:
        columns: The result of a query.
        before: The table's schema until now; a column of the same name and type keeps its id.
        highest: The highest id that the table ever gave; new columns get higher ones.
        schema_id: The id of the new schema.

    Raises:
        Unsupported: A column's type is not stored; names the column.
        InvalidSql: Two columns have one name.
    """
    known: Mapping[str, NestedField] = {} if before is None else {f.name: f for f in before.fields}
    fields, names = [], set()
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
        if old is not None and old.field_type == type_:
            field_id = old.field_id
        else:
            highest += 1
            field_id = highest
        fields.append(NestedField(field_id, column.name, type_, required=False))
    return Schema(*fields, schema_id=schema_id)


def file_schema(schema: Schema) -> pa.Schema:
    """Return the Arrow schema of the files of a table, with its field ids."""
    return pa.schema(
        [
            pa.field(
                field.name,
                arrow_type(field.field_type),
                metadata={"PARQUET:field_id": str(field.field_id)},
            )
            for field in schema.fields
        ]
    )


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
