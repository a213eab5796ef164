"""Of which snapshots of tables the rows of a view are, through all views that it reads.

A view that reads two others between which a table is shared (a diamond) mixes two moments of that
table if those were made of different snapshots of it.  What a view was made of is in its state, as
long as the snapshot is the state's; of older snapshots it is in their own summaries.

Snapshots between which there are only compactions are the same to all who read.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from flightlake.lake.ancestry import ancestry
from flightlake.lake.materialized import is_materialized_view, same_rows
from flightlake.lake.table import IcebergTable
from flightlake.names import AS_OF_MARK, TableIdentifier
from flightlake.refresh.records import NOT_OURS, REFRESH_STATE, Source, state_of

Load = Callable[[TableIdentifier], IcebergTable | None]
"""Gives a table; None if there is none, or it cannot be had."""


@dataclass(frozen=True, slots=True)
class Root:
    """A table at a snapshot; ``same`` is the first one before it, or itself, with its rows."""

    table: TableIdentifier
    uuid: str
    snapshot_id: int | None
    same: int | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A table that is read at more than one snapshot: ``roots`` are those, by the sources of the
    view through which they are read."""

    table: TableIdentifier
    roots: tuple[tuple[TableIdentifier, Root], ...]

    def __str__(self) -> str:
        through = sorted({str(source) for source, _ in self.roots})
        return f"{' and '.join(through)} are of different snapshots of {self.table}"


def roots(source: Source, load: Load) -> frozenset[Root]:
    """Return what *source*, as it was read, is made of; itself, if it is an ordinary table.

    What is read at a fixed version is left out, as is what cannot be told.
    """
    return frozenset(_roots(source, load, frozenset()))


def conflicts(sources: Iterable[Source], load: Load) -> tuple[Conflict, ...]:
    """Return the tables that are read at more than one snapshot through *sources*, by name."""
    found: dict[str, list[tuple[TableIdentifier, Root]]] = {}
    every = list(sources)
    if all(_is_plain(source, load) for source in every):
        return ()
    for source in every:
        for root in roots(source, load):
            found.setdefault(root.uuid, []).append((source.identifier, root))
    return tuple(
        Conflict(some[0][1].table, tuple(sorted(some, key=lambda one: one[0])))
        for some in sorted(found.values(), key=lambda some: some[0][1].table)
        if len({root.same for _, root in some}) > 1
    )


def told(found: Iterable[Conflict], reason: str) -> str:
    """Return *reason* with what there is to say of conflicts."""
    return "; but ".join([reason, *map(str, found)])


def _is_plain(source: Source, load: Load) -> bool:
    if source.kind != "table" or AS_OF_MARK in source.identifier.table:
        return True
    table = load(source.identifier)
    return table is None or not is_materialized_view(table.metadata)


def _roots(source: Source, load: Load, above: frozenset[str]) -> Iterator[Root]:
    if source.kind != "table" or AS_OF_MARK in source.identifier.table or source.uuid in above:
        return
    table = load(source.identifier)
    if table is None or table.uuid != source.uuid:
        return
    if not is_materialized_view(table.metadata):
        same = same_rows(table.metadata, source.snapshot_id)
        yield Root(source.identifier, source.uuid, source.snapshot_id, same)
        return
    for one in _made_of(table, source.snapshot_id):
        yield from _roots(one, load, above | {source.uuid})


def _made_of(view: IcebergTable, snapshot_id: int | None) -> tuple[Source, ...]:
    """Return what a snapshot of a view was made of; nothing if that is not told."""
    state = state_of(view.metadata.properties, view.uuid)
    same = same_rows(view.metadata, snapshot_id)
    for snapshot in ancestry(view.metadata, snapshot_id):
        if state is not None and state.snapshot_id == snapshot.snapshot_id:
            return state.sources
        said = None if snapshot.summary is None else snapshot.summary.get(REFRESH_STATE)
        if said is not None:
            return _read(said)
        if snapshot.snapshot_id == same:
            return ()  # somebody else's
    return ()


def _read(refresh_state: str) -> tuple[Source, ...]:
    try:
        return tuple(
            Source(
                TableIdentifier(one["catalog"], ".".join(one["namespace"]), one["name"]),
                str(one["type"]),
                str(one["uuid"]),
                int(one["snapshot-id"]) if int(one["snapshot-id"]) >= 0 else None,
                None,
            )
            for one in json.loads(refresh_state)["source-states"]
            if one["type"] == "table" and "as-of" not in one
        )
    except NOT_OURS:
        return ()
