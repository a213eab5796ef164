"""In which order views are made: each after those that it reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from flightlake.names import TableIdentifier

Reads = Mapping[TableIdentifier, Sequence[TableIdentifier]]
"""The views of the project that each of them reads."""


@dataclass(frozen=True, slots=True)
class Order:
    """``views`` can be made in this order; ``cycles`` are those that cannot, each a ring in which
    every view reads the next one and the last the first; ``behind`` are the views that read one
    of a ring, straight or through others."""

    views: tuple[TableIdentifier, ...]
    cycles: tuple[tuple[TableIdentifier, ...], ...]
    behind: tuple[TableIdentifier, ...]


def ordered(reads: Reads) -> Order:
    """Return the order of the views of *reads*; equals by name."""
    left = {view: sorted(sources) for view, sources in sorted(reads.items())}
    cycles: list[tuple[TableIdentifier, ...]] = []
    while True:
        try:
            order = tuple(TopologicalSorter(left).static_order())
            break
        except CycleError as found:
            ring = _ring(found.args[1][1:])
            cycles.append(ring)
            left = {view: sources for view, sources in left.items() if view not in ring}
            left = {
                view: [one for one in sources if one not in ring] for view, sources in left.items()
            }
    stuck = {view for ring in cycles for view in ring}
    behind = downstream(stuck, reads) - stuck
    views = tuple(view for view in order if view not in behind)
    return Order(views, tuple(sorted(cycles)), tuple(sorted(behind)))


def downstream(views: set[TableIdentifier], reads: Reads) -> set[TableIdentifier]:
    """Return the views that read one of *views*, straight or through others, and *views*."""
    found = set(views)
    while True:
        more = {view for view, sources in reads.items() if found.intersection(sources)} - found
        if not more:
            return found
        found |= more


def _ring(found: Sequence[TableIdentifier]) -> tuple[TableIdentifier, ...]:
    """Return a ring, in which each reads the next, beginning with the first by name."""
    # The sorter names each before the one that reads it.
    ring = list(reversed(found))
    start = ring.index(min(ring))
    return (*ring[start:], *ring[:start])
