"""Two bags of rows compared by the engine: one query that gives what is not alike in them.

Each row that is in both as often cancels out; null is like null.  Numbers with a floating point
are compared by their leading bits, as sums of them depend on the order of summation; those that
are split by this though they are close are left for ``near`` to tell.

The engine's ``EXCEPT ALL`` is no operation on bags (DataFusion 55), so it is not used.
"""

import math
from dataclasses import dataclass

import pyarrow as pa

from flightlake.errors import Unsupported

WEIGHT = "weight"
_types = pa.types

_PLAIN = {
    pa.bool_(): "Boolean",
    pa.int32(): "Int32",
    pa.int64(): "Int64",
    pa.float32(): "Float32",
    pa.float64(): "Float64",
    pa.string(): "Utf8",
    pa.binary(): "Binary",
    pa.date32(): "Date32",
    pa.time64("us"): "Time64(Microsecond)",
}
_DOUBLE_BITS, _SINGLE_BITS = 30, 20
_LARGEST = "1e290"
"""Beyond this, a number times the factor that cuts it might not be one."""


@dataclass(frozen=True, slots=True)
class Side:
    """Rows to compare: *relation* is a table's quoted name, or a query in parentheses."""

    relation: str
    schema: pa.Schema


def differences(expected: Side, stored: Side) -> str:
    """Return the query of what *expected* and *stored* do not have in common, column by column.

    Its columns are ``c0``, ``c1``, … and ``weight``: how many more of the row *stored* has; less
    than 0 if it has fewer.

    Raises:
        Unsupported: A type cannot be compared.
    """
    names = [f"c{number}" for number in range(len(stored.schema))]
    kinds = [field.type for field in stored.schema]
    sides = []
    for side, weight in ((expected, -1), (stored, 1)):
        terms = [
            f"{_comparable(name, found.type, kind)} AS {name}"
            for name, found, kind in zip(names, side.schema, kinds, strict=True)
        ]
        of = f"{side.relation} AS side({', '.join(names)})"
        sides.append(f"SELECT {', '.join(terms)}, {weight} AS {WEIGHT} FROM {of}")  # noqa: S608
    listed = ", ".join(names)
    return (
        f"SELECT {listed}, sum({WEIGHT}) AS {WEIGHT} FROM ({' UNION ALL '.join(sides)})"  # noqa: S608
        f" AS sides GROUP BY {listed} HAVING sum({WEIGHT}) <> 0"
    )


def is_approximate(kind: pa.DataType) -> bool:
    """Return whether values of *kind* are alike if they are close."""
    return bool(_types.is_floating(kind))


def near(one: float | None, other: float | None, kind: pa.DataType) -> bool:
    """Return whether two numbers that ``differences`` gave may be the same."""
    if one is None or other is None:
        return one is other
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return one == other or math.isclose(one, other, rel_tol=tolerance(kind), abs_tol=0.0)


def tolerance(kind: pa.DataType) -> float:
    """Return by which part of their size two numbers may differ, and be ``near``."""
    # Numbers next to each other are split by a step of the last bit at most.
    return 2.0 ** (2 - (_SINGLE_BITS if kind == pa.float32() else _DOUBLE_BITS))


def _comparable(name: str, found: pa.DataType, kind: pa.DataType) -> str:
    # Texts may be of either of the engine's kinds, whatever the schema says.
    same = found == kind and not (_types.is_string(kind) or _types.is_binary(kind))
    value = name if same else f"arrow_cast({name}, '{_engine_type(kind)}')"
    if not is_approximate(kind):
        return value
    # The leading bits of a number, by arithmetic alone (Dekker's splitting).
    bits = _SINGLE_BITS if kind == pa.float32() else _DOUBLE_BITS
    wide = f"arrow_cast({value}, 'Float64')"
    large = f"({wide} * {float(2 ** (53 - bits) + 1)!r})"
    return f"CASE WHEN abs({wide}) < {_LARGEST} THEN {large} - ({large} - {wide}) ELSE {wide} END"


def _engine_type(kind: pa.DataType) -> str:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if _types.is_timestamp(kind) and kind.unit == "us":
        zone = "None" if kind.tz is None else f'Some("{kind.tz}")'
        return f"Timestamp(Microsecond, {zone})"
    if _types.is_decimal128(kind):
        return f"Decimal128({kind.precision}, {kind.scale})"
    if _types.is_fixed_size_binary(kind):
        return f"FixedSizeBinary({kind.byte_width})"
    raise Unsupported(f"columns of type {kind} cannot be compared")
