"""Old snapshots taken out of a table, in one commit, and after it the files that only they had."""

from collections.abc import Collection
from dataclasses import dataclass

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import RemoveSnapshotsUpdate

from flightlake.cancellation import Cancellation
from flightlake.lake.commits import Committed, Refused, commit, current
from flightlake.lake.deletion import Deleted, below, delete
from flightlake.lake.reach import Reached, reached
from flightlake.lake.writing import WritableCatalog


@dataclass(frozen=True, slots=True)
class Expired:
    """What became of an expiry: how many ``snapshots`` went, and with them which files."""

    snapshots: int
    deleted: Deleted


def expire(
    catalog: WritableCatalog, table: Committed, snapshot_ids: Collection[int], call: Cancellation
) -> Expired:
    """Take snapshots out of *table*, and delete what no snapshot that remains can reach.

    Nothing is deleted unless the commit is certain, and all manifests were read in full: those
    of what went before it, those of what remains after it, as the table is then.

    Args:
        catalog: Where the table is.
        table: As it is.
        snapshot_ids: What is to go; none of them the head of a branch or a tag.
        call: Ends it, between two files at the latest.

    Raises:
        Refused: The table was changed by somebody else meanwhile; nothing has changed.
        OutcomeUnknown: It is not known whether it was committed; nothing is deleted.
        DamagedData, NotReady: Something of the table cannot be read; nothing is deleted.
        FlightlakeError: The reason of *call*.
    """
    going = set(snapshot_ids)
    name = str(table.identifier)
    held = _reached(table, going, call, name)

    def gone(metadata: TableMetadata) -> bool:
        return not any(snapshot.snapshot_id in going for snapshot in metadata.snapshots)

    removal = RemoveSnapshotsUpdate.model_validate({"snapshot-ids": sorted(going)})
    call.check()
    _require_unchanged(catalog, table)
    done = commit(catalog, table, [removal], gone)
    if not catalog.compares_properties() and _between(table, done):
        raise Refused(
            f"{name} was changed by somebody else in the moment in which snapshots expired, and may"
            " have named one of them; its files stay"
        )
    now = current(catalog, table.identifier)
    if now is None or now.metadata.table_uuid != table.metadata.table_uuid:
        return Expired(len(going), Deleted())  # dropped meanwhile: its files are nobody's to judge
    if not gone(now.metadata):
        return Expired(0, Deleted())  # somebody put it back
    remaining = {snapshot.snapshot_id for snapshot in now.metadata.snapshots}
    only = held.without(_reached(now, remaining, call, name))
    sizes = {**only.files, **only.manifests, **only.lists}
    ours = below(now.store, now.metadata.location, sizes)
    return Expired(len(going), delete(now.store, {key: sizes[key] for key in ours}, call))


def _require_unchanged(catalog: WritableCatalog, table: Committed) -> None:
    """Raise if *table* has changed in what its catalog does not compare at a commit.

    A REST catalog takes a branch or a tag away without a word if its snapshot goes.
    """
    if catalog.compares_properties():
        return
    now = current(catalog, table.identifier)
    if now is None or now.location != table.location:
        raise Refused(f"{table.identifier} was changed by somebody else meanwhile")


def _between(table: Committed, done: Committed) -> bool:
    """Return whether there was a change between *table* and *done*, as far as is told.

    Source: Iceberg spec, "Table Metadata Fields" (``metadata-log``).
    """
    log = [entry.metadata_file for entry in done.metadata.metadata_log]
    return bool(log) and log[-1] != table.location


def _reached(table: Committed, ids: Collection[int], call: Cancellation, name: str) -> Reached:
    snapshots = [found for found in table.metadata.snapshots if found.snapshot_id in ids]
    return reached(table.metadata, snapshots, table.store, name, call)
