"""What has to be done so that a server has the views of a project."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from flightlake.names import TableIdentifier
from flightlake.project.checking import Checked
from flightlake.project.ordering import downstream, ordered
from flightlake.project.server import Column, Explained, Present

_DECIMAL = re.compile(r"decimal\((\d+), ?(\d+)\)")


class Kind(Enum):
    """What is done with a view: ``SETTINGS`` keeps its rows, ``REFRESH`` its definition."""

    CREATE = "create"
    REPLACE = "replace"
    SETTINGS = "settings"
    REFRESH = "refresh"
    DROP = "drop"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class ColumnChanges:
    """Columns that come, go, or change their type; ``retyped`` are (before, after)."""

    added: tuple[Column, ...] = ()
    removed: tuple[Column, ...] = ()
    retyped: tuple[tuple[Column, Column], ...] = ()

    @property
    def breaking(self) -> bool:
        """Whether who reads the view may fail: a column is gone, or may hold other values."""
        return bool(self.removed) or any(not _widens(*pair) for pair in self.retyped)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.retyped)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do with one view.

    ``reasons`` are in words.  ``rows`` and ``bytes`` are what the view has now, all of which is
    made anew or goes.  ``settings`` are clauses as they are to be, ``before`` as they are.
    ``LEAVE`` is a view of the project that has no file any more, and stays.
    """

    kind: Kind
    view: TableIdentifier
    path: str = ""
    reasons: tuple[str, ...] = ()
    columns: ColumnChanges = ColumnChanges()
    rows: int = 0
    bytes: int = 0
    settings: tuple[str, ...] = ()
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Removed:
    """A view that the project made and has no file for; ``sources`` are what it reads.

    ``readers`` are the views that read it and are not the project's.
    """

    view: TableIdentifier
    sources: tuple[str, ...]
    rows: int
    bytes: int
    readers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, in order, and how many views stay as they are."""

    project: str
    changes: tuple[Change, ...]
    unchanged: int

    @property
    def to_do(self) -> tuple[Change, ...]:
        """The changes that something is done for."""
        return tuple(change for change in self.changes if change.kind is not Kind.LEAVE)


_REBUILDS = (Kind.CREATE, Kind.REPLACE, Kind.REFRESH)


def changes(checked: Checked, removed: Sequence[Removed], prune: bool) -> Plan:
    """Return what makes the server's views those of *checked*.

    Args:
        checked: The project.
        removed: Views that it made and that have no file any more.
        prune: Whether those are dropped.
    """
    own = {view: _own(checked, view) for view in checked.views}
    rebuilt = {view for view, found in own.items() if any(one.kind in _REBUILDS for one in found)}
    behind = downstream(rebuilt, checked.reads)
    planned: list[Change] = []
    unchanged = 0
    for view in checked.views:
        found = own[view]
        if view in behind - rebuilt:
            first = next(source for source in checked.reads[view] if source in behind)
            reason = f"it reads {first}, whose rows change"
            found = [*found, _change(checked, view, Kind.REFRESH, [reason])]
        unchanged += not found
        planned += found
    goes = Kind.DROP if prune else Kind.LEAVE
    planned += [
        Change(goes, one.view, reasons=_reasons_to_go(one), rows=one.rows, bytes=one.bytes)
        for one in _readers_first(removed)
    ]
    return Plan(checked.project.name, tuple(planned), unchanged)


def _reasons_to_go(removed: Removed) -> tuple[str, ...]:
    gone = "no file of the project makes it any more"
    if not removed.readers:
        return (gone,)
    return gone, f"without it, {', '.join(removed.readers)} cannot be refreshed"


def _own(checked: Checked, view: TableIdentifier) -> list[Change]:
    """Return what is to be done with *view* for its own sake."""
    told = checked.explained[view]
    now = told.present
    if now is None:
        return [_change(checked, view, Kind.CREATE, [])]
    columns = _column_changes(now.columns, told.columns)
    reasons = list(_reasons_to_replace(told, now, columns))
    if reasons:
        return [replace(_change(checked, view, Kind.REPLACE, reasons), columns=columns)]
    found = []
    if set(now.settings) != set(told.settings):
        found.append(_change(checked, view, Kind.SETTINGS, ["its settings change"]))
    if now.older:
        reason = f"its rows are of an earlier definition of {', '.join(now.older)}"
        found.append(_change(checked, view, Kind.REFRESH, [reason]))
    return found


def _reasons_to_replace(told: Explained, now: Present, columns: ColumnChanges) -> Iterator[str]:
    if now.problem:
        yield f"the query that it has does not run any more ({now.problem})"
    elif now.fingerprint != told.fingerprint:
        yield "its query changes"
    elif columns or now.columns != told.columns:
        yield "what it reads has other columns than before"
    if _layout(now.settings) != _layout(told.settings):
        yield "its partitions change"


def _layout(settings: Sequence[str]) -> list[str]:
    return [clause for clause in settings if clause.startswith("PARTITIONED BY")]


def _change(checked: Checked, view: TableIdentifier, kind: Kind, reasons: Sequence[str]) -> Change:
    told, path = checked.explained[view], checked.files[view].path
    now = told.present
    if now is None:
        return Change(kind, view, path, tuple(reasons), settings=told.settings)
    return Change(
        kind, view, path, tuple(reasons), rows=now.rows, bytes=now.bytes, settings=told.settings,
        before=now.settings,
    )  # fmt: skip


def _column_changes(before: Sequence[Column], after: Sequence[Column]) -> ColumnChanges:
    old = {column.name: column for column in before}
    new = {column.name: column for column in after}
    return ColumnChanges(
        added=tuple(column for name, column in new.items() if name not in old),
        removed=tuple(column for name, column in old.items() if name not in new),
        retyped=tuple(
            (old[name], column)
            for name, column in new.items()
            if name in old and old[name] != column
        ),
    )


def _widens(before: Column, after: Column) -> bool:
    """Whether a column keeps all its values (Iceberg spec, "Schema Evolution")."""
    if (before.type, after.type) in (("int", "long"), ("float", "double")):
        return True
    old, new = _DECIMAL.fullmatch(before.type), _DECIMAL.fullmatch(after.type)
    return bool(old and new and old[2] == new[2] and int(old[1]) <= int(new[1]))


def _readers_first(removed: Sequence[Removed]) -> list[Removed]:
    names = {str(one.view): one for one in removed}
    reads = {
        one.view: [names[name].view for name in one.sources if name in names] for one in removed
    }
    place = {view: number for number, view in enumerate(ordered(reads).views)}
    return sorted(removed, key=lambda one: -place.get(one.view, 0))
