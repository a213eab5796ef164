"""A table as it was: at a snapshot, a branch, a tag, or a moment.

Source: Iceberg spec, "Snapshot References" and "Point in Time Reads (Time Travel)"; the words
are those of Spark and Trino (``FOR VERSION AS OF``, ``FOR TIMESTAMP AS OF``).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Snapshot

from flightlake.errors import NotFound
from flightlake.lake.materialized import DEFINITION, on_branch
from flightlake.names import nearest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class VersionAsOf:
    """A snapshot by its id, or the name of a branch or tag."""

    version: int | str


@dataclass(frozen=True, slots=True)
class TimestampAsOf:
    """The snapshot that was current at an aware moment."""

    moment: datetime


AsOf = VersionAsOf | TimestampAsOf


@dataclass(frozen=True, slots=True)
class Version:
    """What ``AsOf`` means for one table: a snapshot, and the schema to read it with."""

    snapshot_id: int
    schema_id: int


def find(metadata: TableMetadata, as_of: AsOf, table: str) -> Version:
    """Return what *as_of* means for *table*.

    A branch is read with the table's current schema; a snapshot, a tag and a moment with the
    schema of the snapshot.

    Raises:
        NotFound: There is no such snapshot, branch or tag, or nothing at that moment.
    """
    if isinstance(as_of, TimestampAsOf):
        return _at_moment(metadata, as_of.moment, table)
    if isinstance(as_of.version, str):
        named = _named(metadata, as_of.version)
        if named is not None:
            return named
        if not as_of.version.isdecimal():
            hint = nearest(as_of.version, metadata.refs)
            meant = f"; did you mean '{hint}'?" if hint else ""
            raise NotFound(f"table {table} has no branch or tag '{as_of.version}'{meant}")
    snapshot = metadata.snapshot_by_id(int(as_of.version))
    if snapshot is None:
        raise NotFound(
            f"table {table} has no snapshot {as_of.version}: it never had, or it has expired"
        )
    return _of_snapshot(metadata, snapshot)


def find_branch(metadata: TableMetadata, branch: str) -> Version | None:
    """Return what *branch* means, or None if there is no branch of that name; a tag is none."""
    ref = metadata.refs.get(branch)
    if ref is None or ref.snapshot_ref_type != SnapshotRefType.BRANCH:
        return None
    return _named(metadata, branch)


def heads(metadata: TableMetadata) -> list[Snapshot]:
    """Return the snapshots at which branches and tags are, and the current one."""
    named = {ref.snapshot_id for ref in metadata.refs.values()} | {metadata.current_snapshot_id}
    return [snapshot for snapshot in metadata.snapshots if snapshot.snapshot_id in named]


def _named(metadata: TableMetadata, name: str) -> Version | None:
    ref = metadata.refs.get(name)
    snapshot = None if ref is None else metadata.snapshot_by_id(ref.snapshot_id)
    if ref is None or snapshot is None:
        return None
    ours = on_branch(DEFINITION, name) in metadata.properties  # a view with columns of its own
    if ref.snapshot_ref_type == SnapshotRefType.BRANCH and not ours:
        return Version(snapshot.snapshot_id, metadata.current_schema_id)
    return _of_snapshot(metadata, snapshot)


def _at_moment(metadata: TableMetadata, moment: datetime, table: str) -> Version:
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
    then = [entry for entry in metadata.snapshot_log if entry.timestamp_ms <= milliseconds]
    if not then:
        raise NotFound(f"table {table} had no snapshot at {moment.isoformat()}")
    latest = max(then, key=lambda entry: entry.timestamp_ms)
    snapshot = metadata.snapshot_by_id(latest.snapshot_id)
    if snapshot is None:
        raise NotFound(f"the snapshot of table {table} at {moment.isoformat()} has expired")
    return _of_snapshot(metadata, snapshot)


def _of_snapshot(metadata: TableMetadata, snapshot: Snapshot) -> Version:
    known = {schema.schema_id for schema in metadata.schemas}
    schema_id = snapshot.schema_id
    if schema_id is None or schema_id not in known:  # version 1 need not say
        schema_id = metadata.current_schema_id
    return Version(snapshot.snapshot_id, schema_id)
