"""Values and bounds in the types they are compared in."""

import struct
import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.conversions import to_bytes
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    IntegerType,
    LongType,
    PrimitiveType,
    StringType,
    TimestampNanoType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

from flightlake.lake.arrow_types import arrow_type
from flightlake.lake.physical import (
    decoded_bounds,
    iceberg_value,
    physical_scalar,
    physical_type,
)

LONG = Decimal("-1234567890123456789012345678.0123456789")

SAMPLES: list[tuple[PrimitiveType, Any, Any]] = [
    (BooleanType(), True, 1),
    (BooleanType(), False, 0),
    (IntegerType(), -5, -5),
    (LongType(), -(2**63), -(2**63)),
    (FloatType(), 1.5, 1.5),
    (DoubleType(), -1.1, -1.1),
    (DecimalType(9, 2), Decimal("-3.05"), Decimal("-3.05")),
    (DecimalType(38, 10), LONG, LONG),
    (DateType(), date(1969, 12, 31), -1),
    (TimeType(), time(0, 0, 1), 1_000_000),
    (TimestampType(), datetime(1969, 12, 31, 23, 59, 59), -1_000_000),
    (TimestamptzType(), datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), 1_000_000),
    (StringType(), "é🙂", "é🙂".encode()),
    (BinaryType(), b"\xff\x00", b"\xff\x00"),
    (FixedType(2), b"\x80\x01", b"\x80\x01"),
]
IDS = [f"{kind} {value!r}" for kind, value, _ in SAMPLES]


@pytest.mark.parametrize(("kind", "value", "plain"), SAMPLES, ids=IDS)
def test_a_clients_value_is_compared_in_its_physical_type(
    kind: PrimitiveType, value: Any, plain: Any
) -> None:
    physical = physical_type(kind)
    told = iceberg_value(pa.scalar(value, arrow_type(kind)), kind)
    assert physical_scalar(told, physical).as_py() == plain


@pytest.mark.parametrize(("kind", "value", "plain"), SAMPLES, ids=IDS)
def test_a_bound_is_read_as_it_was_written(kind: PrimitiveType, value: Any, plain: Any) -> None:
    raw = pa.array([to_bytes(kind, value), None, to_bytes(kind, value)], pa.binary())
    decoded = decoded_bounds(raw, kind)
    assert decoded is not None
    assert decoded.type == physical_type(kind)
    assert decoded.to_pylist() == [plain, None, plain]


@pytest.mark.parametrize(("kind", "value", "plain"), SAMPLES, ids=IDS)
def test_a_slice_of_bounds_is_read_alike(kind: PrimitiveType, value: Any, plain: Any) -> None:
    raw = pa.array([b"\1\2\3", to_bytes(kind, value), None], pa.binary()).slice(1)
    decoded = decoded_bounds(raw, kind)
    assert decoded is not None
    assert decoded.to_pylist() == [plain, None]


def test_a_bound_written_before_a_column_was_widened_is_read() -> None:
    raw = pa.array([struct.pack("<i", -7), struct.pack("<q", 2**40)], pa.binary())
    longs = decoded_bounds(raw, LongType())
    assert longs is not None
    assert longs.to_pylist() == [-7, 2**40]
    raw = pa.array([struct.pack("<f", 0.5), struct.pack("<d", 0.1)], pa.binary())
    doubles = decoded_bounds(raw, DoubleType())
    assert doubles is not None
    assert doubles.to_pylist() == [0.5, 0.1]


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (IntegerType(), struct.pack("<q", 1)),
        (LongType(), b"\1"),
        (LongType(), b""),
        (TimestampType(), struct.pack("<i", 18_000)),  # a date once
        (DateType(), struct.pack("<q", 1)),
        (DoubleType(), struct.pack("<d", float("nan"))),
        (FloatType(), struct.pack("<f", float("nan"))),
        (BooleanType(), b"\0\0"),
        (DecimalType(9, 2), b""),
        (DecimalType(38, 0), b"\x7f" + b"\xff" * 16),
        (DecimalType(38, 0), b"\x7f" + b"\xff" * 15),
    ],
)
def test_a_bound_that_cannot_be_read_is_unknown(kind: PrimitiveType, raw: bytes) -> None:
    decoded = decoded_bounds(pa.array([raw], pa.binary()), kind)
    assert decoded is not None
    assert decoded.to_pylist() == [None]


def test_uuids_have_no_order() -> None:
    raw = pa.array([uuid.UUID(int=1).bytes], pa.binary())
    assert physical_type(UUIDType()) is None
    assert decoded_bounds(raw, UUIDType()) is None


@pytest.mark.parametrize(
    "value",
    [pa.scalar(None, pa.int64()), pa.scalar(1, pa.int32()), pa.scalar("1"), pa.scalar(1.0)],
    ids=str,
)
def test_a_value_that_is_null_or_of_another_type_says_nothing(value: pa.Scalar) -> None:
    assert iceberg_value(value, LongType()) is None


def test_nanoseconds_are_kept() -> None:
    value = pa.scalar(1_234_567_891, pa.timestamp("ns"))
    assert iceberg_value(value, TimestampNanoType()) == 1_234_567_891
