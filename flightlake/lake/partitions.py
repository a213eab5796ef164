"""What a condition on a column means for a partition field made from that column.

Identity keeps the order and everything else.  Truncate, year, month, day and hour keep the
order but not the difference of values, so ``<`` becomes ``<=``, ``>`` becomes ``>=`` and ``!=``
means nothing (and truncated integers say nothing about ``<`` either: see ``_LEAST``).  Bucket
keeps equality only.  Null stays null in all of them.  Void, and any transform of a later
specification, say nothing at all.

Old writers rounded dates before 1970 towards zero, so their year, month, day or hour may be
one too high where it is negative; as in Iceberg's own library, both are looked for.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    TimeTransform,
    Transform,
    TruncateTransform,
    YearTransform,
)
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
    UUIDType,
)

from flightlake.lake.evidence import AnyOf, Compare, Nullness, Prefix, Test
from flightlake.lake.physical import iceberg_value, physical_scalar, physical_type
from flightlake.lake.predicates import (
    Comparison,
    In,
    IsNotNull,
    IsNull,
    StartsWith,
)

Leaf = Comparison | In | IsNull | IsNotNull | StartsWith

_TRUNCATED = (IntegerType, LongType, DecimalType, StringType, BinaryType)
_BUCKETED = (
    *(IntegerType, LongType, DecimalType, StringType, BinaryType, FixedType),
    *(DateType, TimeType, TimestampType, TimestamptzType, UUIDType),
)
_DATED = (DateType, TimestampType, TimestamptzType)
_KNOWN: dict[type[Transform[Any, Any]], tuple[type[IcebergType], ...]] = {
    TruncateTransform: _TRUNCATED,
    BucketTransform: _BUCKETED,
    YearTransform: _DATED,
    MonthTransform: _DATED,
    DayTransform: _DATED,
    HourTransform: (TimestampType, TimestamptzType),
}


def on_column(leaf: Leaf, source: IcebergType) -> Test | None:
    """Return *leaf* as a test of the column's own values; None if it cannot be tested."""
    if isinstance(leaf, IsNull | IsNotNull):
        return _nullness(leaf)
    physical = physical_type(source)
    if physical is None:
        return None
    if isinstance(leaf, StartsWith):
        return Prefix(leaf.prefix.encode()) if isinstance(source, StringType) else None
    if isinstance(leaf, In):
        values = _values(leaf.values, source)
        return None if values is None else _any_of(values, physical)
    value = iceberg_value(leaf.value, source)
    return None if value is None else Compare(leaf.operator, physical_scalar(value, physical))


def on_partition(leaf: Leaf, source: IcebergType, transform: Transform[Any, Any]) -> Test | None:
    """Return what *leaf* implies for a partition field; None if it implies nothing."""
    if isinstance(transform, IdentityTransform):
        return _on_uuid(leaf) if isinstance(source, UUIDType) else on_column(leaf, source)
    if not isinstance(source, _KNOWN.get(type(transform), ())):
        return None
    if isinstance(leaf, IsNull | IsNotNull):
        return _nullness(leaf)
    if isinstance(leaf, StartsWith):
        return _on_truncated_prefix(leaf.prefix, source, transform)
    result = physical_type(transform.result_type(source))
    if result is None:
        return None
    operator = "=" if isinstance(leaf, In) else leaf.operator
    values = _values(leaf.values if isinstance(leaf, In) else (leaf.value,), source)
    images = None if values is None else _images(values, source, transform)
    if images is None:
        return None
    if operator == "=":
        return _any_of(images, result)
    if isinstance(transform, BucketTransform) or operator == "!=":
        return None
    if operator in (">", ">="):
        return Compare(">=", physical_scalar(min(images), result))
    if _wraps(source, transform):
        return None
    return Compare("<=", physical_scalar(max(images), result))


def _images(
    values: list[Any], source: IcebergType, transform: Transform[Any, Any]
) -> set[Any] | None:
    """Return what writers may have stored for one of *values*; None if that is not known."""
    apply = transform.transform(source)
    images: set[Any] = set()
    for value in values:
        if _wraps(source, transform, value):
            return None
        try:
            image = apply(value)
        except (OverflowError, ValueError):  # a date beyond Python's
            return None
        if image is None:
            return None
        images.add(image)
        if isinstance(transform, TimeTransform) and image < 0:
            images.add(image + 1)
    return images


# Truncating goes down, so the very least integers leave their type: writers in Java then store
# one of the greatest instead.
_LEAST: Mapping[type[IcebergType], int] = {IntegerType: -(2**31), LongType: -(2**63)}


def _wraps(source: IcebergType, transform: Transform[Any, Any], value: Any = None) -> bool:
    """Whether the partition of *value*, or of something below any value, may have wrapped."""
    if not isinstance(transform, TruncateTransform) or type(source) not in _LEAST:
        return False
    return value is None or bool(value < _LEAST[type(source)] + transform.width)


def _on_truncated_prefix(
    prefix: str, source: IcebergType, transform: Transform[Any, Any]
) -> Test | None:
    if not isinstance(transform, TruncateTransform) or not isinstance(source, StringType):
        return None
    if len(prefix) < transform.width:
        return Prefix(prefix.encode())
    return Compare("=", physical_scalar(prefix[: transform.width], pa.binary()))


def _on_uuid(leaf: Leaf) -> Test | None:
    """UUIDs are not ordered here, but a partition's value is one value: equality can be tested.

    Manifest summaries of UUIDs are ranges; they are never decoded (``physical_type``).
    """
    if isinstance(leaf, IsNull | IsNotNull):
        return _nullness(leaf)
    if isinstance(leaf, Comparison) and leaf.operator == "=":
        return Compare("=", physical_scalar(leaf.value.as_py(), pa.binary()))
    return None


def _nullness(leaf: IsNull | IsNotNull) -> Nullness:
    return Nullness("null" if isinstance(leaf, IsNull) else "not null")


def _values(scalars: Iterable[pa.Scalar], source: IcebergType) -> list[Any] | None:
    values = [iceberg_value(scalar, source) for scalar in scalars]
    return None if not values or any(value is None for value in values) else values


def _any_of(values: Iterable[Any], physical: pa.DataType) -> AnyOf:
    scalars = [physical_scalar(value, physical) for value in values]
    return AnyOf(pa.array([scalar.as_py() for scalar in scalars], physical))
