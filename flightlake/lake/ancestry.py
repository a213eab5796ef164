"""What came before a snapshot of a table, by the parents that snapshots name.

Source: Iceberg spec, "Snapshots" (``parent-snapshot-id``).
"""

from collections.abc import Iterator

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot


def ancestry(metadata: TableMetadata, head: int | None) -> Iterator[Snapshot]:
    """Yield the snapshot *head* and what came before it, newest first, as far as it is there.

    In metadata that is damaged a snapshot may come before itself: none is given twice.
    """
    known = {snapshot.snapshot_id: snapshot for snapshot in metadata.snapshots}
    while head is not None:
        snapshot = known.pop(head, None)
        if snapshot is None:
            return
        yield snapshot
        head = snapshot.parent_snapshot_id
