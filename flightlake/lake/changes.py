"""What happened to a table between two of its snapshots, step by step.

The parents of the newer snapshot are followed to the older one; moments say nothing.  What a step
did is read off the files that it lists, whatever it calls itself: only where ``replace`` says
that files were written anew with the same rows, and their counts agree, it is believed.

Source: Iceberg spec, "Snapshots" (``operation``), "Manifests".
"""

from dataclasses import dataclass

from pyiceberg.table.snapshots import Operation, Snapshot

from flightlake.cancellation import Cancellation
from flightlake.errors import DamagedData, Unsupported
from flightlake.lake.ancestry import ancestry
from flightlake.lake.portions import Difference, Portion
from flightlake.lake.table import IcebergTable

_FEW_STEPS = 8
"""So many steps are looked at one by one; of more it is tried first whether files only came."""
_MAX_STEPS = 1_000


@dataclass(frozen=True, slots=True)
class Unclear:
    """It cannot be told what happened; ``reason`` says why, as the end of a sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """One snapshot: what it did, in data files and their rows; 0 where it was not looked at.

    ``rewrote`` says that it changed files and no rows; ``deletes`` that it changed which rows of
    files are deleted.
    """

    snapshot_id: int
    operation: str
    added_files: int = 0
    added_rows: int = 0
    removed_files: int = 0
    removed_rows: int = 0
    rewrote: bool = False
    deletes: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """All steps between two snapshots, oldest first.

    ``added`` and ``removed`` are the data files that steps other than rewrites brought and took
    away; a file may be in both.
    """

    steps: tuple[Step, ...]
    added: tuple[Portion, ...] = ()
    removed: tuple[Portion, ...] = ()

    @property
    def deletes(self) -> bool:
        """Whether rows of files that stay were deleted, or came back."""
        return any(step.deletes and not step.rewrote for step in self.steps)

    @property
    def none(self) -> bool:
        """Whether the table has the rows it had."""
        return not (self.added or self.removed or self.deletes)

    @property
    def only_added(self) -> bool:
        """Whether all that happened is that rows came."""
        return not (self.removed or self.deletes)


def changes(
    table: IcebergTable, old: int | None, new: int | None, cancellation: Cancellation | None = None
) -> Changes | Unclear:
    """Return what happened to *table* from the snapshot *old* to the snapshot *new*.

    None stands for the table before its first snapshot.

    Raises:
        NotReady: The store does not answer.
        FlightlakeError: The reason of *cancellation*.
    """
    found = _between(table, old, new)
    if isinstance(found, Unclear):
        return found
    if len(found) > _FEW_STEPS:
        came = _only_came(table, old, found, cancellation)
        if came is not None:
            return came
    if len(found) > _MAX_STEPS:
        return Unclear(f"more than {_MAX_STEPS} snapshots came since")
    steps: list[Step] = []
    added: list[Portion] = []
    removed: list[Portion] = []
    before = old
    for snapshot in found:
        operation = None if snapshot.summary is None else snapshot.summary.operation
        if operation is None:
            return Unclear(f"snapshot {snapshot.snapshot_id} does not say what it did")
        try:
            differs = table.difference(before, snapshot.snapshot_id, cancellation)
        except (DamagedData, Unsupported) as unreadable:
            return Unclear(f"its history cannot be read: {unreadable.message}")
        step = _step(snapshot, operation, differs)
        steps.append(step)
        if not step.rewrote:
            if differs.added:
                added.append(Portion(differs.added, snapshot.manifest_list))
            if differs.removed:
                removed.append(Portion(differs.removed))
        before = snapshot.snapshot_id
    return Changes(tuple(steps), tuple(added), tuple(removed))


def same_columns(table: IcebergTable, one: int | None, other: int | None) -> bool:
    """Return whether two schemas of *table*, by their ids, have the same columns."""
    if one == other:
        return True
    schemas = {schema.schema_id: schema for schema in table.metadata.schemas}
    if one is None or other is None or one not in schemas or other not in schemas:
        return False
    return schemas[one].fields == schemas[other].fields


def _only_came(
    table: IcebergTable, old: int | None, found: list[Snapshot], cancellation: Cancellation | None
) -> Changes | None:
    """Return what happened if all files of *old* are there still, as they were; else None.

    Then nothing has to be known of the steps: what is there now and was not is what came, however
    it came.  A stream that commits each minute makes many steps.
    """
    last = found[-1]
    try:
        differs = table.difference(old, last.snapshot_id, cancellation)
    except (DamagedData, Unsupported):
        return None
    if differs.removed or differs.deletes:
        return None
    steps = tuple(
        Step(one.snapshot_id, "unknown" if one.summary is None else one.summary.operation.value)
        for one in found
    )
    portions = (Portion(differs.added, last.manifest_list),) if differs.added else ()
    return Changes(steps, portions)


def _between(table: IcebergTable, old: int | None, new: int | None) -> list[Snapshot] | Unclear:
    """Return the snapshots behind *old* up to *new*, oldest first."""
    if old is not None and table.metadata.snapshot_by_id(old) is None:
        return Unclear(f"snapshot {old}, which the rows were made of, has expired")
    found: list[Snapshot] = []
    at = new
    for snapshot in ancestry(table.metadata, new):
        if at == old:
            break
        found.append(snapshot)
        at = snapshot.parent_snapshot_id
    if at == old:
        return found[::-1]
    if at is not None and table.metadata.snapshot_by_id(at) is None:
        return Unclear(f"snapshot {at} of its history has expired")
    return Unclear(
        "that does not follow from the other: it was rolled back, is another branch, or has lost"
        " its history"
    )


def _step(snapshot: Snapshot, operation: Operation, differs: Difference) -> Step:
    added, removed = Portion(differs.added), Portion(differs.removed)
    return Step(
        snapshot_id=snapshot.snapshot_id,
        operation=operation.value,
        added_files=added.files,
        added_rows=added.rows,
        removed_files=removed.files,
        removed_rows=removed.rows,
        rewrote=operation == Operation.REPLACE and _may_be_rewritten(differs, added, removed),
        deletes=differs.deletes,
    )


def _may_be_rewritten(differs: Difference, added: Portion, removed: Portion) -> bool:
    """Whether the files that came can hold the rows of those that went, deleted ones left out."""
    if added.rows == removed.rows:
        return differs.had_deletes or not differs.more_deletes
    return differs.had_deletes and added.rows < removed.rows
