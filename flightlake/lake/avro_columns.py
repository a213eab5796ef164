"""Columns of an Avro file as arrays: nulls, defaults and types are seen to here."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from flightlake.lake.avro import Malformed
from flightlake.lake.shapes import Column, Items, Maybe
from flightlake.lake.tape import Places, Spans, Tape

Mask = npt.NDArray[np.bool_]


def present(column: Column, count: int) -> Mask:
    """Return where there is a value; nowhere, if the file has no such field (None)."""
    if column is None:
        return np.zeros(count, np.bool_)
    return column.valid if isinstance(column, Maybe) else np.ones(count, np.bool_)


def numbers(column: Column, count: int, default: int | None = None) -> Places:
    """Return numbers, with *default* for null and for a field that is not there.

    Raises:
        Malformed: They are no numbers; or one is not there, and there is no default.
    """
    valid = present(column, count)
    values = column.values if isinstance(column, Maybe) else column
    if valid.all() and isinstance(values, np.ndarray):
        return values
    if default is None or (values is not None and not isinstance(values, np.ndarray)):
        raise Malformed("no number where one must be")
    if values is None:
        return np.full(count, default, np.int64)
    return np.where(valid, values, default)


def binary(tape: Tape, column: Column, count: int) -> pa.Array:
    """Return bytes, some of them null.

    Raises:
        Malformed: They are no bytes.
    """
    valid = present(column, count)
    values = column.values if isinstance(column, Maybe) else column
    if values is None:
        return pa.nulls(count, pa.binary())
    if not isinstance(values, Spans):
        raise Malformed("no bytes where they must be")
    return tape.binary(values, None if valid.all() else valid)


def texts(tape: Tape, column: Column, count: int) -> pa.Array:
    """Return texts, some of them null.

    Raises:
        Malformed: They are no texts.
    """
    made = binary(tape, column, count).view(pa.string())
    try:
        made.validate(full=True)
    except pa.ArrowInvalid as broken:
        raise Malformed("a text that is none") from broken
    return made


def listed(column: Column, count: int) -> tuple[Places, Column]:
    """Return how many items each list has (none, where it is null), and all items.

    Raises:
        Malformed: They are no lists.
    """
    values = column.values if isinstance(column, Maybe) else column
    if values is None:
        return np.zeros(count, np.int64), None
    if not isinstance(values, Items):
        raise Malformed("no list where one must be")
    return values.lengths, values.items


def kept(column: Column, mask: Mask) -> Column:
    """Return the part of *column* where *mask* is true."""
    if isinstance(column, np.ndarray):
        return column[mask]
    if isinstance(column, Spans):
        return Spans(column.starts[mask], column.lengths[mask])
    if isinstance(column, Maybe):
        return Maybe(column.valid[mask], kept(column.values, mask))
    if isinstance(column, Items):
        return Items(column.lengths[mask], kept(column.items, np.repeat(mask, column.lengths)))
    if isinstance(column, Mapping):
        return {key: kept(part, mask) for key, part in column.items()}
    return None
