"""A snapshot that replaces all rows of a table, or makes its first.

Files that go are listed as deleted, so that others can tell what changed.

Source: Iceberg spec, "Snapshots", "Manifests", "Manifest Lists"; "Sequence Number Inheritance".
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pyiceberg.manifest import (
    DataFile,
    ManifestContent,
    ManifestEntry,
    ManifestFile,
    write_manifest,
    write_manifest_list,
)
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata, TableMetadataV1
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.table.update import (
    AddPartitionSpecUpdate,
    AddSchemaUpdate,
    AddSnapshotUpdate,
    SetCurrentSchemaUpdate,
    SetDefaultSpecUpdate,
    SetPropertiesUpdate,
    SetSnapshotRefUpdate,
    TableUpdate,
)

from flightlake.lake.new_files import StoreFiles

MAIN = "main"
_CODEC: Literal["deflate"] = "deflate"


@dataclass(frozen=True, slots=True)
class Content:
    """What a table holds from a commit on.

    ``schema`` and ``spec`` may be those it has, or new ones with ids of their own; ``files``
    all its files; ``summary`` what the snapshot says beside the counts of files and rows, and
    ``properties`` those of the table that change with it.
    """

    schema: Schema
    spec: PartitionSpec
    files: Sequence[DataFile]
    summary: Mapping[str, str]
    properties: Mapping[str, str]


def replaced(
    metadata: TableMetadata,
    content: Content,
    snapshot_id: int,
    now: datetime,
    files: StoreFiles,
) -> list[TableUpdate]:
    """Return what gives a table one new snapshot on ``main`` that holds just *content*.

    Writes manifests and their list, and nothing else.

    Args:
        metadata: The table as it is, or as it is made.
        content: What it is to hold.
        snapshot_id: An id that no snapshot has.
        now: The time of the commit; a snapshot is never older than the one before.
        files: Where manifests are written and read.

    Raises:
        DamagedData: A manifest of the table is missing.
        NotReady: The store does not answer, or cannot be written.
    """
    assert not isinstance(metadata, TableMetadataV1)  # noqa: S101 - ``commits.current`` refuses it
    parent = metadata.current_snapshot()
    sequence = metadata.last_sequence_number + 1
    gone = [] if parent is None else _live(parent, files)
    folder = f"{metadata.location.rstrip('/')}/metadata/{uuid.uuid4()}"
    manifests = _manifests(metadata, content, gone, snapshot_id, folder, files)
    list_path = f"{folder}-list.avro"
    parent_id = None if parent is None else parent.snapshot_id
    listed = files.new_output(list_path)
    with write_manifest_list(2, listed, snapshot_id, parent_id, sequence, _CODEC) as writer:
        writer.add_manifests(manifests)
    operation = Operation.APPEND if parent is None else Operation.OVERWRITE
    counts = _counts(content.files, [entry.data_file for entry in gone])
    millis = max(int(now.timestamp() * 1000), metadata.last_updated_ms)
    snapshot = Snapshot.model_validate(
        {
            "snapshot-id": snapshot_id,
            "parent-snapshot-id": parent_id,
            "sequence-number": sequence,
            "timestamp-ms": millis,
            "manifest-list": list_path,
            "summary": Summary(operation, **counts, **content.summary),
            "schema-id": content.schema.schema_id,
        }
    )
    updates: list[TableUpdate] = []
    if content.schema.schema_id not in {schema.schema_id for schema in metadata.schemas}:
        updates.append(AddSchemaUpdate(schema=content.schema))
    if content.spec.spec_id not in {spec.spec_id for spec in metadata.partition_specs}:
        updates.append(AddPartitionSpecUpdate(spec=content.spec))
    return [
        *updates,
        SetCurrentSchemaUpdate.model_validate({"schema-id": content.schema.schema_id}),
        SetDefaultSpecUpdate.model_validate({"spec-id": content.spec.spec_id}),
        AddSnapshotUpdate(snapshot=snapshot),
        SetSnapshotRefUpdate.model_validate(
            {"ref-name": MAIN, "type": SnapshotRefType.BRANCH, "snapshot-id": snapshot_id}
        ),
        SetPropertiesUpdate(updates=dict(content.properties)),
    ]


def _live(parent: Snapshot, files: StoreFiles) -> list[ManifestEntry]:
    """Return the entries of the data files that *parent* holds."""
    return [
        entry
        for manifest in parent.manifests(files)
        # Deletes go with the files they are of: their manifests are left out of the list.
        if manifest.content == ManifestContent.DATA
        for entry in manifest.fetch_manifest_entry(files)
    ]


def _manifests(
    metadata: TableMetadata,
    content: Content,
    gone: Sequence[ManifestEntry],
    snapshot_id: int,
    folder: str,
    files: StoreFiles,
) -> list[ManifestFile]:
    made = []
    if content.files:
        path = files.new_output(f"{folder}-new.avro")
        with write_manifest(2, content.spec, content.schema, path, snapshot_id, _CODEC) as writer:
            for file in content.files:
                writer.add(ManifestEntry.from_args(data_file=file))
        made.append(writer.to_manifest_file())
    specs = metadata.specs()
    for spec_id in sorted({entry.data_file.spec_id for entry in gone}):
        path = files.new_output(f"{folder}-gone-{spec_id}.avro")
        with write_manifest(
            2, specs[spec_id], metadata.schema(), path, snapshot_id, _CODEC
        ) as writer:
            for entry in gone:
                if entry.data_file.spec_id == spec_id:
                    writer.delete(entry)
        made.append(writer.to_manifest_file())
    return made


def _counts(added: Sequence[DataFile], deleted: Sequence[DataFile]) -> dict[str, str]:
    rows = sum(file.record_count for file in added)
    size = sum(file.file_size_in_bytes for file in added)
    counts = {
        "added-data-files": len(added),
        "added-records": rows,
        "added-files-size": size,
        "deleted-data-files": len(deleted),
        "deleted-records": sum(file.record_count for file in deleted),
        "removed-files-size": sum(file.file_size_in_bytes for file in deleted),
    }
    totals = {
        "total-data-files": len(added),
        "total-records": rows,
        "total-files-size": size,
        "total-delete-files": 0,
        "total-position-deletes": 0,
        "total-equality-deletes": 0,
    }
    found = {name: str(count) for name, count in counts.items() if count}
    return found | {name: str(count) for name, count in totals.items()}
