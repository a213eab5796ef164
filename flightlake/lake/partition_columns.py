"""Partition values of many files, as they are stored: arrays, not objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, overload
from uuid import UUID

import pyarrow as pa
from pyiceberg.types import (
    BooleanType,
    DecimalType,
    IcebergType,
    StringType,
    UUIDType,
)

from flightlake.lake.physical import decoded_bounds, physical_type


@dataclass(frozen=True, slots=True)
class PartitionColumn(Sequence[Any]):
    """The values of one partition field, one per file.

    A sequence of Python values as pyiceberg has them: dates as days, times and timestamps as
    numbers, decimals, UUIDs.  ``stored`` has numbers as int64 or double, everything else as
    the bytes in the file.
    """

    iceberg: IcebergType
    stored: pa.Array

    def __len__(self) -> int:
        return len(self.stored)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return PartitionColumn(self.iceberg, self.stored[index])
        value = self.stored[index].as_py()
        if value is None:
            return None
        if isinstance(self.iceberg, BooleanType):
            return bool(value)
        if isinstance(self.iceberg, StringType):
            return value.decode()
        if isinstance(self.iceberg, UUIDType):
            return UUID(bytes=value) if len(value) == 16 else UUID(value.decode())
        if isinstance(self.iceberg, DecimalType):
            unscaled = int.from_bytes(value, "big", signed=True)
            digits = tuple(int(digit) for digit in str(abs(unscaled)))
            return Decimal((int(unscaled < 0), digits, -self.iceberg.scale))
        return value

    def physical(self) -> pa.Array | None:
        """Return the values as they are compared (``physical``); None if they are not.

        UUIDs are bytes, for equality only.
        """
        if isinstance(self.iceberg, UUIDType):
            return pa.array([None if value is None else value.bytes for value in self], pa.binary())
        if isinstance(self.iceberg, DecimalType):
            return decoded_bounds(self.stored, self.iceberg)
        return self.stored if physical_type(self.iceberg) is not None else None
