"""What the random stories of tables are about: types, values, and what may become of them."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    TruncateTransform,
    YearTransform,
)
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
)

_DAY = dt.date(2024, 2, 29)
_MOMENT = dt.datetime(2024, 2, 29, 23, 59, 59, 999999)
VALUES: dict[type[IcebergType], list[Any]] = {
    BooleanType: [True, False],
    IntegerType: [0, 1, 2, 3, -1, 2**31 - 1],
    LongType: [0, 1, 2, 3, -1, 2**63 - 1],
    FloatType: [0.0, -0.0, 1.5, float("nan"), float("-inf")],
    DoubleType: [0.0, -0.0, 1.5, float("nan"), float("-inf")],
    DecimalType: [Decimal("0.00"), Decimal("-1.10"), Decimal("9999999.99")],
    DateType: [_DAY, dt.date(1969, 12, 31), dt.date(1970, 1, 1)],
    TimestampType: [_MOMENT, dt.datetime(1969, 12, 31, 23), dt.datetime(1970, 1, 1)],
    TimestamptzType: [_MOMENT.replace(tzinfo=dt.UTC), dt.datetime(1969, 12, 31, tzinfo=dt.UTC)],
    StringType: ["", "a", "b", "it's", "日本"],
    BinaryType: [b"", b"\x00\xff"],
}
WIDER: dict[type[IcebergType], IcebergType] = {
    IntegerType: LongType(),
    FloatType: DoubleType(),
    DecimalType: DecimalType(20, 2),
}
ADDED: tuple[Callable[[], IcebergType], ...] = (
    *(IntegerType, StringType, FloatType, DateType, lambda: DecimalType(9, 2)),
    *(TimestamptzType, BooleanType, BinaryType),
    lambda: StructType(NestedField(1, "x", IntegerType()), NestedField(2, "y", StringType())),
    lambda: ListType(1, StructType(NestedField(2, "x", IntegerType())), element_required=False),
    lambda: MapType(1, StringType(), 2, IntegerType(), value_required=False),
)
TRANSFORMS: dict[type[IcebergType], tuple[Transform[Any, Any], ...]] = {
    IntegerType: (IdentityTransform(), BucketTransform(3), TruncateTransform(2)),
    LongType: (IdentityTransform(), BucketTransform(3), TruncateTransform(2)),
    StringType: (IdentityTransform(), BucketTransform(3), TruncateTransform(1)),
    DateType: (IdentityTransform(), YearTransform(), MonthTransform()),
    TimestampType: (MonthTransform(), DayTransform()),
    DecimalType: (IdentityTransform(), BucketTransform(2)),
    BooleanType: (IdentityTransform(),),
}
FILTERED = (IntegerType, LongType, StringType, DateType, DecimalType, TimestampType)
"""The types that rows are chosen by: floats are not, for NaN is compared in several ways."""


def first_schema() -> Schema:
    """Return what every story begins with."""

    def ab(first: int) -> StructType:
        inner = StructType(NestedField(first + 3, "x", IntegerType()))
        return StructType(
            NestedField(first, "a", IntegerType()),
            NestedField(first + 1, "b", StringType()),
            NestedField(first + 2, "inner", inner),
        )

    return Schema(
        NestedField(1, "id", LongType()),
        NestedField(2, "i", IntegerType()),
        NestedField(3, "f", FloatType()),
        NestedField(4, "d", DecimalType(9, 2)),
        NestedField(5, "s", StringType()),
        NestedField(6, "day", DateType()),
        NestedField(7, "ts", TimestampType()),
        NestedField(8, "st", ab(20)),
        NestedField(9, "l", ListType(10, ab(30), element_required=False)),
        NestedField(11, "m", MapType(12, StringType(), 13, ab(40), value_required=False)),
    )
