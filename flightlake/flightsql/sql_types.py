"""Arrow types under the names and sizes that SQL tools know them by."""

from dataclasses import dataclass

import pyarrow as pa

_INTEGERS: tuple[tuple[pa.DataType, str, int], ...] = (
    (pa.int8(), "TINYINT", 3),
    (pa.int16(), "SMALLINT", 5),
    (pa.int32(), "INTEGER", 10),
    (pa.int64(), "BIGINT", 19),
    (pa.uint8(), "TINYINT UNSIGNED", 3),
    (pa.uint16(), "SMALLINT UNSIGNED", 5),
    (pa.uint32(), "INTEGER UNSIGNED", 10),
    (pa.uint64(), "BIGINT UNSIGNED", 20),
)
_FRACTION_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


@dataclass(frozen=True, slots=True)
class SqlType:
    """A type's SQL name and size.

    ``precision`` is the number of decimal digits of a number and the number of characters of a
    date or time written out; ``scale`` the digits after the point, of a second for times.  None
    where the type has no such limit.
    """

    name: str
    precision: int | None = None
    scale: int | None = None
    case_sensitive: bool = False
    searchable: bool = True


def sql_type(arrow: pa.DataType) -> SqlType:
    """Return the SQL type of the Arrow type *arrow*; extension types count as their storage."""
    if isinstance(arrow, pa.BaseExtensionType):
        return (
            SqlType("UUID", 36) if isinstance(arrow, pa.UuidType) else sql_type(arrow.storage_type)
        )
    if pa.types.is_dictionary(arrow):
        return sql_type(arrow.value_type)
    if pa.types.is_run_end_encoded(arrow):
        return sql_type(arrow.value_type)
    return _number(arrow) or _moment(arrow) or _text_or_bytes(arrow) or _nested(arrow)


def _number(arrow: pa.DataType) -> SqlType | None:
    for integer, name, digits in _INTEGERS:
        if arrow == integer:
            return SqlType(name, digits, 0)
    if pa.types.is_decimal(arrow):
        return SqlType("DECIMAL", arrow.precision, arrow.scale)
    if pa.types.is_float64(arrow):
        return SqlType("DOUBLE", 15)
    if pa.types.is_float32(arrow) or pa.types.is_float16(arrow):
        return SqlType("REAL", 7)
    if pa.types.is_boolean(arrow):
        return SqlType("BOOLEAN", 1)
    return None


def _moment(arrow: pa.DataType) -> SqlType | None:
    if pa.types.is_date(arrow):
        return SqlType("DATE", len("2000-01-01"))
    if pa.types.is_time(arrow):
        digits = _FRACTION_DIGITS[arrow.unit]
        return SqlType("TIME", _with_fraction(len("12:00:00"), digits), digits)
    if pa.types.is_timestamp(arrow):
        digits = _FRACTION_DIGITS[arrow.unit]
        precision = _with_fraction(len("2000-01-01 12:00:00"), digits)
        if arrow.tz is None:
            return SqlType("TIMESTAMP", precision, digits)
        return SqlType("TIMESTAMP WITH TIME ZONE", precision + len("+00:00"), digits)
    if pa.types.is_interval(arrow) or pa.types.is_duration(arrow):
        return SqlType("INTERVAL")
    return None


def _text_or_bytes(arrow: pa.DataType) -> SqlType | None:
    if (
        pa.types.is_string(arrow)
        or pa.types.is_large_string(arrow)
        or pa.types.is_string_view(arrow)
    ):
        return SqlType("VARCHAR", case_sensitive=True)
    if pa.types.is_fixed_size_binary(arrow):
        return SqlType("BYTEA", arrow.byte_width)
    if (
        pa.types.is_binary(arrow)
        or pa.types.is_large_binary(arrow)
        or pa.types.is_binary_view(arrow)
    ):
        return SqlType("BYTEA")
    return None


def _nested(arrow: pa.DataType) -> SqlType:
    if pa.types.is_map(arrow):
        return SqlType("MAP", searchable=False)
    if pa.types.is_struct(arrow):
        return SqlType("STRUCT", searchable=False)
    if pa.types.is_null(arrow):
        return SqlType("NULL")
    if pa.types.is_union(arrow):
        return SqlType("UNION", searchable=False)
    return SqlType("ARRAY", searchable=False)


def _with_fraction(length: int, digits: int) -> int:
    return length + 1 + digits if digits else length
