"""Tables that pyiceberg cannot write: their metadata is edited, their manifests made by hand."""

import json
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    ManifestWriterV2,
    write_manifest_list,
)
from pyiceberg.table import Table
from pyiceberg.typedef import Record

from tests.fix_catalogs import Lake


def edit(lake: Lake, table: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Apply *change* to the metadata JSON of a table in a SQLite lake."""
    written = lake.writer.load_table((lake.root, table))
    with written.io.new_input(written.metadata_location).open() as before:
        document = json.loads(before.read())
    change(document)
    folder = written.metadata_location.rpartition("/")[0]
    location = f"{folder}/99999-{uuid.uuid4()}.metadata.json"
    with written.io.new_output(location).create() as after:
        after.write(json.dumps(document).encode())
    point_to(lake, table, location)


def point_to(lake: Lake, table: str, location: str) -> None:
    """Let the catalog name *location* as the metadata of a table in a SQLite lake."""
    with sqlite3.connect(lake.properties["uri"].removeprefix("sqlite:///")) as database:
        database.execute(
            "UPDATE iceberg_tables SET metadata_location = ? "
            "WHERE table_namespace = ? AND table_name = ?",
            (location, lake.root, table),
        )
    database.close()


class _Manifest(ManifestWriterV2):
    """Writes a manifest of delete files, or of data files, as it is told."""

    told = ManifestContent.DATA

    def content(self) -> ManifestContent:
        return self.told


class _Deletes(_Manifest):
    told = ManifestContent.DELETES


def file_entry(
    path: str,
    content: DataFileContent = DataFileContent.DATA,
    file_format: FileFormat = FileFormat.PARQUET,
    **more: Any,
) -> DataFile:
    """Return the entry of a file without partition; *more* are its other fields."""
    fields: dict[str, Any] = {"record_count": 1, "file_size_in_bytes": 100, **more}
    made = DataFile.from_args(
        content=content,
        file_path=path,
        file_format=file_format,
        partition=Record(),
        **fields,
    )
    made.spec_id = 0
    return made


def commit(
    lake: Lake,
    table: str,
    files: Sequence[DataFile],
    status: ManifestEntryStatus = ManifestEntryStatus.ADDED,
    change: Callable[[ManifestFile], None] | None = None,
) -> None:
    """Commit a snapshot with one more manifest, which has *files*, all of one kind.

    *change* is applied to the manifest's line in the manifest list.
    """
    written: Table = lake.writer.load_table((lake.root, table))
    snapshot_id = int(uuid.uuid4().int % 2**62)
    deletes = any(file.content is not DataFileContent.DATA for file in files)
    folder = written.metadata_location.rpartition("/")[0]
    manifest_path = f"{folder}/{uuid.uuid4()}-m0.avro"
    writer_type = _Deletes if deletes else _Manifest
    with writer_type(
        written.spec(), written.schema(), written.io.new_output(manifest_path), snapshot_id, "null"
    ) as writer:
        for file in files:
            entry = ManifestEntry.from_args(
                status=status, snapshot_id=snapshot_id, sequence_number=None, data_file=file
            )
            if status is ManifestEntryStatus.DELETED:
                entry.sequence_number = entry.file_sequence_number = 1
            writer.add_entry(entry)
    manifest = writer.to_manifest_file()
    if change is not None:
        change(manifest)
    current = written.current_snapshot()
    others = [] if current is None else current.manifests(written.io)
    sequence = written.metadata.last_sequence_number + 1
    list_path = f"{folder}/snap-{snapshot_id}.avro"
    with write_manifest_list(
        2, written.io.new_output(list_path), snapshot_id, None, sequence, "null"
    ) as listing:
        listing.add_manifests([*others, manifest])

    def add_snapshot(document: dict[str, Any]) -> None:
        document["last-sequence-number"] = sequence
        document["current-snapshot-id"] = snapshot_id
        document.setdefault("snapshots", []).append(
            {
                "snapshot-id": snapshot_id,
                "sequence-number": sequence,
                "timestamp-ms": 2_000_000_000_000,
                "manifest-list": list_path,
                "summary": {"operation": "append"},
                "schema-id": 0,
            }
        )
        document["refs"] = {"main": {"snapshot-id": snapshot_id, "type": "branch"}}

    edit(lake, table, add_snapshot)


def with_ids(*columns: tuple[str, pa.DataType, int | None]) -> pa.Schema:
    """Return an Arrow schema whose fields carry Parquet field ids."""
    return pa.schema(
        [
            pa.field(name, kind, metadata={} if id_ is None else {"PARQUET:field_id": str(id_)})
            for name, kind, id_ in columns
        ]
    )


def add_file(
    lake: Lake,
    table: str,
    folder: Path,
    data: pa.Table,
    rows: int | None = None,
) -> None:
    """Write *data* and commit it to the table as one more file."""
    path = folder / f"{len(list(folder.iterdir()))}.parquet"
    pq.write_table(data, path)
    count = data.num_rows if rows is None else rows
    size = path.stat().st_size
    entry = file_entry(f"file://{path}", record_count=count, file_size_in_bytes=size)
    commit(lake, table, [entry])
