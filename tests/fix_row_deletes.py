"""Tables made by hand, file by file: columns, partitions and row-level deletes of every kind."""

import json
import struct
import uuid
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.avro.file import AvroOutputFile
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
    write_manifest_list,
)
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record
from pyroaring import BitMap64

from flightlake.lake.arrow_types import arrow_type
from tests.fix_catalogs import Lake
from tests.fix_metadata import point_to

PATH_ID, POS_ID = 2147483546, 2147483545


class _Writer(ManifestWriterV2):
    """A manifest that has the fields of version 3, of data or of deletes."""

    told = ManifestContent.DATA

    def content(self) -> ManifestContent:
        return self.told

    def new_writer(self) -> AvroOutputFile[ManifestEntry]:
        schema = self._with_partition(3)
        return AvroOutputFile[ManifestEntry](
            output_file=self._output_file,
            file_schema=schema,
            record_schema=schema,
            schema_name="manifest_entry",
            metadata=self._meta,
        )


class _DeletesWriter(_Writer):
    told = ManifestContent.DELETES


def entry(
    path: str,
    rows: int,
    size: int,
    content: DataFileContent = DataFileContent.DATA,
    partition: Sequence[Any] = (),
    format_: FileFormat = FileFormat.PARQUET,
    **more: Any,
) -> DataFile:
    """Return an entry with the fields of version 3."""
    return DataFile.from_args(
        _table_format_version=3,
        content=content,
        file_path=path,
        file_format=format_,
        partition=Record(*partition),
        record_count=rows,
        file_size_in_bytes=size,
        **more,
    )


def vector_blob(positions: Sequence[int]) -> bytes:
    """Return a ``deletion-vector-v1`` blob, as the Puffin specification has it."""
    payload = struct.pack("<I", 1681511377) + BitMap64(positions).serialize()
    return struct.pack(">I", len(payload)) + payload + struct.pack(">I", zlib.crc32(payload))


def puffin(blobs: Sequence[bytes]) -> tuple[bytes, list[int]]:
    """Return a Puffin file of *blobs*, and where each begins."""
    content, offsets = b"PFA1", []
    for blob in blobs:
        offsets.append(len(content))
        content += blob
    footer = json.dumps({"blobs": []}).encode()
    content += b"PFA1" + footer + struct.pack("<I", len(footer)) + bytes(4) + b"PFA1"
    return content, offsets


