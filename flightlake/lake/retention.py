"""Which snapshots of a table nobody needs any more.

Source: Iceberg spec, "Snapshot Retention Policy"; Iceberg's table properties ``history.expire.*``.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import pairwise

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.refs import SnapshotRefType

from flightlake.lake.ancestry import ancestry

_LEAST = "history.expire.min-snapshots-to-keep"
_AGE = "history.expire.max-snapshot-age-ms"


def expirable(
    metadata: TableMetadata, now: datetime, retention: timedelta, recorded: Collection[int]
) -> list[int]:
    """Return the snapshots that can go, oldest first.

    Kept are: the current one; the heads of branches and tags, and what branches and the table's
    properties ask to keep; whatever was in use less than *retention* ago, however old it is;
    those *recorded* elsewhere, with all that leads from them to the head of a branch.

    Args:
        metadata: The table.
        now: The time.
        retention: Longer than any reader needs that began when a snapshot was current.
        recorded: Snapshots that somebody keeps account of, also such as the table has not.
    """
    keep = _named(metadata, now, recorded)
    since = _milliseconds(now - retention)
    keep |= {snapshot_id for snapshot_id, used in _last_used(metadata).items() if used >= since}
    return [
        snapshot.snapshot_id
        for snapshot in sorted(metadata.snapshots, key=lambda found: found.timestamp_ms)
        if snapshot.snapshot_id not in keep
    ]


def _named(metadata: TableMetadata, now: datetime, recorded: Collection[int]) -> set[int]:
    keep = set(recorded)
    if metadata.current_snapshot_id is not None:
        keep.add(metadata.current_snapshot_id)
        keep |= _since_recorded(_lineage(metadata, metadata.current_snapshot_id), recorded)
    parsed = {snapshot.snapshot_id: snapshot for snapshot in metadata.snapshots}
    for ref in metadata.refs.values():
        keep.add(ref.snapshot_id)
        if ref.snapshot_ref_type != SnapshotRefType.BRANCH:
            continue
        lineage = _lineage(metadata, ref.snapshot_id)
        keep |= _since_recorded(lineage, recorded)
        keep |= set(lineage[: ref.min_snapshots_to_keep or _number(metadata, _LEAST)])
        age = ref.max_snapshot_age_ms or _number(metadata, _AGE)
        young = _milliseconds(now) - age
        keep |= {one for one in lineage if age and parsed[one].timestamp_ms >= young}
    return keep


def _lineage(metadata: TableMetadata, head: int) -> list[int]:
    """Return *head* and what came before it, as far as it is there; the newest first."""
    return [snapshot.snapshot_id for snapshot in ancestry(metadata, head)]


def _since_recorded(lineage: list[int], recorded: Collection[int]) -> set[int]:
    places = [place for place, snapshot_id in enumerate(lineage) if snapshot_id in recorded]
    return set(lineage[: places[-1] + 1]) if places else set()


def _last_used(metadata: TableMetadata) -> dict[int, int]:
    """Return when each snapshot was last the head of something, as far as the table tells.

    A snapshot may be old and have been replaced a moment ago: its readers are still there.
    """
    used = {found.snapshot_id: found.timestamp_ms for found in metadata.snapshots}
    for found in metadata.snapshots:
        parent = found.parent_snapshot_id
        if parent in used:
            used[parent] = max(used[parent], found.timestamp_ms)
    log = sorted(metadata.snapshot_log, key=lambda entry: entry.timestamp_ms)
    for before, after in pairwise(log):
        if before.snapshot_id in used:
            used[before.snapshot_id] = max(used[before.snapshot_id], after.timestamp_ms)
    return used


def _number(metadata: TableMetadata, name: str) -> int:
    said = metadata.properties.get(name, "")
    return int(said) if said.isdecimal() else 0


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
