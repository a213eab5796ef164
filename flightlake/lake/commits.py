"""One attempt to change a table, and the truth about how it ended.

A library that tries again rebases on whatever is there by then, so that two writers who began
from one snapshot both succeed; here nothing is tried twice.  Whoever planned on metadata that
is no longer the table's is refused.  When the answer is lost, the table itself is asked.

Source: Iceberg spec, "Optimistic Concurrency", "Commit Conflict Resolution and Retry".
"""

from collections.abc import Callable, Sequence

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import AddSnapshotUpdate, TableUpdate

from flightlake.errors import AlreadyExists, Conflict, FlightlakeError, NotReady
from flightlake.lake.ancestry import ancestry
from flightlake.lake.new_files import remove
from flightlake.lake.writing import Committed, Fresh, Lost, WritableCatalog
from flightlake.names import TableIdentifier

__all__ = ["Committed", "Fresh", "Gone", "OutcomeUnknown", "Refused", "commit", "current"]

Holds = Callable[[TableMetadata], bool]


class Refused(Conflict):
    """Somebody else was first.  The commit was not made and never will be."""


class Gone(Refused):
    """The table is not there under its name any more; another may be.

    Under another one it may hold the commit, if the request was sent twice and the table was
    renamed in between.  So nothing of it may be deleted.
    """


class OutcomeUnknown(NotReady):
    """Whether the commit was made is not known, so nothing of it may be deleted."""


def current(catalog: WritableCatalog, identifier: TableIdentifier) -> Committed | None:
    """Return the table as it is now, with all of its metadata; None if there is none.

    Raises:
        Unsupported: Its metadata is of a kind that is not written.
        DamagedData: Its metadata file is missing.
        NotReady: The catalog or the store does not answer.
    """
    return catalog.current(identifier)


def commit(
    catalog: WritableCatalog,
    base: Committed | Fresh,
    updates: Sequence[TableUpdate],
    holds: Holds,
) -> Committed:
    """Apply *updates* to the table, once, and only if it still is *base*.

    What "still is" means, the catalog decides: with ``compares_properties`` nothing at all has
    changed.  Without, the table, its snapshot on ``main``, columns and partitions have not; of
    two commits of nothing but properties from one base both are made, in some order, and each
    property is as the later one says.  Such commits are right only if what they set is true of
    the head they were made from, whatever other properties say; where that is not so, use
    ``changed_properties``.

    Args:
        catalog: Where the table is.
        base: What *updates* were made from; a ``Fresh`` table is made.
        updates: What changes, in order.
        holds: Whether metadata of the table has the change in it, as that which was committed
            and all that follows it have, and *base* has not.

    Raises:
        Refused: The table is not *base* any more; ``Gone`` if it is not there, or another is.
        OutcomeUnknown: No answer came, and the table does not hold the change, or cannot be
            asked.
        FlightlakeError: Nothing was committed.
    """
    name = base.identifier
    try:
        found = catalog.attempt(base, updates)
    except Lost as lost:
        landed = _landed(catalog, base, updates, holds)
        if landed is None:
            raise _unknown(name) from lost
        return landed
    if isinstance(found, Committed):
        return found
    # A lower layer may have sent the request twice, and this be the answer to the second.
    landed = _landed(catalog, base, updates, holds)
    if landed is not None:
        return landed
    there = _asked(catalog, name)
    if there is None or (isinstance(base, Committed) and not _same(there, base)):
        raise Gone(f"{name} was renamed or dropped by somebody else meanwhile; look for it")
    remove(base.store, found.left)
    raise _refused(name)


def dropped(catalog: WritableCatalog, table: Committed) -> None:
    """Take a table out of its catalog, and leave its files; tried once.

    Raises:
        Refused: It was changed by somebody else meanwhile.
        OutcomeUnknown: It is not known whether it was done.
        FlightlakeError: It was not done.
    """
    try:
        done = catalog.drop(table)
    except Lost as lost:
        if _asked(catalog, table.identifier) is None:
            return
        raise _unknown(table.identifier) from lost
    if not done:
        raise _refused(table.identifier)


def renamed(catalog: WritableCatalog, table: Committed, to: TableIdentifier) -> None:
    """Give a table another name in its catalog; tried once.

    Raises:
        AlreadyExists: The new name is taken.
        NotFound: There is no such schema.
        Unsupported: The catalog cannot do this in one step.
        Refused: The table was changed by somebody else meanwhile.
        OutcomeUnknown: It is not known whether it was done.
        FlightlakeError: It was not done.
    """
    if catalog.current(to) is not None:
        raise AlreadyExists(f"{to} is there already; choose another name")
    try:
        done = catalog.rename(table, to)
    except Lost as lost:
        if not _is_called(catalog, table, to):
            raise _unknown(table.identifier) from lost
        return
    # A lower layer may have sent the request twice, and this be the answer to the second.
    if not done and not _is_called(catalog, table, to):
        raise _refused(table.identifier)


def _landed(
    catalog: WritableCatalog, base: Committed | Fresh, updates: Sequence[TableUpdate], holds: Holds
) -> Committed | None:
    """Return the table if it holds the change, None if it does not and nothing hides it.

    Raises:
        OutcomeUnknown: Nobody says.
    """
    now = _asked(catalog, base.identifier)
    if now is None or not _same(now, base):
        return None
    if isinstance(base, Fresh) or holds(now.metadata):
        return now
    ours = next((u.snapshot.snapshot_id for u in updates if isinstance(u, AddSnapshotUpdate)), None)
    if ours is None:
        return None
    follows = _follows(now.metadata, ours, base.metadata)
    if follows is None:
        raise _unknown(base.identifier)
    return now if follows else None


def _is_called(catalog: WritableCatalog, table: Committed, name: TableIdentifier) -> bool:
    found = _asked(catalog, name)
    return found is not None and _same(found, table)


def _same(found: Committed, base: Committed | Fresh) -> bool:
    return bool(found.metadata.table_uuid == base.metadata.table_uuid)


def _follows(metadata: TableMetadata, ours: int, base: TableMetadata) -> bool | None:
    """Return whether the head is, or came after, the snapshot *ours* that was to be put on *base*.

    None if that cannot be told, because what came before the head is not there any more (Nessie
    never tells of more than the head, and not of its parent).
    """
    seen, before = metadata.current_snapshot_id, base.current_snapshot_id
    for snapshot in ancestry(metadata, seen):
        if seen in (ours, before):
            break
        if snapshot.sequence_number == base.next_sequence_number():
            return False  # somebody else has the number that ours would have
        seen = snapshot.parent_snapshot_id
    if seen in (ours, before):
        return seen == ours
    # Where *base* is still known, what was put on it would be, too.
    known = before is not None and metadata.snapshot_by_id(before) is not None
    return False if known else None


def _asked(catalog: WritableCatalog, identifier: TableIdentifier) -> Committed | None:
    try:
        return catalog.current(identifier)
    except FlightlakeError as silent:
        raise OutcomeUnknown(
            f"it is not known whether the change of {identifier} was made, and its catalog cannot"
            " be asked; look at it again before you repeat the statement"
        ) from silent


def _unknown(identifier: TableIdentifier) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"it is not known whether the change of {identifier} was made; look at it again before you"
        " repeat the statement"
    )


def _refused(identifier: TableIdentifier) -> Refused:
    return Refused(f"{identifier} was changed by somebody else meanwhile; run the statement again")
