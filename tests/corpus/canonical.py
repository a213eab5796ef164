"""Rows in one form, whoever read them: JSON values that are equal when the rows are.

=================== ===========================================================
Arrow               here
=================== ===========================================================
integers, booleans  the number, true, false
floats              the shortest text of the double: tells -0.0 and NaN apart
decimals            all digits of the scale
date, time, stamps  the number that is stored (days, microseconds, nanoseconds)
strings             as they are, but a UUID is its 16 bytes in hexadecimal
binary, fixed       hexadecimal
struct              an object in the order of its fields
list                a list
map                 a list of [key, value], sorted
=================== ===========================================================

Spark reads UUIDs as text and fixed values as binary, which is why those are one here.  No string
column of the corpus holds a text that looks like a UUID.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


def bag(table: pa.Table) -> list[str]:
    """Return the rows of *table*, each as JSON text, in their order."""
    columns = [values(column.combine_chunks()) for column in table.columns]
    return [
        json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        for row in zip(*columns, strict=True)
    ]


def values(array: pa.Array | pa.ChunkedArray) -> list[Any]:
    """Return the values of *array* in their one form."""
    if isinstance(array, pa.ChunkedArray):
        return [value for chunk in array.chunks for value in values(chunk)]
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return values(array.storage)
    for matches, convert in _FORMS:
        if matches(kind):
            return convert(array)
    return list(array.to_pylist())


def type_name(kind: pa.DataType) -> str:
    """Return what Spark calls *kind*; uuid, fixed and binary are one, as in ``values``."""
    for matches, name in _NAMES:
        if matches(kind):
            return name
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return ("timestamp" if kind.tz else "timestamp_ntz") + ("_ns" if kind.unit == "ns" else "")
    if pa.types.is_struct(kind):
        members = [kind.field(index) for index in range(kind.num_fields)]
        return f"struct<{','.join(f'{m.name}:{type_name(m.type)}' for m in members)}>"
    if pa.types.is_map(kind):
        return f"map<{type_name(kind.key_type)},{type_name(kind.item_type)}>"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"array<{type_name(kind.value_type)}>"
    return str(kind)


def _numbers(array: pa.Array) -> list[Any]:
    width = pa.int32() if pa.types.is_date32(array.type) else pa.int64()
    return list(array.view(width).to_pylist())


def _floats(array: pa.Array) -> list[Any]:
    return [None if value is None else repr(float(value)) for value in array.to_pylist()]


def _decimals(array: pa.Array) -> list[Any]:
    return [None if value is None else f"{value:f}" for value in array.to_pylist()]


def _bytes(array: pa.Array) -> list[Any]:
    return [None if value is None else value.hex() for value in array.to_pylist()]


def _texts(array: pa.Array) -> list[Any]:
    return [
        value.replace("-", "") if value is not None and _UUID.match(value) else value
        for value in array.to_pylist()
    ]


def _structs(array: pa.Array) -> list[Any]:
    names = [array.type.field(index).name for index in range(array.type.num_fields)]
    members = [values(member) for member in array.flatten()]
    rows = zip(*members, strict=True) if members else iter([()] * len(array))
    valid = array.is_valid().to_pylist()
    return [
        dict(zip(names, row, strict=True)) if there else None
        for row, there in zip(rows, valid, strict=True)
    ]


def _lists(array: pa.Array) -> list[Any]:
    items, ends = values(array.values), array.offsets.to_pylist()
    valid = array.is_valid().to_pylist()
    return [items[ends[row] : ends[row + 1]] if there else None for row, there in enumerate(valid)]


def _maps(array: pa.Array) -> list[Any]:
    keys, items = values(array.keys), values(array.items)
    pairs, ends = [[key, item] for key, item in zip(keys, items, strict=True)], array.offsets
    starts, valid = ends.to_pylist(), array.is_valid().to_pylist()
    return [
        sorted(pairs[starts[row] : starts[row + 1]], key=json.dumps) if there else None
        for row, there in enumerate(valid)
    ]


def _any(*tests: Callable[[pa.DataType], bool]) -> Callable[[pa.DataType], bool]:
    return lambda kind: any(test(kind) for test in tests)


_BINARY = _any(
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)
_TEXT = _any(pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_FORMS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], list[Any]]], ...] = (
    (_any(pa.types.is_date32, pa.types.is_time64, pa.types.is_timestamp), _numbers),
    (_any(pa.types.is_float32, pa.types.is_float64), _floats),
    (pa.types.is_decimal, _decimals),
    (_BINARY, _bytes),
    (_TEXT, _texts),
    (pa.types.is_struct, _structs),
    (pa.types.is_map, _maps),
    (_any(pa.types.is_list, pa.types.is_large_list), _lists),
)
_NAMES: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_int32, "int"),
    (pa.types.is_int64, "bigint"),
    (pa.types.is_float32, "float"),
    (pa.types.is_float64, "double"),
    (pa.types.is_date32, "date"),
    (pa.types.is_time64, "time"),
    (_TEXT, "string"),
    (_BINARY, "binary"),
)
