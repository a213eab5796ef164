"""Iceberg's types as the Arrow types a client sees and the engine reads.

=============== ======================= ==========================================
Iceberg         Arrow                   remark
=============== ======================= ==========================================
boolean         bool
int, long       int32, int64
float, double   float, double
decimal(p, s)   decimal128(p, s)        p is at most 38
date            date32
time            time64[us]
timestamp       timestamp[us]           without zone
timestamptz     timestamp[us, tz=UTC]
timestamp_ns    timestamp[ns]           v3; timestamptz_ns with tz=UTC
string          string
uuid            fixed_size_binary[16]   Arrow's uuid extension is not known to SQL engines
fixed(n)        fixed_size_binary[n]
binary          binary
struct          struct
list            list                    its item is called ``element``
map             map
=============== ======================= ==========================================
"""

from collections.abc import Callable, Mapping
from typing import cast

import pyarrow as pa
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
    StringType,
    StructType,
    TimestampNanoType,
    TimestampType,
    TimestamptzNanoType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

from flightlake.errors import Unsupported

_PLAIN: Mapping[type[IcebergType], pa.DataType] = {
    BooleanType: pa.bool_(),
    IntegerType: pa.int32(),
    LongType: pa.int64(),
    FloatType: pa.float32(),
    DoubleType: pa.float64(),
    DateType: pa.date32(),
    TimeType: pa.time64("us"),
    TimestampType: pa.timestamp("us"),
    TimestamptzType: pa.timestamp("us", "UTC"),
    TimestampNanoType: pa.timestamp("ns"),
    TimestamptzNanoType: pa.timestamp("ns", "UTC"),
    StringType: pa.string(),
    UUIDType: pa.binary(16),
    BinaryType: pa.binary(),
}


def arrow_type(iceberg: IcebergType) -> pa.DataType:
    """Return the Arrow type of an Iceberg type, nested ones included.

    Raises:
        Unsupported: A type that is not read (``unknown``, ``geometry``, …), by name.
    """
    plain = _PLAIN.get(type(iceberg))
    if plain is not None:
        return plain
    build = _BUILT.get(type(iceberg))
    if build is None:
        raise Unsupported(f"Iceberg's type '{iceberg}' is not read")
    return build(iceberg)


def arrow_field(field: NestedField) -> pa.Field:
    """Return one column under its own name."""
    return pa.field(field.name, arrow_type(field.field_type), nullable=not field.required)


def arrow_schema(schema: Schema, table: str) -> pa.Schema:
    """Return the columns of *table* in their order, without field ids.

    Raises:
        Unsupported: A column has a type that is not read; names the column.
    """
    fields = []
    for field in schema.fields:
        try:
            fields.append(arrow_field(field))
        except Unsupported as refusal:
            raise Unsupported(
                f"table {table} cannot be read: {refusal.message} (column '{field.name}')"
            ) from refusal
    return pa.schema(fields)


def _decimal(iceberg: IcebergType) -> pa.DataType:
    decimal = cast(DecimalType, iceberg)
    return pa.decimal128(decimal.precision, decimal.scale)


def _fixed(iceberg: IcebergType) -> pa.DataType:
    return pa.binary(len(cast(FixedType, iceberg)))


# What is inside of nested columns is nullable to clients even if the table requires it: the
# engine cannot promise so much of values that it made, and those of all files must be of one type.
def _struct(iceberg: IcebergType) -> pa.DataType:
    members = cast(StructType, iceberg).fields
    return pa.struct([(member.name, arrow_type(member.field_type)) for member in members])


def _list(iceberg: IcebergType) -> pa.DataType:
    return pa.list_(pa.field("element", arrow_type(cast(ListType, iceberg).element_type)))


def _map(iceberg: IcebergType) -> pa.DataType:
    entry = cast(MapType, iceberg)
    return pa.map_(arrow_type(entry.key_type), arrow_type(entry.value_type))


_BUILT: Mapping[type[IcebergType], Callable[[IcebergType], pa.DataType]] = {
    DecimalType: _decimal,
    FixedType: _fixed,
    StructType: _struct,
    ListType: _list,
    MapType: _map,
}
