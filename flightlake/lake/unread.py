"""What happened to a table since one of its snapshots was read, told by its metadata alone."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from pyiceberg.table.snapshots import Operation

from flightlake.lake.ancestry import ancestry
from flightlake.lake.mapping import naming_of
from flightlake.lake.table import IcebergTable


@runtime_checkable
class ListsHeads(Protocol):
    """A catalog that tells in one request where the metadata of each of its tables is."""

    def heads(self) -> Mapping[tuple[str, str], str]:
        """Return the locations of metadata files by schema and table.

        Raises:
            NotReady: The catalog does not answer.
        """
        ...


def unread(
    table: IcebergTable, snapshot_id: int | None, schema_id: int | None, naming: str | None
) -> tuple[tuple[int | None, datetime], ...]:
    """Return what changed since *snapshot_id* was read with *schema_id*, newest first.

    *naming* is that of the name mapping then (``mapping.naming_of``).

    Each is a snapshot and when it was committed, by its writer's clock.  Compactions
    (``replace``) are no changes.  Where the snapshot is none of those before the current one (a
    rollback, or it has expired), or columns or how they are found have changed, it is the table's
    last change.
    """
    metadata = table.metadata
    moved = ((table.snapshot_id, _moment(metadata.last_updated_ms)),)
    if schema_id is not None and schema_id != table.schema_id:
        return moved
    if naming != naming_of(metadata):
        return moved
    found: list[tuple[int | None, datetime]] = []
    now = table.snapshot_id
    for snapshot in ancestry(metadata, now):
        if now == snapshot_id:
            break
        operation = None if snapshot.summary is None else snapshot.summary.operation
        if operation != Operation.REPLACE:
            found.append((now, _moment(snapshot.timestamp_ms)))
        now = snapshot.parent_snapshot_id
    return tuple(found) if now == snapshot_id else moved


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
