"""Iceberg's types as Hive calls them, for those who look at a table without reading its metadata.

Source: Apache Hive, "Data Types".
"""

from pyiceberg.schema import SchemaVisitor, visit
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
    StructType,
    TimestampType,
    TimestamptzType,
)

_NAMES: dict[type[PrimitiveType], str] = {
    BooleanType: "boolean",
    IntegerType: "int",
    LongType: "bigint",
    FloatType: "float",
    DoubleType: "double",
    DateType: "date",
    TimestampType: "timestamp",
    BinaryType: "binary",
    FixedType: "binary",
}


def hive_type(found: IcebergType, zoned: str) -> str:
    """Return what Hive calls *found*; *zoned* is the name for moments with a time zone."""
    return visit(found, _Names(zoned))


class _Names(SchemaVisitor[str]):
    def __init__(self, zoned: str) -> None:
        self._zoned = zoned

    def schema(self, schema: object, struct_result: str) -> str:
        return struct_result

    def struct(self, struct: StructType, field_results: list[str]) -> str:
        return f"struct<{','.join(field_results)}>"

    def field(self, field: NestedField, field_result: str) -> str:
        return f"{field.name}:{field_result}"

    def list(self, list_type: ListType, element_result: str) -> str:
        return f"array<{element_result}>"

    def map(self, map_type: MapType, key_result: str, value_result: str) -> str:
        return f"map<{key_result},{value_result}>"

    def primitive(self, primitive: PrimitiveType) -> str:
        if isinstance(primitive, DecimalType):
            return f"decimal({primitive.precision},{primitive.scale})"
        if isinstance(primitive, TimestamptzType):
            return self._zoned
        # Times of day, UUIDs and what else Hive has no type for.
        return _NAMES.get(type(primitive), "string")
