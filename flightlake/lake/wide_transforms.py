"""The transforms that have a width, ``bucket[n]`` and ``truncate[w]``, and their values.

The values are computed by Iceberg's own Rust library, an array at a time; each engine that reads
the table has to come to the same ones.

Source: Iceberg spec, "Bucket Transform Details", "Truncate Transform Details", appendix B.
"""

import re
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.transforms import BucketTransform, Transform, TruncateTransform

from flightlake.errors import InvalidSql

_WIDE = re.compile(r"(bucket|truncate)\[(\d+)\]")
_WIDEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class WideTransform:
    """``kind`` is ``bucket`` or ``truncate``; ``width`` how many buckets, or how much is cut."""

    kind: str
    width: int

    @property
    def suffix(self) -> str:
        """What the partition is called, behind its column; as Iceberg's Java library does."""
        return "_bucket" if self.kind == "bucket" else "_trunc"

    def make(self) -> Transform[Any, Any]:
        """Return it as pyiceberg has it."""
        return (
            BucketTransform(self.width) if self.kind == "bucket" else TruncateTransform(self.width)
        )

    def values(self, column: pa.Array) -> pa.Array:
        """Return the partition values of *column*, which is of a type that files have.

        Raises:
            InvalidSql: A number has no multiple of the width below it that its type holds.
        """
        # Imported here: only views that are cut so need it.
        from pyiceberg_core import transform  # type: ignore[import-untyped]

        if self.kind == "bucket":
            return transform.bucket(column, self.width)
        cut = transform.truncate(column, self.width)
        if pa.types.is_integer(cut.type) and pc.any(pc.greater(cut, column)).as_py():
            raise InvalidSql(_below(self.width, column))
        if pa.types.is_decimal(cut.type):
            try:
                cut.validate(full=True)  # of the digits that its type has
            except pa.ArrowInvalid as more:
                raise InvalidSql(_below(self.width, column)) from more
        return cut


def wide_transform(written: str) -> WideTransform | None:
    """Return the transform that is *written* as Iceberg does, ``bucket[16]``; None for others."""
    found = _WIDE.fullmatch(written)
    if found is None or not 1 <= int(found[2]) <= _WIDEST:
        return None
    return WideTransform(found[1], int(found[2]))


def _below(width: int, column: pa.Array) -> str:
    return (
        f"a number close to the least of {column.type} cannot be truncated to multiples of {width};"
        " leave truncate out of PARTITIONED BY, or such numbers out of the query"
    )
