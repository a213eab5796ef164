"""Single values of a table's metadata (defaults, partition values) as Arrow scalars."""

from typing import Any

import pyarrow as pa
from pyiceberg.types import (
    DateType,
    IcebergType,
    TimestampNanoType,
    TimestampType,
    TimestamptzNanoType,
    TimestamptzType,
    TimeType,
)

from flightlake.errors import DamagedData
from flightlake.lake.arrow_types import arrow_type

_AS_NUMBER = (
    DateType,
    TimeType,
    TimestampType,
    TimestamptzType,
    TimestampNanoType,
    TimestamptzNanoType,
)


def scalar(value: Any, iceberg: IcebergType) -> pa.Scalar:
    """Return an Iceberg value (dates and times may be numbers) as a scalar of its Arrow type."""
    wanted = arrow_type(iceberg)
    if isinstance(iceberg, _AS_NUMBER) and isinstance(value, int):
        stored = pa.int32() if isinstance(iceberg, DateType) else pa.int64()
        return pa.array([value], stored).view(wanted)[0]
    if hasattr(value, "bytes") and not isinstance(value, bytes):
        value = value.bytes  # a UUID
    try:
        return pa.scalar(value, wanted)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as misfit:
        raise DamagedData(f"a value of type {iceberg} in the table's metadata is none") from misfit
