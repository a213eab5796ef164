"""One attempt to make new metadata a table's, and the truth about how it ended.

A library that tries again rebases on whatever is there by then, so that two writers who began
from one snapshot both succeed; here nothing is tried twice.  Whoever planned on metadata that
is no longer the table's is refused.  When the answer is lost, the table itself is asked.

Source: Iceberg spec, "Optimistic Concurrency", "Commit Conflict Resolution and Retry".
"""

import json
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyiceberg.table.metadata import TableMetadata, TableMetadataUtil
from pyiceberg.table.update import TableUpdate, update_table_metadata

from flightlake.errors import Conflict, FlightlakeError, NotReady, Unsupported
from flightlake.lake import blobs
from flightlake.lake.new_files import put, remove
from flightlake.lake.pointers import Pointers
from flightlake.lake.stores import StoreSettings
from flightlake.names import TableIdentifier

_NUMBERED = re.compile(r"/(\d+)-[^/]*\.metadata\.json$")


class Refused(Conflict):
    """Somebody else was first.  The commit was not made and never will be."""


class OutcomeUnknown(NotReady):
    """Whether the commit was made is not known, so nothing of it may be deleted."""


@dataclass(frozen=True, slots=True)
class Committed:
    """A table as it is in its catalog: ``location`` is that of its metadata file."""

    identifier: TableIdentifier
    location: str
    metadata: TableMetadata
    store: StoreSettings


@dataclass(frozen=True, slots=True)
class Fresh:
    """A table that is not in its catalog yet: ``metadata`` is what it begins with."""

    identifier: TableIdentifier
    metadata: TableMetadata
    store: StoreSettings


def current(catalog: Pointers, identifier: TableIdentifier) -> Committed | None:
    """Return the table as it is now, with all of its metadata; None if there is none.

    Raises:
        Unsupported: Its metadata is of a kind that is not written.
        DamagedData: Its metadata file is missing.
        NotReady: The catalog or the store does not answer.
    """
    location = catalog.pointer(identifier.db_schema, identifier.table)
    if location is None:
        return None
    store = catalog.store(location)
    content = blobs.read(store, location, f"the metadata of table {identifier}")
    try:
        document = json.loads(content)
        # Not ``documents.readable``, which leaves out what must be written back.
        metadata = TableMetadataUtil.parse_obj(document)
    except Exception as broken:
        raise Unsupported(
            f"the metadata of table {identifier} cannot be read in full, so it is not written"
        ) from broken
    if metadata.format_version != 2:
        raise Unsupported(
            f"table {identifier} is of format version {metadata.format_version}; 2 is written"
        )
    return Committed(identifier, location, metadata, store)


def commit(
    catalog: Pointers,
    base: Committed | Fresh,
    updates: Sequence[TableUpdate],
    holds: Callable[[TableMetadata], bool],
) -> Committed:
    """Apply *updates* to the table, once, and only if it still is *base*.

    Args:
        catalog: Where the table is.
        base: What *updates* were made from; a ``Fresh`` table is made.
        updates: What changes, in order.
        holds: Whether metadata of the table has the change in it, as that which was committed
            and all that follows it have, and *base* has not.

    Raises:
        Refused: The table is not *base* any more.
        OutcomeUnknown: No answer came, and the table does not hold the change, or cannot be
            asked.
        FlightlakeError: The metadata could not be written; nothing was committed.
    """
    identifier, store = base.identifier, base.store
    old = base.location if isinstance(base, Committed) else None
    metadata = update_table_metadata(base.metadata, tuple(updates), metadata_location=old)
    location = _next_location(metadata.location, old)
    content = metadata.model_dump_json().encode()
    put(store, location, content, f"the metadata of table {identifier}")
    made = Committed(identifier, location, metadata, store)
    try:
        done = catalog.swap(identifier.db_schema, identifier.table, old, location)
    except Exception as lost:
        if _landed(catalog, made, holds):
            return made
        raise OutcomeUnknown(
            f"it is not known whether the change of {identifier} was committed; look at it again"
            " before you repeat the statement"
        ) from lost
    if done:
        return made
    # A lower layer may have sent the request twice, and this be the answer to the second.
    if _landed(catalog, made, holds):
        return made
    remove(store, [location])
    raise Refused(f"{identifier} was changed by somebody else meanwhile; run the statement again")


def _landed(catalog: Pointers, made: Committed, holds: Callable[[TableMetadata], bool]) -> bool:
    """Return whether the table holds the change; raises ``OutcomeUnknown`` if nobody says."""
    try:
        now = current(catalog, made.identifier)
    except FlightlakeError as silent:
        raise OutcomeUnknown(
            f"it is not known whether the change of {made.identifier} was committed, and its"
            " catalog cannot be asked; look at it again before you repeat the statement"
        ) from silent
    if now is None or now.metadata.table_uuid != made.metadata.table_uuid:
        return False
    return holds(now.metadata)


def _next_location(table: str, before: str | None) -> str:
    found = None if before is None else _NUMBERED.search(before)
    number = int(found[1]) + 1 if found else 0
    return f"{table.rstrip('/')}/metadata/{number:05d}-{uuid.uuid4()}.metadata.json"
