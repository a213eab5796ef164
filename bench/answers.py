"""Whether two engines gave the same answer."""

import math
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa

_TOLERANCE = 1e-6  # of sums and averages of floating point, taken in another order


def difference(got: pa.Table, wanted: pa.Table) -> str | None:
    """Return what is different, or None.

    Rows may come in another order: the queries of TPC-H leave ties open.  Column names and
    numeric types may differ: engines call sums differently, and give averages as they like.
    """
    if got.num_columns != wanted.num_columns:
        return f"{got.num_columns} columns instead of {wanted.num_columns}"
    if got.num_rows != wanted.num_rows:
        return f"{got.num_rows} rows instead of {wanted.num_rows}"
    for number, (ours, theirs) in enumerate(zip(_rows(got), _rows(wanted), strict=True)):
        for a, b in zip(ours, theirs, strict=True):
            if not _same(a, b):
                return f"row {number} (sorted) has {a!r} instead of {b!r}"
    return None


def _rows(table: pa.Table) -> Sequence[tuple[object, ...]]:
    columns = [[_plain(value) for value in column.to_pylist()] for column in table.columns]
    rows = list(zip(*columns, strict=True))
    return sorted(rows, key=lambda row: tuple(_rank(value) for value in row))


def _plain(value: object) -> object:
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, datetime):
        return value.date()
    return value.rstrip() if isinstance(value, str) else value


def _rank(value: object) -> tuple[int, object]:
    # Rounded, so that what counts as the same also sorts the same, but for bad luck.
    if value is None:
        return 0, 0
    if isinstance(value, float):
        return 1, float(f"{value:.5g}")
    return (2, value.isoformat()) if isinstance(value, date) else (3, value)


def _same(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=1e-4)
    return a == b
