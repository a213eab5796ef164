"""Files that may hold NaN where their footers' statistics hide it, and how they are read anyway.

Parquet's least and greatest values leave NaN out.  The engine takes a column whose two are equal
and which has no nulls for a constant, and so would read NaN as that number; nor would it see NaN
as the greatest value.  It has no way to be told not to believe statistics of single files, but
it makes nothing of those of other types than the column's: so a float is scanned as a double,
and a double as a list of one.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.types import DoubleType, FloatType, NestedField

from flightlake.lake.manifests import Manifest
from flightlake.lake.parts import Column


def hidden_nans(
    fields: Iterable[NestedField], manifest: Manifest, rows: npt.NDArray[np.int64]
) -> frozenset[int]:
    """Return the ids of those *fields* that may hide NaNs in one of the files *rows*.

    They may if the manifest counts some.  Where it does not count, they may if the bounds are
    equal, or unknown.
    """
    if len(rows) == 0:
        return frozenset()
    floats = [field for field in fields if isinstance(field.field_type, FloatType | DoubleType)]
    return frozenset(field.field_id for field in floats if _may_hide(field, manifest, rows))


def _may_hide(field: NestedField, manifest: Manifest, rows: npt.NDArray[np.int64]) -> bool:
    chosen = pa.array(rows)
    counted = manifest.nans(field.field_id).take(chosen)
    bounds = manifest.bounds(field.field_id, field.field_type)
    if bounds is None:
        return True
    lower, upper = (bound.take(chosen) for bound in bounds)
    differ = pc.fill_null(pc.less(lower, upper), False)
    safe = pc.if_else(pc.is_valid(counted), pc.equal(counted, 0), differ)
    return not pc.all(pc.fill_null(safe, False), min_count=0).as_py()


def disguised(plain: pa.DataType) -> pa.DataType:
    """Return the type to scan a column of type *plain* with, if its statistics mislead."""
    if pa.types.is_float32(plain):
        return pa.float64()
    if pa.types.is_float64(plain):
        return pa.list_(pa.float64(), 1)
    return plain


def scan_schema(
    schema: pa.Schema, columns: Iterable[tuple[int, Column]], hidden: frozenset[int]
) -> pa.Schema:
    """Return *schema* with those of *columns* (with their ids) disguised that are *hidden*."""
    names = {column.stored for field_id, column in columns if field_id in hidden}
    if not names:
        return schema
    return pa.schema(
        [
            (member.name, disguised(member.type) if member.name in names else member.type)
            for member in schema
        ]
    )
