"""Changes of nothing but properties, in one order with all other changes of a table.

Where a catalog compares no properties, a snapshot is put on ``main`` with them: it has the files
of the one before and says so (``replace``), as compaction does.  So whoever began before is
refused, and this is refused if anybody was first.

Source: Iceberg spec, "Snapshots", "Manifest Lists".
"""

import time
import uuid
from collections.abc import Sequence

from pyiceberg.table.metadata import TableMetadataV1
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.table.update import AddSnapshotUpdate, SetSnapshotRefUpdate, TableUpdate

from flightlake.errors import FlightlakeError
from flightlake.lake.commits import Gone, Holds, OutcomeUnknown, commit
from flightlake.lake.listed_manifests import listed
from flightlake.lake.new_files import StoreFiles, remove
from flightlake.lake.new_manifests import write_list
from flightlake.lake.writing import Committed, WritableCatalog


def changed_properties(
    catalog: WritableCatalog, table: Committed, updates: Sequence[TableUpdate], holds: Holds
) -> Committed:
    """Change properties of a table, once, and only if it is *table* still, properties and all.

    Args:
        catalog: Where the table is.
        table: What *updates* were made from.
        updates: What changes.
        holds: Whether metadata of the table has the change in it.

    Raises:
        Refused: The table was changed by somebody else meanwhile.
        OutcomeUnknown: It is not known whether it was done.
        FlightlakeError: Nothing was committed.
    """
    head = table.metadata.current_snapshot()
    if head is None or catalog.compares_properties():
        return commit(catalog, table, updates, holds)
    files = StoreFiles(table.store, f"table {table.identifier}")
    try:
        return commit(catalog, table, [*updates, *_same_rows(table, head, files)], holds)
    except (OutcomeUnknown, Gone):  # the table may name what was written
        raise
    except FlightlakeError:
        remove(table.store, files.made)
        raise


def _same_rows(table: Committed, head: Snapshot, files: StoreFiles) -> list[TableUpdate]:
    """Return what puts a snapshot on *head* that holds the same files."""
    metadata = table.metadata
    assert not isinstance(metadata, TableMetadataV1)  # noqa: S101 - such are not written
    id_ = (uuid.uuid4().int >> 65) or 1
    sequence = metadata.last_sequence_number + 1
    path = f"{metadata.location.rstrip('/')}/metadata/{uuid.uuid4()}-list.avro"
    write_list(files.new_output(path), id_, head.snapshot_id, sequence, listed(head, files))
    said = {} if head.summary is None else head.summary.additional_properties
    totals = {name: value for name, value in said.items() if name.startswith("total-")}
    snapshot = Snapshot.model_validate(
        {
            "snapshot-id": id_,
            "parent-snapshot-id": head.snapshot_id,
            "sequence-number": sequence,
            "timestamp-ms": max(int(time.time() * 1000), metadata.last_updated_ms),
            "manifest-list": path,
            "summary": Summary(Operation.REPLACE, **totals),
            "schema-id": metadata.current_schema_id,
        }
    )
    ref = {"ref-name": "main", "type": SnapshotRefType.BRANCH, "snapshot-id": id_}
    return [AddSnapshotUpdate(snapshot=snapshot), SetSnapshotRefUpdate.model_validate(ref)]
