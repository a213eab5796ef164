"""A table as a JSON document that tests change, committed snapshot by snapshot."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyiceberg.avro.file import AvroOutputFile
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
    write_manifest_list,
)
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema

from flightlake.lake.arrow_types import arrow_type
from flightlake.lake.blobs import filesystem, key_in
from flightlake.lake.stores import settings_for
from tests.fix_catalogs import Lake
from tests.fix_metadata import point_to


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


@dataclass
class TableDocument:
    """A table whose metadata is ``document``; ``commit`` and ``publish`` show it to the catalog.

    ``columns`` are those of the current schema, as in metadata JSON.  Files are in ``folder``, or
    at ``location`` where that is given, which is a folder's URL in the lake's store.
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
    location: str = ""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.lake.writer.table_exists((self.lake.root, self.name)):
            self.lake.create(self.name)
        self.location = self.location or f"file://{self.folder}"
        self.io = PyArrowFileIO(dict(self.lake.properties))
        self.document = {
            "format-version": 3,
            "table-uuid": str(uuid.uuid4()),
            "location": self.location,
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
        path = f"{self.location}/{uuid.uuid4().hex}.avro"
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
        listed = f"{self.location}/snap-{uuid.uuid4().hex}.avro"
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
        path = self.put(f"{uuid.uuid4().hex}.metadata.json", json.dumps(self.document).encode())
        point_to(self.lake, self.name, path)

    def put(self, name: str, content: bytes) -> str:
        """Write a file; return its path as metadata has it."""
        path = f"{self.location}/{name}"
        store = settings_for(self.location, self.lake.properties, 10)
        key = key_in(store, path)
        filesystem(store).create_dir(key.rpartition("/")[0], recursive=True)
        with filesystem(store).open_output_stream(key) as opened:
            opened.write(content)
        return path
