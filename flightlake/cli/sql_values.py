"""Arrow values as people and programs want to read them."""

import json
import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc


def is_number(kind: pa.DataType) -> bool:
    """Return whether values of *kind* are numbers (shown to the right)."""
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def is_nested(kind: pa.DataType) -> bool:
    """Return whether *kind* holds other types (lists, structs, maps, unions)."""
    return bool(pa.types.is_nested(kind))


def texts(column: pa.Array) -> list[str | None]:
    """Return each value of *column* as one line of text, None for NULL.

    Nested values are JSON, binary ones ``\\x`` and hexadecimal digits.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return texts(column.dictionary_decode())
    if _is_binary(kind):
        return [None if value is None else "\\x" + value.hex() for value in column.to_pylist()]
    if is_nested(kind):
        return [
            None if value is None else json.dumps(value, ensure_ascii=False)
            for value in plain(column)
        ]
    try:
        return pc.cast(column, pa.string()).to_pylist()  # type: ignore[no-any-return]
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        # Intervals have no cast; a time zone may be missing on this machine.
        return [None if value is None else str(value) for value in plain(column)]


def plain(column: pa.Array) -> list[object]:
    """Return each value of *column* as JSON can hold it.

    Decimals, dates and times are strings (nothing is rounded), intervals ISO 8601 durations,
    binary is hexadecimal digits, maps are lists of pairs; numbers that JSON lacks (NaN, infinity)
    are strings.
    """
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind) or pa.types.is_duration(kind):
        # Not by way of Python's datetime, which has no nanoseconds.
        try:
            return pc.cast(column, pa.string()).to_pylist()  # type: ignore[no-any-return]
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            return pc.cast(column, pa.int64()).to_pylist()  # type: ignore[no-any-return]
    return [_plain(value) for value in column]


def _plain(scalar: pa.Scalar) -> object:
    if not scalar.is_valid:
        return None
    kind = scalar.type
    if pa.types.is_struct(kind):
        return {field.name: _plain(scalar[index]) for index, field in enumerate(kind)}
    if pa.types.is_map(kind) or not is_nested(kind):
        return _of_python(_value(scalar))
    if pa.types.is_union(kind):
        return _plain(scalar.value)
    return plain(scalar.values)


def _value(scalar: pa.Scalar) -> object:
    try:
        return scalar.as_py()
    except ValueError:  # nanoseconds that a datetime cannot hold
        return str(scalar)


def _of_python(value: object) -> object:
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            return value.hex()
        case Decimal():
            return format(value, "f")
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case pa.MonthDayNano():
            return _iso_duration(value)
        case list() | tuple():
            return [_of_python(item) for item in value]
        case dict():
            return {str(key): _of_python(item) for key, item in value.items()}
    return str(value)


def _iso_duration(interval: pa.MonthDayNano) -> str:
    """Return *interval* as ISO 8601 writes it: ``P1M2DT3.5S``."""
    seconds = (Decimal(interval.nanoseconds) / 10**9).normalize()
    return f"P{interval.months}M{interval.days}DT{seconds:f}S"


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def distinct(names: Sequence[str]) -> list[str]:
    """Return *names* with ``_2``, ``_3``, … after those that stood before.

    >>> distinct(["a", "b", "a"])
    ['a', 'b', 'a_2']
    """
    taken: set[str] = set()
    result: list[str] = []
    for name in names:
        candidate, number = name, 1
        while candidate in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate)
        result.append(candidate)
    return result


def size(count: int) -> str:
    """Return *count* bytes for people.

    >>> size(900), size(2_500_000)
    ('900 B', '2.4 MiB')
    """
    value, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
