"""Tables that hold a materialized view: which they are, and what their properties are called."""

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Operation

from flightlake.lake.ancestry import ancestry

PREFIX = "flightlake.mv."
UUID = f"{PREFIX}uuid"
VERSION = f"{PREFIX}version"
DEFINITION = f"{PREFIX}definition"
STATE = f"{PREFIX}state"
UNMADE = '{"initialized": false'
"""How the state of a view begins whose rows have not been made yet."""


def is_materialized_view(metadata: TableMetadata) -> bool:
    """Return whether *metadata* is that of a materialized view.

    A table to which another engine copied the properties of one has another UUID, and is none.
    """
    properties = metadata.properties
    return DEFINITION in properties and properties.get(UUID) == str(metadata.table_uuid)


def is_unmade(metadata: TableMetadata, branch: str = "") -> bool:
    """Return whether *metadata* is that of a materialized view whose rows have not been made yet.

    Whoever reads its table finds no rows, or those of somebody else.  On a *branch* on which it
    was refreshed, it has rows.
    """
    told = None
    if branch in metadata.refs:
        told = metadata.properties.get(on_branch(STATE, branch))
    told = metadata.properties.get(STATE, "") if told is None else told
    return told.startswith(UNMADE) and is_materialized_view(metadata)


def on_branch(name: str, branch: str) -> str:
    """Return what the property *name* of ``main`` is called for *branch*."""
    return f"{name}@{branch}"


def branches_of(metadata: TableMetadata) -> list[str]:
    """Return the branches on which the table holds a view that was defined there, sorted."""
    start = on_branch(DEFINITION, "")
    found = [name.removeprefix(start) for name in metadata.properties if name.startswith(start)]
    return sorted(branch for branch in found if branch in metadata.refs)


def columns_of(metadata: TableMetadata, snapshot_id: int) -> int:
    """Return the id of the columns with which a snapshot was made; the table's if it is unknown."""
    made = metadata.snapshot_by_id(snapshot_id)
    told = None if made is None else made.schema_id
    return metadata.current_schema_id if told is None else told


def reached_by_compaction(metadata: TableMetadata, snapshot_id: int) -> bool:
    """Return whether the table holds the rows of a snapshot: it is current, or was compacted.

    Whoever replaces files without changing rows says so (Iceberg spec, "Snapshots": ``replace``).
    """
    for now in ancestry(metadata, metadata.current_snapshot_id):
        if now.snapshot_id == snapshot_id:
            return True
        if now.summary is None or now.summary.operation != Operation.REPLACE:
            return False
    return False


def told_of_snapshot(metadata: TableMetadata, snapshot_id: int | None, key: str) -> str | None:
    """Return what the summary of a snapshot says of *key*; None if nothing, or it has expired."""
    found = None if snapshot_id is None else metadata.snapshot_by_id(snapshot_id)
    return None if found is None or found.summary is None else found.summary.get(key)


def same_rows(metadata: TableMetadata, snapshot_id: int | None) -> int | None:
    """Return the first snapshot from which only compactions lead to *snapshot_id*."""
    for snapshot in ancestry(metadata, snapshot_id):
        if snapshot.summary is None or snapshot.summary.operation != Operation.REPLACE:
            return snapshot.snapshot_id
        snapshot_id = snapshot.parent_snapshot_id
    return snapshot_id
