"""Values as they are compared for pruning: few types, ordered as the engine orders them.

An Iceberg type that is pruned by has a *physical* Arrow type: integers, dates, times and
booleans are ``int64``; floats ``double``; decimals ``decimal128(38, scale)``; strings, binary
and fixed values ``binary`` (bytes in order: for UTF-8 that is code point order, which is the
engine's).  A type without one is never pruned by its bounds.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
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
    LongType,
    StringType,
    TimestampNanoType,
    TimestampType,
    TimestamptzNanoType,
    TimestamptzType,
    TimeType,
)

from flightlake.lake.arrow_types import arrow_type

INTEGERS = (
    BooleanType,
    IntegerType,
    LongType,
    DateType,
    TimeType,
    TimestampType,
    TimestamptzType,
    TimestampNanoType,
    TimestamptzNanoType,
)
_BYTES = (StringType, BinaryType, FixedType)


def physical_type(iceberg: IcebergType) -> pa.DataType | None:
    """Return the Arrow type that values of *iceberg* are compared in, or None.

    UUIDs have none: some writers order them as two signed numbers, the engine as bytes.
    """
    if isinstance(iceberg, INTEGERS):
        return pa.int64()
    if isinstance(iceberg, FloatType | DoubleType):
        return pa.float64()
    if isinstance(iceberg, DecimalType):
        return pa.decimal128(38, iceberg.scale)
    if isinstance(iceberg, _BYTES):
        return pa.binary()
    return None


def iceberg_value(value: pa.Scalar, iceberg: IcebergType) -> Any:
    """Return *value* as Iceberg's transforms take it: dates as days, timestamps as numbers.

    None if it is null, or not of the type that a column of type *iceberg* has.
    """
    if not value.is_valid or value.type != arrow_type(iceberg):
        return None
    if isinstance(iceberg, DateType | TimeType) or pa.types.is_timestamp(value.type):
        return value.value
    return value.as_py()


def physical_scalar(value: Any, physical: pa.DataType) -> pa.Scalar:
    """Return an Iceberg value as a scalar of its physical type."""
    return pa.scalar(_plain(value), physical)


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return value.encode()
    if hasattr(value, "bytes") and not isinstance(value, bytes):
        return value.bytes  # a UUID
    return value


def decoded_bounds(raw: pa.Array, iceberg: IcebergType) -> pa.Array | None:
    """Return single-value serialised bounds as an array of the physical type.

    A bound that cannot be read (of an unexpected width, for instance because the column was
    promoted from a type that is encoded in another way) is null, which means unknown.

    Source: Iceberg spec, appendix D, binary single-value serialization.
    """
    if isinstance(iceberg, _BYTES):
        return raw
    if isinstance(iceberg, DecimalType):
        return _decimals(raw, iceberg.scale)
    widths = _WIDTHS.get(type(iceberg))
    if widths is None:
        return None
    offsets = np.frombuffer(raw.buffers()[1], np.int32)[raw.offset : raw.offset + len(raw) + 1]
    data = np.frombuffer(raw.buffers()[2] or b"", np.uint8)
    lengths = np.diff(offsets)
    floating = isinstance(iceberg, FloatType | DoubleType)
    result = np.zeros(len(raw), np.float64 if floating else np.int64)
    known = np.zeros(len(raw), np.bool_)
    for dtype in widths:
        width = np.dtype(dtype).itemsize
        rows = np.flatnonzero(lengths == width)
        if len(rows):
            taken = data[offsets[rows][:, None] + np.arange(width)]
            result[rows] = np.ascontiguousarray(taken).view(dtype)[:, 0]
            known[rows] = True
    if floating:
        known &= ~np.isnan(result)
    return pa.array(result, mask=~known)


_WIDTHS: Mapping[type[IcebergType], tuple[str, ...]] = {
    BooleanType: ("u1",),
    IntegerType: ("<i4",),
    LongType: ("<i4", "<i8"),  # four bytes where the column was an int once
    DateType: ("<i4",),
    TimeType: ("<i8",),
    TimestampType: ("<i8",),
    TimestamptzType: ("<i8",),
    TimestampNanoType: ("<i8",),
    TimestamptzNanoType: ("<i8",),
    FloatType: ("<f4",),
    DoubleType: ("<f4", "<f8"),
}


def _decimals(raw: pa.Array, scale: int) -> pa.Array:
    def read(encoded: bytes | None) -> Decimal | None:
        if not encoded or len(encoded) > 16:
            return None
        unscaled = int.from_bytes(encoded, "big", signed=True)
        digits = tuple(int(digit) for digit in str(abs(unscaled)))
        return None if len(digits) > 38 else Decimal((int(unscaled < 0), digits, -scale))

    return pa.array([read(encoded) for encoded in raw.to_pylist()], pa.decimal128(38, scale))


Mask = npt.NDArray[np.bool_]
