"""Rows that differ only in how numbers with a floating point were rounded, told from others."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from flightlake.engine.comparison import is_approximate, near

_HELD = 100_000
_EXAMPLES = 5
_FAR = 1e-4
"""More than any numbers that are close differ by, of their size."""
Row = tuple[Any, ...]
_Lead = tuple[bool, bool, float]
"""The first number of a row, to sort by: whether it is null, whether it is none, and itself."""


@dataclass(slots=True)
class _Rows:
    """One row, ``count`` times."""

    row: Row
    count: int


@dataclass(slots=True)
class Differences:
    """Collects what two bags of rows do not have in common; used by one thread.

    Args:
        schema: Of the rows, without their weights.
    """

    schema: pa.Schema
    missing: int = 0
    extra: int = 0
    _examples: dict[bool, list[Row]] = field(default_factory=lambda: {True: [], False: []})
    _held: list[tuple[Row, int]] = field(default_factory=list)

    def add(self, rows: Iterable[tuple[Row, int]]) -> None:
        """Take rows with their weights: above 0 they are extra, below 0 missing."""
        approximate = any(is_approximate(found.type) for found in self.schema)
        for row, weight in rows:
            if approximate and len(self._held) < _HELD:
                self._held.append((row, weight))
            else:  # so many are not split by chance
                self._count(row, weight)

    def finish(self) -> None:
        """Count what remains once rows that are close have cancelled out."""
        for row, weight in _unpaired(self._held, self.schema):
            self._count(row, weight)
        self._held = []

    @property
    def examples(self) -> list[tuple[str, Row]]:
        """A few of the rows, each with ``missing`` or ``extra``."""
        found = [("missing", row) for row in self._examples[False]]
        return [*found, *(("extra", row) for row in self._examples[True])]

    def _count(self, row: Row, weight: int) -> None:
        if weight > 0:
            self.extra += weight
        else:
            self.missing -= weight
        shown = self._examples[weight > 0]
        if len(shown) < _EXAMPLES:
            shown.append(row)


def _unpaired(held: Sequence[tuple[Row, int]], schema: pa.Schema) -> Iterable[tuple[Row, int]]:
    kinds = [found.type for found in schema]
    numbers = [place for place, kind in enumerate(kinds) if is_approximate(kind)]
    groups: dict[Row, tuple[list[_Rows], list[_Rows]]] = {}
    for row, weight in held:
        exact = tuple(_key(value) for place, value in enumerate(row) if place not in numbers)
        missing, extra = groups.setdefault(exact, ([], []))
        (extra if weight > 0 else missing).append(_Rows(row, abs(weight)))

    def close(one: Row, other: Row) -> bool:
        return all(near(one[place], other[place], kinds[place]) for place in numbers)

    def lead(rows: _Rows) -> _Lead:
        value = rows.row[numbers[0]]
        if value is None or math.isnan(value):
            return (value is None, True, 0.0)
        return (False, False, value)

    for missing, extra in groups.values():
        _cancel(sorted(missing, key=lead), sorted(extra, key=lead), close, lead)
        yield from ((rows.row, -rows.count) for rows in missing if rows.count)
        yield from ((rows.row, rows.count) for rows in extra if rows.count)


def _key(value: Any) -> Any:
    return repr(value) if isinstance(value, list | dict) else value


def _cancel(
    missing: Sequence[_Rows],
    extra: Sequence[_Rows],
    close: Callable[[Row, Row], bool],
    lead: Callable[[_Rows], _Lead],
) -> None:
    """Take from both sides what is close to something of the other; both are sorted by *lead*."""
    first = 0
    for wanted in missing:
        while first < len(extra) and _far_before(lead(extra[first]), lead(wanted)):
            first += 1
        for place in range(first, len(extra)):
            other = extra[place]
            if not wanted.count or _far_before(lead(wanted), lead(other)):
                break
            if close(wanted.row, other.row):
                both = min(wanted.count, other.count)
                wanted.count -= both
                other.count -= both


def _far_before(one: _Lead, other: _Lead) -> bool:
    """Return whether *one* is before *other*, and too far from it to be close."""
    if one[:2] != other[:2]:
        return one < other
    return one[2] < other[2] - _FAR * max(abs(one[2]), abs(other[2]))
