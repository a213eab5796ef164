"""Iceberg's types as clients see them, and as pyiceberg writes them."""

import pyarrow as pa
import pytest
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
    UnknownType,
    UUIDType,
)

from flightlake.errors import Unsupported
from flightlake.lake.arrow_types import arrow_schema, arrow_type

TYPES: list[tuple[IcebergType, str]] = [
    (BooleanType(), "bool"),
    (IntegerType(), "int32"),
    (LongType(), "int64"),
    (FloatType(), "float"),
    (DoubleType(), "double"),
    (DecimalType(9, 2), "decimal128(9, 2)"),
    (DecimalType(38, 0), "decimal128(38, 0)"),
    (DateType(), "date32[day]"),
    (TimeType(), "time64[us]"),
    (TimestampType(), "timestamp[us]"),
    (TimestamptzType(), "timestamp[us, tz=UTC]"),
    (TimestampNanoType(), "timestamp[ns]"),
    (TimestamptzNanoType(), "timestamp[ns, tz=UTC]"),
    (StringType(), "string"),
    (UUIDType(), "fixed_size_binary[16]"),
    (FixedType(7), "fixed_size_binary[7]"),
    (BinaryType(), "binary"),
    (StructType(NestedField(1, "a", LongType(), required=True)), "struct<a: int64>"),
    (ListType(1, StringType(), element_required=False), "list<element: string>"),
    (ListType(1, StringType(), element_required=True), "list<element: string>"),
    (MapType(1, StringType(), 2, LongType()), "map<string, int64 ('value')>"),
]


@pytest.mark.parametrize(("iceberg", "arrow"), TYPES, ids=[str(kind) for kind, _ in TYPES])
def test_a_type_is_seen_as_documented(iceberg: IcebergType, arrow: str) -> None:
    assert str(arrow_type(iceberg)).startswith(arrow.split(" ('")[0])


def test_the_columns_keep_their_order_and_nullability() -> None:
    schema = Schema(
        NestedField(7, "b", LongType(), required=True), NestedField(3, "a", StringType())
    )
    assert arrow_schema(schema, "t") == pa.schema(
        [pa.field("b", pa.int64(), nullable=False), pa.field("a", pa.string())]
    )
    assert all(field.metadata is None for field in arrow_schema(schema, "t"))


def test_a_type_that_is_not_read_is_refused_with_its_column() -> None:
    schema = Schema(NestedField(1, "odd", ListType(2, UnknownType(), element_required=False)))
    with pytest.raises(Unsupported, match=r"table t .* 'unknown' .*\(column 'odd'\)"):
        arrow_schema(schema, "t")