@dataclass
class HandMade:
    """A table whose metadata is a JSON document that tests change, committed by ``commit``.

    ``columns`` are those of the current schema, as in metadata JSON.
    """

    lake: Lake
    folder: Path
    columns: list[dict[str, Any]]
    name: str = "hand"
    partition: list[dict[str, Any]] = field(default_factory=list)
    sequence: int = 0
    document: dict[str, Any] = field(default_factory=dict)
    manifests: list[Any] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.lake.writer.table_exists((self.lake.root, self.name)):
            self.lake.create(self.name)
        self.io = PyArrowFileIO()
        self.document = {
            "format-version": 3,
            "table-uuid": str(uuid.uuid4()),
            "location": f"file://{self.folder}",
            "last-sequence-number": 0,
            "last-updated-ms": 1_700_000_000_000,
            "last-column-id": 1000,
            "next-row-id": 0,
            "schemas": [],
            "current-schema-id": 0,
            "partition-specs": [{"spec-id": 0, "fields": []}],
            "default-spec-id": 0,
            "last-partition-id": 1100,
            "sort-orders": [{"order-id": 0, "fields": []}],
            "default-sort-order-id": 0,
            "properties": self.properties,
            "snapshots": [],
        }
        self.evolve(self.columns)
        if self.partition:
            self.document["partition-specs"] = []
            self.use_spec(self.partition)

    def evolve(self, columns: Sequence[Mapping[str, Any]]) -> None:
        """Make *columns* the current ones."""
        self.columns = [dict(column) for column in columns]
        number = len(self.document["schemas"])
        self.document["schemas"].append(
            {"type": "struct", "schema-id": number, "fields": self.columns}
        )
        self.document["current-schema-id"] = number

    def use_spec(self, fields: Sequence[Mapping[str, Any]]) -> None:
        """Partition new files by *fields*."""
        number = len(self.document["partition-specs"])
        self.document["partition-specs"].append({"spec-id": number, "fields": list(fields)})
        self.document["default-spec-id"] = number

    @property
    def schema(self) -> Schema:
        found: Schema = Schema.model_validate(self.document["schemas"][-1])
        return found

    def spec(self, number: int | None = None) -> PartitionSpec:
        wanted = self.document["default-spec-id"] if number is None else number
        found: PartitionSpec = PartitionSpec.model_validate(
            self.document["partition-specs"][wanted]
        )
        return found

    def arrow(self, *names: str) -> pa.Schema:
        """Return columns (all, or those named) as a data file has them."""
        return pa.schema(
            [
                pa.field(
                    member.name,
                    arrow_type(member.field_type),
                    metadata={"PARQUET:field_id": str(member.field_id)},
                )
                for member in self.schema.fields
                if not names or member.name in names
            ]
        )

    def write(self, data: pa.Table, name: str = "") -> tuple[str, int]:
        """Write a Parquet file; return its path and size."""
        path = self.folder / (name or f"{uuid.uuid4().hex}.parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(data, path)
        return f"file://{path}", path.stat().st_size

    def data(
        self, data: pa.Table, partition: Sequence[Any] = (), name: str = "", **how: Any
    ) -> str:
        """Commit a data file; return its path."""
        path, size = self.write(data, name)
        self.commit([entry(path, data.num_rows, size, partition=partition)], **how)
        return path

    def positions(
        self,
        deletes: Sequence[tuple[str, int]],
        partition: Sequence[Any] = (),
        *,
        referenced: str | None = None,
        bounds: bool = False,
        **how: Any,
    ) -> str:
        """Commit a position delete file of (path, row)."""
        schema = pa.schema(
            [
                pa.field("file_path", pa.string(), metadata={"PARQUET:field_id": str(PATH_ID)}),
                pa.field("pos", pa.int64(), metadata={"PARQUET:field_id": str(POS_ID)}),
            ]
        )
        rows = [{"file_path": path, "pos": row} for path, row in deletes]
        path, size = self.write(pa.Table.from_pylist(rows, schema), how.pop("name", ""))
        more: dict[str, Any] = {"referenced_data_file": referenced}
        if bounds:
            more["lower_bounds"] = {PATH_ID: min(path for path, _ in deletes).encode()}
            more["upper_bounds"] = {PATH_ID: max(path for path, _ in deletes).encode()}
        kind = DataFileContent.POSITION_DELETES
        self.commit([entry(path, len(rows), size, kind, partition, **more)], **how)
        return path

    def vectors(
        self, deletes: Mapping[str, Sequence[int]], partition: Sequence[Any] = (), **how: Any
    ) -> str:
        """Commit one Puffin file with a deletion vector for each data file."""
        blobs = [vector_blob(rows) for rows in deletes.values()]
        content, offsets = puffin(blobs)
        path = self.folder / f"{uuid.uuid4().hex}.puffin"
        path.write_bytes(content)
        entries = [
            entry(
                f"file://{path}",
                len(set(rows)),
                len(content),
                DataFileContent.POSITION_DELETES,
                partition,
                FileFormat.PUFFIN,
                referenced_data_file=data_file,
                content_offset=offset,
                content_size_in_bytes=len(blob),
            )
            for (data_file, rows), blob, offset in zip(deletes.items(), blobs, offsets, strict=True)
        ]
        self.commit(entries, **how)
        return f"file://{path}"

    def equality(
        self, data: pa.Table, ids: Sequence[int], partition: Sequence[Any] = (), **how: Any
    ) -> str:
        """Commit an equality delete file of the rows of *data*."""
        path, size = self.write(data)
        kind = DataFileContent.EQUALITY_DELETES
        self.commit(
            [entry(path, data.num_rows, size, kind, partition, equality_ids=list(ids))], **how
        )
        return path

    def commit(
        self,
        files: Sequence[DataFile],
        *,
        spec: int | None = None,
        sequence: int | None = None,
        drop: str | None = None,
    ) -> int:
        """Commit a snapshot with one more manifest; return its id.

        *sequence* is that of the files, if it is not the snapshot's; with *drop* the manifests
        that have a file of that path are left out.
        """
        self.sequence += 1
        snapshot = self.sequence * 1000
        deletes = any(file.content is not DataFileContent.DATA for file in files)
        path = f"file://{self.folder}/{uuid.uuid4().hex}.avro"
        writer = (_DeletesWriter if deletes else _Writer)(
            self.spec(spec), self.schema, self.io.new_output(path), snapshot, "null"
        )
        with writer:
            for file in files:
                file.spec_id = self.spec(spec).spec_id
                writer.add_entry(
                    ManifestEntry.from_args(
                        status=ManifestEntryStatus.ADDED,
                        snapshot_id=snapshot,
                        sequence_number=sequence,
                        data_file=file,
                    )
                )
        kept = [made for made, paths in self.manifests if drop not in paths]
        written = writer.to_manifest_file()
        listed = f"file://{self.folder}/snap-{uuid.uuid4().hex}.avro"
        with write_manifest_list(
            2, self.io.new_output(listed), snapshot, None, self.sequence, "null"
        ) as listing:
            listing.add_manifests([*kept, written])
        # As it stands in the list now, with its sequence number.
        written.sequence_number = self.sequence
        if written.min_sequence_number < 0:
            written.min_sequence_number = self.sequence
        self.manifests = [pair for pair in self.manifests if drop not in pair[1]]
        self.manifests.append((written, {file.file_path for file in files}))
        self.document["last-sequence-number"] = self.sequence
        self.document["current-snapshot-id"] = snapshot
        self.document["snapshots"].append(
            {
                "snapshot-id": snapshot,
                "sequence-number": self.sequence,
                "timestamp-ms": 1_700_000_000_000 + self.sequence,
                "manifest-list": listed,
                "summary": {"operation": "append"},
                "schema-id": self.document["current-schema-id"],
            }
        )
        self.document["refs"] = {"main": {"snapshot-id": snapshot, "type": "branch"}}
        self.publish()
        return snapshot

    def publish(self) -> None:
        """Let the catalog show the table as it is."""
        path = self.folder / f"{uuid.uuid4().hex}.metadata.json"
        path.write_text(json.dumps(self.document))
        point_to(self.lake, self.name, f"file://{path}")


def column(number: int, name: str, kind: Any, **more: Any) -> dict[str, Any]:
    """Return an optional column as metadata JSON has it."""
    return {"id": number, "name": name, "required": False, "type": kind, **more}


def identity(source: int, name: str) -> list[dict[str, Any]]:
    """Return a partition spec's only field, by the value of a column."""
    number = 1000 + source
    return [{"source-id": source, "field-id": number, "name": name, "transform": "identity"}]
