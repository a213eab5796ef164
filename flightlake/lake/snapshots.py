"""A snapshot that gives a table rows: in the place of all it has, of some, or beside them.

Files that go are listed as deleted, so that others can tell what changed.

Source: Iceberg spec, "Snapshots", "Manifests", "Manifest Lists"; "Sequence Number Inheritance".
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pyiceberg.manifest import (
    DataFile,
    ManifestContent,
    ManifestEntry,
    ManifestFile,
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

from flightlake.errors import DamagedData, InternalError, PreconditionFailed
from flightlake.lake.arranging import Arrangement
from flightlake.lake.listed_manifests import keep, listed
from flightlake.lake.new_files import StoreFiles
from flightlake.lake.new_manifests import Manifest, write_list
from flightlake.lake.partition_choice import PartitionChoice, with_files
from flightlake.lake.snapshot_counts import counted, summed, totals

MAIN = "main"


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


Change = Callable[[TableMetadata, "Content", int, datetime, StoreFiles], list[TableUpdate]]
"""``replaced``, ``appended``, or ``exchanged`` with some partitions."""


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
    parent = metadata.current_snapshot()
    new = _New(metadata, content, snapshot_id, files)
    # Deletes go with the files they are of: their manifests are left out of the list.
    manifests = listed(parent, files)
    data = [manifest for manifest in manifests if manifest.content == ManifestContent.DATA]
    gone = [entry for manifest in data for entry in manifest.fetch_manifest_entry(files)]
    for spec_id in sorted({entry.data_file.spec_id for entry in gone}):
        of_spec = [entry for entry in gone if entry.data_file.spec_id == spec_id]
        new.rewrite(spec_id, kept=(), gone=of_spec)
    new.add()
    operation = Operation.APPEND if parent is None else Operation.OVERWRITE
    return new.updates(operation, now, totals(content.files))


def appended(
    metadata: TableMetadata,
    content: Content,
    snapshot_id: int,
    now: datetime,
    files: StoreFiles,
) -> list[TableUpdate]:
    """Return what gives a table a snapshot with the files of *content* beside all it has.

    Arguments and errors are those of ``replaced``.
    """
    parent = metadata.current_snapshot()
    new = _New(metadata, content, snapshot_id, files)
    new.keep(listed(parent, files))
    new.add()
    return new.updates(Operation.APPEND, now, {})


def exchanged(
    partitions: PartitionChoice,
    metadata: TableMetadata,
    content: Content,
    snapshot_id: int,
    now: datetime,
    files: StoreFiles,
) -> list[TableUpdate]:
    """Return what gives a table a snapshot with *content* in the place of some *partitions*.

    Other arguments and errors are those of ``replaced``.

    Raises:
        DamagedData: A manifest of the table is missing, or not whole.
        InternalError: A file of *content* is in another partition, where rows stay as they are.
        PreconditionFailed: The table has delete files, or files of other partition specs.
    """
    if not all(map(partitions.holds, content.files)):
        raise InternalError("rows were made outside of the partitions that are made anew")
    parent = metadata.current_snapshot()
    new = _New(metadata, content, snapshot_id, files)
    for manifest in with_files(listed(parent, files)):
        foreign = manifest.partition_spec_id != content.spec.spec_id
        if manifest.content != ManifestContent.DATA or foreign:
            raise PreconditionFailed("the table has files that its partitions do not tell apart")
        entries = _live(manifest, files)
        gone = [entry for entry in entries if partitions.holds(entry.data_file)]
        if gone:
            kept = [entry for entry in entries if not partitions.holds(entry.data_file)]
            new.rewrite(manifest.partition_spec_id, kept, gone)
        else:
            new.keep([manifest])
    new.add()
    return new.updates(Operation.OVERWRITE, now, {})


def rearranged(
    arrangement: Arrangement,
    metadata: TableMetadata,
    content: Content,
    snapshot_id: int,
    now: datetime,
    files: StoreFiles,
) -> list[TableUpdate]:
    """Return what gives a table a snapshot with the same rows in other files and manifests.

    Other arguments and errors are those of ``replaced``.
    """
    new = _New(metadata, content, snapshot_id, files)
    new.keep(arrangement.kept)
    for some in arrangement.merged:
        new.rewrite(content.spec.spec_id, some, ())
    if arrangement.gone:
        # By itself: whoever comes next need not list it any more.
        new.rewrite(content.spec.spec_id, (), arrangement.gone)
    new.add()
    return new.updates(Operation.REPLACE, now, {})


class _New:
    """A snapshot that is being made: its manifests are written one by one, then listed."""

    def __init__(
        self, metadata: TableMetadata, content: Content, snapshot_id: int, files: StoreFiles
    ) -> None:
        assert not isinstance(metadata, TableMetadataV1)  # noqa: S101 - it would be refused before
        self._metadata = metadata
        self._content = content
        self._id = snapshot_id
        self._files = files
        self._folder = f"{metadata.location.rstrip('/')}/metadata/{uuid.uuid4()}"
        self._manifests: list[ManifestFile] = []
        self._gone: list[DataFile] = []

    def keep(self, manifests: Sequence[ManifestFile]) -> None:
        """List manifests as they are, if they hold files."""
        self._manifests += with_files(manifests)

    def add(self) -> None:
        """Write a manifest of the files that come, if there are any."""
        content = self._content
        if content.files:
            with self._manifest("new", content.spec, content.schema) as writer:
                for file in content.files:
                    writer.add(ManifestEntry.from_args(data_file=file))
            self._manifests.append(writer.to_manifest_file())

    def rewrite(
        self, spec_id: int, kept: Sequence[ManifestEntry], gone: Sequence[ManifestEntry]
    ) -> None:
        """Write a manifest in which *kept* stay, and *gone* are deleted."""
        number, metadata = len(self._manifests), self._metadata
        spec = metadata.specs()[spec_id]
        with self._manifest(f"gone-{number}", spec, metadata.schema()) as writer:
            for entry in kept:
                writer.existing(entry)
            for entry in gone:
                writer.delete(entry)
        self._manifests.append(writer.to_manifest_file())
        self._gone += [entry.data_file for entry in gone]

    def updates(
        self, operation: Operation, now: datetime, holds: Mapping[str, int]
    ) -> list[TableUpdate]:
        """List the manifests; return what makes them the table's.

        *holds* are the totals of what the snapshot holds; without them they are told from what
        the one before says it holds, if it does.
        """
        metadata, content = self._metadata, self._content
        parent = metadata.current_snapshot()
        parent_id = None if parent is None else parent.snapshot_id
        sequence = metadata.last_sequence_number + 1
        list_path = f"{self._folder}-list.avro"
        file = self._files.new_output(list_path)
        manifests = write_list(file, self._id, parent_id, sequence, self._manifests)
        keep(list_path, self._files, manifests)
        counts = counted(content.files, self._gone)
        told = holds or summed(parent, counts)
        millis = max(int(now.timestamp() * 1000), metadata.last_updated_ms)
        words = {name: str(count) for name, count in {**counts, **told}.items()}
        snapshot = Snapshot.model_validate(
            {
                "snapshot-id": self._id,
                "parent-snapshot-id": parent_id,
                "sequence-number": sequence,
                "timestamp-ms": millis,
                "manifest-list": list_path,
                "summary": Summary(operation, **words, **content.summary),
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
                {"ref-name": MAIN, "type": SnapshotRefType.BRANCH, "snapshot-id": self._id}
            ),
            SetPropertiesUpdate(updates=dict(content.properties)),
        ]

    def _manifest(self, name: str, spec: PartitionSpec, schema: Schema) -> Manifest:
        path = self._files.new_output(f"{self._folder}-{name}.avro")
        return Manifest(spec, schema, path, self._id)


def _live(manifest: ManifestFile, files: StoreFiles) -> list[ManifestEntry]:
    """Return the entries of the files that *manifest* holds.

    Raises:
        DamagedData: They are not as many as it should hold.
    """
    found = manifest.fetch_manifest_entry(files)
    said = (manifest.added_files_count, manifest.existing_files_count)
    if None not in said and len(found) != sum(count or 0 for count in said):
        raise DamagedData("a manifest of the table is not whole")
    return found
