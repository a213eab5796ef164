"""Files that may hold NaN, of which their footers' statistics say nothing.

Parquet's least and greatest values leave NaN out, but to the engine NaN is above every number.
So it would leave out row groups that have rows above a number, and take another value for the
greatest; where the two are equal and there are no nulls, it takes the column for a constant and
reads NaN as that number.  It cannot be told not to believe statistics of single columns, but:

* Of the result of a function it knows nothing.  A column that may hold NaN goes through one
  that changes nothing.
* Of a column scanned with another type than the file's it knows nothing, not even constants.  A
  column that may be taken for one is scanned with such a type: a float as a double, a double as
  a list of one, which costs more.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.types import DoubleType, FloatType, NestedField

from flightlake.lake.manifests import Manifest
from flightlake.lake.parts import Column
from flightlake.lake.physical import Mask


@dataclass(frozen=True, slots=True)
class Nans:
    """The ids of columns that ``may_be`` NaN in some file, and of those that may ``hide`` it.

    They may hide it if all numbers in a file are equal.
    """

    may_be: frozenset[int] = frozenset()
    hide: frozenset[int] = frozenset()

    def __or__(self, other: "Nans") -> "Nans":
        return Nans(self.may_be | other.may_be, self.hide | other.hide)


def nans_in(fields: Iterable[NestedField], manifest: Manifest, rows: npt.NDArray[np.int64]) -> Nans:
    """Return which of *fields* may be NaN in one of the files *rows*: if not counted to be none."""
    if len(rows) == 0:
        return Nans()
    may_be, hide = [], []
    for field in fields:
        if isinstance(field.field_type, FloatType | DoubleType):
            uncounted, misleading = _flags(field, manifest)
            if uncounted[rows].any():
                may_be.append(field.field_id)
                if misleading[rows].any():
                    hide.append(field.field_id)
    return Nans(frozenset(may_be), frozenset(hide))


def _flags(field: NestedField, manifest: Manifest) -> tuple[Mask, Mask]:
    """Return for each file whether a column may be NaN, and whether it may hide it, too."""

    def find() -> tuple[Mask, Mask]:
        none = pc.fill_null(pc.equal(manifest.nans(field.field_id), 0), False)
        plain = pc.or_(none, _differ(field, manifest))
        return ~np.asarray(none, np.bool_), ~np.asarray(plain, np.bool_)

    flags: tuple[Mask, Mask] = manifest.once(
        ("may be nan", field.field_id, str(field.field_type)), find
    )
    return flags


def _differ(field: NestedField, manifest: Manifest) -> pa.Array:
    """Return for each file whether the column is known to have different numbers."""
    bounds = manifest.bounds(field.field_id, field.field_type)
    if bounds is None:
        return pa.array([False] * len(manifest))
    return pc.fill_null(pc.less(*bounds), False)


def disguised(plain: pa.DataType) -> pa.DataType:
    """Return the type to scan a column of type *plain* with, if its statistics mislead."""
    if pa.types.is_float32(plain):
        return pa.float64()
    if pa.types.is_float64(plain):
        return pa.list_(pa.float64(), 1)
    return plain


def scan_schema(schema: pa.Schema, names: Collection[str]) -> pa.Schema:
    """Return *schema* with the columns *names* disguised."""
    if not names:
        return schema
    return pa.schema(
        [
            (member.name, disguised(member.type) if member.name in names else member.type)
            for member in schema
        ]
    )


def stored_names(columns: Iterable[tuple[int, Column]], ids: frozenset[int]) -> frozenset[str]:
    """Return the names in the files of those of *columns* (with their ids) that are in *ids*."""
    return frozenset(
        column.stored for id_, column in columns if id_ in ids and column.stored is not None
    )
