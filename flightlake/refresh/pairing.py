"""Rows that differ only in how numbers with a floating point were rounded, told from others."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from flightlake.engine.comparison import is_approximate, near, tolerance

_HELD = 100_000
_EXAMPLES = 5
Row = tuple[Any, ...]
_Lead = tuple[bool, bool, float]
"""A number of a row, to sort by: whether it is null, whether it is none, and itself."""


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

    def finish(self, check: Callable[[], None] = lambda: None) -> None:
        """Count what remains once rows that are close have cancelled out.

        *check* is called now and then, and may raise: it can take a while.
        """
        for row, weight in _unpaired(self._held, self.schema, check):
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


def _unpaired(
    held: Sequence[tuple[Row, int]], schema: pa.Schema, check: Callable[[], None]
) -> Iterable[tuple[Row, int]]:
    kinds = [found.type for found in schema]
    numbers = [place for place, kind in enumerate(kinds) if is_approximate(kind)]
    groups: dict[Row, tuple[list[_Rows], list[_Rows]]] = {}
    for row, weight in held:
        exact = tuple(_key(value) for place, value in enumerate(row) if place not in numbers)
        missing, extra = groups.setdefault(exact, ([], []))
        (extra if weight > 0 else missing).append(_Rows(row, abs(weight)))

    def close(one: Row, other: Row) -> bool:
        return all(near(one[place], other[place], kinds[place]) for place in numbers)

    for missing, extra in groups.values():
        # By the number that tells most rows apart, each has few to be held against.
        at = max(numbers, key=lambda place: len({rows.row[place] for rows in extra}))
        _cancel(missing, extra, close, _Order(at, 2 * tolerance(kinds[at])), check)
        yield from ((rows.row, -rows.count) for rows in missing if rows.count)
        yield from ((rows.row, rows.count) for rows in extra if rows.count)


def _key(value: Any) -> Any:
    return repr(value) if isinstance(value, list | dict) else value


@dataclass(frozen=True, slots=True)
class _Order:
    """Rows by the number at ``place``; ``far`` is more than close ones differ by, of their size."""

    place: int
    far: float

    def lead(self, rows: _Rows) -> _Lead:
        value = rows.row[self.place]
        if value is None or math.isnan(value):
            return (value is None, True, 0.0)
        return (False, False, value)

    def far_before(self, one: _Lead, other: _Lead) -> bool:
        """Return whether *one* is before *other*, and too far from it to be close."""
        if one[:2] != other[:2] or math.isinf(one[2]) or math.isinf(other[2]):
            return one < other
        return one[2] < other[2] - self.far * max(abs(one[2]), abs(other[2]))


def _cancel(
    missing: Sequence[_Rows],
    extra: Sequence[_Rows],
    close: Callable[[Row, Row], bool],
    order: _Order,
    check: Callable[[], None],
) -> None:
    """Take from both sides what is close to something of the other."""
    there = sorted(extra, key=order.lead)
    leads = [order.lead(rows) for rows in there]
    first = 0
    for wanted in sorted(missing, key=order.lead):
        check()
        lead = order.lead(wanted)
        while first < len(there) and order.far_before(leads[first], lead):
            first += 1
        for place in range(first, len(there)):
            other = there[place]
            if not wanted.count or order.far_before(lead, leads[place]):
                break
            if other.count and close(wanted.row, other.row):
                both = min(wanted.count, other.count)
                wanted.count -= both
                other.count -= both
