"""What Hive calls the types of columns."""

import pytest
from pyiceberg.types import (
    DecimalType,
    FixedType,
    IcebergType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

from flightlake.lake.hive_types import hive_type

_PAIR = StructType(NestedField(1, "a", LongType()), NestedField(2, "b", TimestamptzType()))


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (LongType(), "bigint"),
        (DecimalType(9, 2), "decimal(9,2)"),
        (TimestampType(), "timestamp"),
        (TimestamptzType(), "zoned"),
        (FixedType(3), "binary"),
        (TimeType(), "string"),
        (UUIDType(), "string"),
        (ListType(3, _PAIR), "array<struct<a:bigint,b:zoned>>"),
        (MapType(4, StringType(), 5, LongType()), "map<string,bigint>"),
    ],
)
def test_types_have_hives_names(found: IcebergType, named: str) -> None:
    assert hive_type(found, "zoned") == named
