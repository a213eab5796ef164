"""Buckets and truncated values are those that pyiceberg computes."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyiceberg.transforms import BucketTransform, TruncateTransform
from pyiceberg.types import (
    BinaryType,
    DateType,
    DecimalType,
    FixedType,
    IcebergType,
    IntegerType,
    LongType,
    StringType,
    TimestampType,
    TimestamptzType,
    TimeType,
)

from flightlake.errors import InvalidSql
from flightlake.lake.layout_terms import LayoutTerm, partition_values
from flightlake.lake.wide_transforms import wide_transform

_WIDTHS = st.sampled_from([1, 2, 7, 16, 1000, 2**31 - 1])
_MICROS = st.integers(-(2**53), 2**53)
_COLUMNS: dict[str, tuple[IcebergType, pa.DataType, st.SearchStrategy[Any]]] = {
    "int": (IntegerType(), pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "long": (LongType(), pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "decimal": (
        DecimalType(20, 3), pa.decimal128(20, 3),
        st.decimals(-(10**16), 10**16, places=3, allow_nan=False),
    ),
    "string": (StringType(), pa.string(), st.text(max_size=20)),
    "binary": (BinaryType(), pa.binary(), st.binary(max_size=20)),
    "fixed": (FixedType(3), pa.binary(3), st.binary(min_size=3, max_size=3)),
    "date": (DateType(), pa.date32(), st.integers(-(2**20), 2**20)),
    "time": (TimeType(), pa.time64("us"), st.integers(0, 86_399_999_999)),
    "timestamp": (TimestampType(), pa.timestamp("us"), _MICROS),
    "timestamptz": (TimestamptzType(), pa.timestamp("us", "UTC"), _MICROS),
}  # fmt: skip
_CUT = ("int", "long", "decimal", "string", "binary")


@pytest.mark.parametrize("name", _COLUMNS)
@settings(deadline=None, max_examples=25)
@given(st.data())
def test_buckets_are_those_of_pyiceberg(name: str, data: st.DataObject) -> None:
    iceberg, arrow, one = _COLUMNS[name]
    values, width = data.draw(st.lists(st.none() | one)), data.draw(_WIDTHS)
    got = partition_values(LayoutTerm(f"bucket[{width}]", "c"), pa.array(values, arrow))
    real = BucketTransform(width).transform(iceberg)
    assert got.type == pa.int32()
    assert got.to_pylist() == [real(value) for value in values]


@pytest.mark.parametrize("name", _CUT)
@settings(deadline=None, max_examples=25)
@given(st.data())
def test_values_are_truncated_as_by_pyiceberg(name: str, data: st.DataObject) -> None:
    iceberg, arrow, one = _COLUMNS[name]
    values, width = data.draw(st.lists(st.none() | one)), data.draw(_WIDTHS)
    real = TruncateTransform(width).transform(iceberg)
    wanted = [real(value) for value in values]
    column, term = pa.array(values, arrow), LayoutTerm(f"truncate[{width}]", "c")
    if _all_fit(wanted, arrow):
        got = partition_values(term, column)
        assert got.type == arrow
        assert got.to_pylist() == wanted
    else:
        with pytest.raises(InvalidSql, match="cannot be truncated to multiples"):
            partition_values(term, column)


def _all_fit(values: list[Any], arrow: pa.DataType) -> bool:
    try:
        pa.array(values, arrow)
    except (pa.ArrowInvalid, OverflowError):
        return False
    return True


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (34, LongType()), (Decimal("14.20"), DecimalType(9, 2)), ("iceberg", StringType()),
        (b"\x00\x01\x02\x03", BinaryType()),
    ],
)  # fmt: skip
def test_the_hashes_of_the_specification_are_held(value: Any, type_: IcebergType) -> None:
    # Iceberg spec, appendix B, "32-bit Hash Requirements".
    hashes = {34: 2017239379, Decimal("14.20"): -500754589, "iceberg": 1210000089}
    known = {**hashes, b"\x00\x01\x02\x03": -188683207}[value]
    arrow = {LongType(): pa.int64(), DecimalType(9, 2): pa.decimal128(9, 2)}
    column = pa.array([value], arrow.get(type_))
    got = partition_values(LayoutTerm("bucket[2147483647]", "c"), column)
    assert got.to_pylist() == [(known & 0x7FFFFFFF) % 2147483647]


def test_days_and_moments_have_the_hashes_of_the_specification() -> None:
    day = pa.array([date(2017, 11, 16)])
    moment = pa.array([datetime(2017, 11, 16, 22, 31, 8)], pa.timestamp("us"))
    for column, known in ((day, -653330422), (moment, -2047944441)):
        got = partition_values(LayoutTerm("bucket[2147483647]", "c"), column)
        assert got.to_pylist() == [(known & 0x7FFFFFFF) % 2147483647]


@pytest.mark.parametrize("written", ["bucket", "bucket[0]", "truncate[-1]", "bucket[2147483648]"])
def test_widths_that_iceberg_has_not_are_none(written: str) -> None:
    assert wide_transform(written) is None
