"""A row deleted by position, committed through whatever catalog the table is in."""

import time
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import (
    DataFileContent,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
    write_manifest_list,
)
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.table.update import AddSnapshotUpdate, SetSnapshotRefUpdate

from tests.fix_metadata import file_entry, with_ids

_SCHEMA = with_ids(("file_path", pa.string(), 2147483546), ("pos", pa.int64(), 2147483545))


class _Deletes(ManifestWriterV2):
    """Writes a manifest of delete files."""

    def content(self) -> ManifestContent:
        return ManifestContent.DELETES


def delete_row(table: Table, position: int) -> None:
    """Delete the row at *position* of the one data file of *table*, in a new snapshot."""
    table.refresh()
    (task,) = table.scan().plan_files()
    folder = table.metadata_location.rpartition("/")[0]
    deletes = f"{folder}/{uuid.uuid4()}-deletes.parquet"
    with table.io.new_output(deletes).create() as stream:
        pq.write_table(pa.table([[task.file.file_path], [position]], schema=_SCHEMA), stream)
    size = len(table.io.new_input(deletes))
    current = table.metadata.current_snapshot()
    assert current is not None
    snapshot_id = uuid.uuid4().int % 2**62
    manifest = table.io.new_output(f"{folder}/{uuid.uuid4()}-m0.avro")
    with _Deletes(table.spec(), table.schema(), manifest, snapshot_id, "null") as writer:
        writer.add_entry(
            ManifestEntry.from_args(
                status=ManifestEntryStatus.ADDED,
                snapshot_id=snapshot_id,
                sequence_number=None,
                data_file=file_entry(
                    deletes, DataFileContent.POSITION_DELETES, file_size_in_bytes=size
                ),
            )
        )
    sequence = table.metadata.last_sequence_number + 1
    snapshots = f"{folder}/snap-{snapshot_id}.avro"
    with write_manifest_list(
        2, table.io.new_output(snapshots), snapshot_id, current.snapshot_id, sequence, "null"
    ) as listing:
        listing.add_manifests([*current.manifests(table.io), writer.to_manifest_file()])
    snapshot = Snapshot(
        snapshot_id=snapshot_id,
        parent_snapshot_id=current.snapshot_id,
        sequence_number=sequence,
        timestamp_ms=max(time.time_ns() // 1_000_000, table.metadata.last_updated_ms),
        manifest_list=snapshots,
        summary=Summary(Operation.DELETE),
        schema_id=table.schema().schema_id,
    )
    with table.transaction() as change:
        change._apply(
            (
                AddSnapshotUpdate(snapshot=snapshot),
                SetSnapshotRefUpdate(ref_name="main", type="branch", snapshot_id=snapshot_id),
            )
        )
