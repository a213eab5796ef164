"""Avro types as they are read in lanes: columns of what is wanted, places after the rest.

What nobody wants is skipped by its type, so fields of a later specification are no obstacle.
Lanes that cannot be read go dead (``tape``); ``pass_one`` reads one value strictly instead.

Source: Apache Avro specification, "Binary Encoding".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from flightlake.lake.avro import Malformed, number_at
from flightlake.lake.tape import Places, Spans, Tape

Column = Any
"""Places (numbers), Spans (bytes), Maybe, Items, a mapping of them (records), or None."""

Key = int | str
"""A member of a record: its Iceberg field id, or its name where it has none."""


@dataclass(frozen=True, slots=True)
class Maybe:
    """Values of which some are null; ``values`` has something there, too.

    It is None where all are null.
    """

    valid: npt.NDArray[np.bool_]
    values: Column


@dataclass(frozen=True, slots=True)
class Items:
    """Lists laid flat: how many items each lane has, and the items of all."""

    lengths: Places
    items: Column


class Shape(Protocol):
    """A type."""

    @property
    def numbers(self) -> int | None:
        """Of how many numbers a value is made, if always of that many and of nothing else."""

    def read(self, tape: Tape, at: Places) -> tuple[Column, Places]:
        """Return the value in each lane, and what follows it."""

    def skip(self, tape: Tape, at: Places) -> Places:
        """Return what follows the value in each lane."""

    def pass_one(self, content: bytes, at: int) -> int:
        """Return what follows the one value at *at*.

        Raises:
            Malformed: There is none.
        """


@dataclass(frozen=True, slots=True)
class Number:
    """int, long or enum."""

    numbers: int | None = 1

    def read(self, tape: Tape, at: Places) -> tuple[Column, Places]:
        return tape.number(at)

    def skip(self, tape: Tape, at: Places) -> Places:
        return tape.skip_numbers(at, 1)

    def pass_one(self, content: bytes, at: int) -> int:
        return number_at(content, at)[1]


@dataclass(frozen=True, slots=True)
class Null:
    """Nothing, in no bytes."""

    numbers: int | None = None

    def read(self, tape: Tape, at: Places) -> tuple[Column, Places]:
        return Maybe(np.zeros(len(at), np.bool_), None), at

    def skip(self, tape: Tape, at: Places) -> Places:
        return at

    def pass_one(self, content: bytes, at: int) -> int:
        return at


@dataclass(frozen=True, slots=True)
class Boolean:
    """One byte, 0 or 1."""

    numbers: int | None = None

    def read(self, tape: Tape, at: Places) -> tuple[Column, Places]:
        found = tape.byte(at).astype(np.int64)
        return found, tape.only(found <= 1, at + 1)

    def skip(self, tape: Tape, at: Places) -> Places:
        return self.read(tape, at)[1]

    def pass_one(self, content: bytes, at: int) -> int:
        if content[at : at + 1] not in (b"\x00", b"\x01"):
            raise Malformed("no boolean")
        return at + 1


@dataclass(frozen=True, slots=True)
class Fixed:
    """fixed, float or double: *width* bytes."""

    width: int
    numbers: int | None = None

    def read(self, tape: Tape, at: Places) -> tuple[Column, Places]:
        return tape.fixed(at, self.width)

    def skip(self, tape: Tape, at: Places) -> Places:
        return at + self.width

    def pass_one(self, content: bytes, at: int) -> int:
        return _inside(content, at + self.width)


@dataclass(frozen=True, slots=True)
class Bytes:
    """bytes or string: a length, and so many bytes."""

    numbers: int | None = None

    def read(self, tape: Tape, at: Places) -> tuple[Column, Places]:
        return tape.span(at)

    def skip(self, tape: Tape, at: Places) -> Places:
        return tape.span(at)[1]

    def pass_one(self, content: bytes, at: int) -> int:
        length, at = number_at(content, at)
        if length < 0:
            raise Malformed("a negative length")
        return _inside(content, at + length)


@dataclass(frozen=True, slots=True)
class Choice:
    """A union.  Only a type or null can be read; other unions can be skipped."""

    branches: tuple[Shape, ...]
    numbers: int | None = None

    def read(self, tape: Tape, at: Places) -> tuple[Column, Places]:
        there = next(
            (place for place, shape in enumerate(self.branches) if not isinstance(shape, Null)), 0
        )
        if len(self.branches) > 2 or (len(self.branches) == 2 and not self._has_null()):
            raise Malformed("a union where a value was expected")
        branch, at = tape.number(at)
        at = tape.only((branch >= 0) & (branch < len(self.branches)), at)
        valid = branch == there
        if valid.all():
            values, at = self.branches[there].read(tape, at)
            return Maybe(valid, values), at
        lanes = valid.nonzero()[0]
        if not len(lanes):
            return Maybe(valid, None), at
        at = at.copy()
        values, at[lanes] = self.branches[there].read(tape, at[lanes])
        return Maybe(valid, scattered(values, lanes, len(at))), at

    def _has_null(self) -> bool:
        return any(isinstance(shape, Null) for shape in self.branches)

    def skip(self, tape: Tape, at: Places) -> Places:
        branch, at = tape.number(at)
        at = tape.only((branch >= 0) & (branch < len(self.branches)), at)
        for place, shape in enumerate(self.branches):
            if not isinstance(shape, Null):
                lanes = (branch == place).nonzero()[0]
                if len(lanes) == len(at):
                    return shape.skip(tape, at)
                if len(lanes):
                    at = at.copy()
                    at[lanes] = shape.skip(tape, at[lanes])
        return at

    def pass_one(self, content: bytes, at: int) -> int:
        branch, at = number_at(content, at)
        if not 0 <= branch < len(self.branches):
            raise Malformed("no such type in a union")
        return self.branches[branch].pass_one(content, at)


@dataclass(frozen=True, slots=True)
class Member:
    """A field of a record."""

    key: Key
    shape: Shape
    wanted: bool


@dataclass(frozen=True, slots=True)
class Record:
    """Members one behind the other."""

    members: tuple[Member, ...]

    @property
    def numbers(self) -> int | None:
        counts = [member.shape.numbers for member in self.members]
        known = [count for count in counts if count is not None]
        return sum(known) if known and len(known) == len(counts) else None

    def read(self, tape: Tape, at: Places) -> tuple[Column, Places]:
        columns: dict[Key, Column] = {}
        for member in self.members:
            if member.wanted:
                columns[member.key], at = member.shape.read(tape, at)
            else:
                at = member.shape.skip(tape, at)
        return columns, at

    def skip(self, tape: Tape, at: Places) -> Places:
        for member in self.members:
            at = member.shape.skip(tape, at)
        return at

    def pass_one(self, content: bytes, at: int) -> int:
        for member in self.members:
            at = member.shape.pass_one(content, at)
        return at


def _inside(content: bytes, at: int) -> int:
    if at > len(content):
        raise Malformed("cut short")
    return at


def scattered(column: Column, lanes: Places, count: int) -> Column:
    """Return *column*, which has values for *lanes* only, with something for all *count*."""
    if isinstance(column, np.ndarray):
        values = np.zeros(count, column.dtype)
        values[lanes] = column
        return values
    if isinstance(column, Spans):
        return Spans(*(scattered(part, lanes, count) for part in (column.starts, column.lengths)))
    if isinstance(column, Maybe):
        return Maybe(scattered(column.valid, lanes, count), scattered(column.values, lanes, count))
    if isinstance(column, Items):
        return Items(scattered(column.lengths, lanes, count), column.items)
    if isinstance(column, Mapping):
        return {key: scattered(part, lanes, count) for key, part in column.items()}
    return None


def joined(columns: Sequence[Column], order: Places) -> Column:
    """Return *columns*, one behind the other, and then in *order*."""
    first = columns[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(columns)[order]
    if isinstance(first, Spans):
        starts = joined([column.starts for column in columns], order)
        return Spans(starts, joined([column.lengths for column in columns], order))
    if isinstance(first, Maybe):
        return _joined_maybe(columns, order)
    if isinstance(first, Mapping):
        return {key: joined([column[key] for column in columns], order) for key in first}
    raise Malformed("lists of lists where values were expected")


def _joined_maybe(columns: Sequence[Maybe], order: Places) -> Maybe:
    valid = joined([column.valid for column in columns], order)
    known = next((column.values for column in columns if column.values is not None), None)
    if known is None:
        return Maybe(valid, None)
    none = np.zeros(0, np.int64)
    filled = [
        scattered(joined([known], none), none, len(column.valid))
        if column.values is None
        else column.values
        for column in columns
    ]
    return Maybe(valid, joined(filled, order))
