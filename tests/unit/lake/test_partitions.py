"""What a condition on a column implies for a partition: what writers may have stored, kept."""

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    TruncateTransform,
    UnknownTransform,
    VoidTransform,
    YearTransform,
)
from pyiceberg.types import (
    DateType,
    IcebergType,
    IntegerType,
    LongType,
    StringType,
    TimestampNanoType,
    TimestampType,
    TimestamptzType,
    UUIDType,
)

from flightlake.lake.arrow_types import arrow_type
from flightlake.lake.evidence import AnyOf, Compare, Nullness, Prefix
from flightlake.lake.partitions import Leaf, on_column, on_partition
from flightlake.lake.predicates import Comparison, In, IsNotNull, IsNull, Operator, StartsWith


def condition(operator: Operator, value: Any, kind: IcebergType) -> Comparison:
    return Comparison("v", operator, pa.scalar(value, arrow_type(kind)))


def told(leaf: Leaf, kind: IcebergType, transform: Transform[Any, Any]) -> Any:
    """Return the test of a partition in plain words."""
    test = on_partition(leaf, kind, transform)
    if isinstance(test, Compare):
        return (test.operator, test.value.as_py())
    if isinstance(test, AnyOf):
        return sorted(test.values.to_pylist())
    if isinstance(test, Prefix):
        return test.prefix
    return test.kind if isinstance(test, Nullness) else None


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("=", [50]),
        ("<", ("<=", 50)),
        ("<=", ("<=", 50)),
        (">", (">=", 50)),
        (">=", (">=", 50)),
        ("!=", None),
    ],
)
def test_years_keep_the_order(operator: Operator, expected: Any) -> None:
    leaf = condition(operator, date(2020, 5, 1), DateType())
    assert told(leaf, DateType(), YearTransform()) == expected


@pytest.mark.parametrize("transform", [YearTransform(), MonthTransform(), DayTransform()], ids=str)
def test_old_writers_rounded_the_last_days_of_1969_up(transform: Transform[Any, Any]) -> None:
    last = condition("=", date(1969, 12, 31), DateType())
    assert told(last, DateType(), transform) == [-1, 0]
    before = condition("<", date(1969, 12, 31), DateType())
    assert told(before, DateType(), transform) == ("<=", 0)
    after = condition(">=", date(1969, 12, 31), DateType())
    assert told(after, DateType(), transform) == (">=", -1)


def test_old_writers_rounded_hours_up_too() -> None:
    leaf = condition("=", datetime(1969, 12, 31, 23, 30), TimestampType())
    assert told(leaf, TimestampType(), HourTransform()) == [-1, 0]


def test_a_time_zone_is_that_of_utc() -> None:
    leaf = condition("=", datetime(1970, 1, 1, 23, tzinfo=UTC), TimestamptzType())
    assert told(leaf, TimestamptzType(), DayTransform()) == [0]


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("=", -5, [-10]),
        (">", -5, (">=", -10)),
        (">=", 2**31 - 1, (">=", 2147483640)),
        ("<", 100, None),  # the least integers may be stored as great ones
        ("=", -(2**31), None),
        ("=", -(2**31) + 10, [-(2**31) - 2 + 10]),
    ],
)
def test_truncated_integers(operator: Operator, value: int, expected: Any) -> None:
    leaf = condition(operator, value, IntegerType())
    assert told(leaf, IntegerType(), TruncateTransform(10)) == expected


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("a", b"a"),
        ("", b""),
        ("é", "é".encode()),
        ("ab", ("=", b"ab")),
        ("éab", ("=", "éa".encode())),
    ],
)
def test_a_prefix_of_truncated_text(prefix: str, expected: Any) -> None:
    assert told(StartsWith("v", prefix), StringType(), TruncateTransform(2)) == expected


def test_a_prefix_says_nothing_of_a_bucket() -> None:
    assert told(StartsWith("v", "a"), StringType(), BucketTransform(4)) is None


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "!="])
def test_a_bucket_has_no_order(operator: Operator) -> None:
    assert told(condition(operator, 34, IntegerType()), IntegerType(), BucketTransform(100)) is None


def test_buckets_are_those_of_the_specification() -> None:
    # Iceberg spec, appendix B: the hash of 34 is 2017239379.
    expected = [2017239379 % 100]
    assert told(condition("=", 34, IntegerType()), IntegerType(), BucketTransform(100)) == expected
    assert told(condition("=", 34, LongType()), LongType(), BucketTransform(100)) == expected


def test_values_of_a_list_are_looked_for_one_by_one() -> None:
    values = tuple(pa.scalar(day, pa.date32()) for day in (date(2020, 1, 1), date(1969, 1, 1)))
    assert told(In("v", values), DateType(), YearTransform()) == [-1, 0, 50]


@pytest.mark.parametrize(
    "transform", [IdentityTransform(), YearTransform(), BucketTransform(2)], ids=str
)
def test_null_stays_null(transform: Transform[Any, Any]) -> None:
    assert told(IsNull("v"), DateType(), transform) == "null"
    assert told(IsNotNull("v"), DateType(), transform) == "not null"


@pytest.mark.parametrize("transform", [VoidTransform(), UnknownTransform("zorder")], ids=str)
@pytest.mark.parametrize(
    "leaf",
    [IsNull("v"), IsNotNull("v"), Comparison("v", "=", pa.scalar(1, pa.int32()))],
    ids=["null", "not null", "equal"],
)
def test_a_transform_without_meaning_says_nothing(leaf: Leaf, transform: Any) -> None:
    assert told(leaf, IntegerType(), transform) is None


def test_a_transform_that_does_not_fit_its_column_says_nothing() -> None:
    assert told(condition("=", "a", StringType()), StringType(), DayTransform()) is None
    moment = Comparison("v", "=", pa.scalar(1, pa.timestamp("ns")))
    assert told(moment, TimestampNanoType(), DayTransform()) is None


@pytest.mark.parametrize("transform", [YearTransform(), MonthTransform()], ids=str)
def test_a_moment_beyond_pythons_calendar_says_nothing(transform: Transform[Any, Any]) -> None:
    leaf = Comparison("v", "<", pa.scalar(2**62, pa.timestamp("us")))
    assert told(leaf, TimestampType(), transform) is None


def test_uuids_are_compared_for_equality_only() -> None:
    value = pa.scalar(bytes(15) + b"\1", pa.binary(16))
    equal = on_partition(Comparison("v", "=", value), UUIDType(), IdentityTransform())
    assert equal == Compare("=", pa.scalar(bytes(15) + b"\1", pa.binary()))
    for operator in ("<", ">", "!="):
        leaf = Comparison("v", operator, value)  # type: ignore[arg-type]
        assert on_partition(leaf, UUIDType(), IdentityTransform()) is None
    assert on_column(Comparison("v", "=", value), UUIDType()) is None


@pytest.mark.parametrize("value", [pa.scalar(None, pa.int32()), pa.scalar(1, pa.int64())], ids=str)
def test_a_value_of_another_type_says_nothing(value: pa.Scalar) -> None:
    leaf = Comparison("v", "=", value)
    assert on_column(leaf, IntegerType()) is None
    assert on_partition(leaf, IntegerType(), BucketTransform(2)) is None
    assert on_column(In("v", (pa.scalar(1, pa.int32()), value)), IntegerType()) is None


def test_a_list_without_values_says_nothing() -> None:
    assert on_column(In("v", ()), IntegerType()) is None
