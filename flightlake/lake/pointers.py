"""Tables that a catalog keeps as pointers to metadata files, written by compare-and-swap."""

import gzip
import json
import re
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata, TableMetadataUtil, new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.table.update import TableUpdate

from flightlake.errors import FlightlakeError, InvalidSql, NotFound, Unsupported
from flightlake.lake import blobs
from flightlake.lake.bounded_cache import BoundedCache
from flightlake.lake.materialized import is_materialized_view
from flightlake.lake.metadata_changes import changed
from flightlake.lake.new_files import put, remove
from flightlake.lake.stores import StoreSettings
from flightlake.lake.table import IcebergTable
from flightlake.lake.writing import (
    CannotRename,
    Committed,
    Fresh,
    Lost,
    Refusal,
    WritingRefused,
)
from flightlake.names import TableIdentifier

_PARSED = 10
"""Bytes that a byte of a metadata file takes when it is parsed, roughly."""
_KEPT_BYTES = 32 << 20
_NUMBERED = re.compile(r"/(\d+)-[^/]*\.metadata\.json$")

# By store and location: a metadata file never changes.
_kept: BoundedCache[tuple[tuple[str, str, str], str], TableMetadata] = BoundedCache(_KEPT_BYTES)


class PointedTables(ABC):
    """A ``WritableCatalog``, for all catalogs that can change which metadata file is a table's."""

    @abstractmethod
    def pointer(self, db_schema: str, table: str) -> str | None:
        """Return the location of the table's metadata file now; None if there is no such table.

        Raises:
            NotReady: The catalog does not answer.
        """

    @abstractmethod
    def swap(
        self,
        db_schema: str,
        table: str,
        old: str | None,
        new: str | None,
        metadata: TableMetadata | None = None,
    ) -> bool:
        """Put *new* in the place of *old*, in one step, and only if *old* is there.

        Without *old* the table is made, without *new* it is taken out of the catalog.  Tried
        once, never again.  *metadata* is what *new* holds, for catalogs that show columns.

        Returns:
            True if it was done; False if certainly not, because something else is there.

        Raises:
            WritingRefused: It was not done, and will not be.
            Exception: Whether it was done, or still will be, is not known.
        """

    @abstractmethod
    def swap_name(self, db_schema: str, table: str, old: str, to: TableIdentifier) -> bool:
        """Give the table another name, in one step, and only if *old* is its metadata file.

        Returns and raises as ``swap`` does; and ``NotFound`` if there is no such schema,
        ``CannotRename`` if it cannot be done in one step.
        """

    @abstractmethod
    def new_location(self, db_schema: str, table: str) -> str:
        """Return where the files of a new table go; a directory of its own.

        Raises:
            NotFound: There is no such schema.
            Unsupported: The catalog does not say where tables go.
        """

    @abstractmethod
    def store(self, location: str) -> StoreSettings:
        """Return how files at *location* are reached."""

    def current(self, identifier: TableIdentifier) -> Committed | None:
        location = self.pointer(identifier.db_schema, identifier.table)
        if location is None:
            return None
        store = self.store(location)

        def read() -> tuple[TableMetadata, int]:
            content = blobs.read(store, location, f"the metadata of table {identifier}")
            return parsed_metadata(content, identifier), _PARSED * len(content)

        metadata = _kept.get_or_make((store.place, location), read)
        return Committed(identifier, location, metadata, store)

    def fresh(
        self,
        identifier: TableIdentifier,
        schema: Schema,
        spec: PartitionSpec,
        properties: Mapping[str, str],
    ) -> Fresh:
        location = self.new_location(identifier.db_schema, identifier.table)
        metadata = new_table_metadata(
            schema=schema,
            partition_spec=spec,
            sort_order=UNSORTED_SORT_ORDER,
            location=location,
            properties=dict(properties),
        )
        return Fresh(identifier, metadata, self.store(location))

    def attempt(
        self, base: Committed | Fresh, updates: Sequence[TableUpdate]
    ) -> Committed | Refusal:
        identifier, store = base.identifier, base.store
        old = base.location if isinstance(base, Committed) else None
        metadata = _not_earlier(changed(base.metadata, updates, old), base.metadata)
        new = _next_location(metadata.location, old)
        content = metadata.model_dump_json().encode()
        try:
            put(store, new, content, f"the metadata of table {identifier}")
        except FlightlakeError:
            remove(store, [new])
            raise
        try:
            done = self.swap(identifier.db_schema, identifier.table, old, new, metadata)
        except WritingRefused:
            remove(store, [new])
            raise
        except Exception as lost:
            raise Lost from lost
        if not done:
            return Refusal((new,))
        _kept.put((store.place, new), metadata, _PARSED * len(content))
        return Committed(identifier, new, metadata, store)

    def drop(self, table: Committed) -> bool:
        name = table.identifier
        return _told(lambda: self.swap(name.db_schema, name.table, table.location, None))

    def rename(self, table: Committed, to: TableIdentifier) -> bool:
        name = table.identifier
        return _told(lambda: self.swap_name(name.db_schema, name.table, table.location, to))

    def compares_properties(self) -> bool:
        return True


def _not_earlier(metadata: TableMetadata, before: TableMetadata) -> TableMetadata:
    """Return *metadata* with a time of its last change that is not before any that it tells.

    The library asks the machine's clock, which may have been set back; others do not read a
    table that was last changed before its last snapshot.
    """
    times = [entry.timestamp_ms for entry in metadata.snapshot_log]
    earliest = max([before.last_updated_ms, *times])
    if metadata.last_updated_ms >= earliest:
        return metadata
    return metadata.model_copy(update={"last_updated_ms": earliest})


def _told(change: Callable[[], bool]) -> bool:
    try:
        return change()
    except (WritingRefused, CannotRename, NotFound, InvalidSql):
        raise
    except Exception as lost:
        raise Lost from lost


def parsed_metadata(content: bytes, identifier: TableIdentifier) -> TableMetadata:
    """Return the metadata that a file holds; raises as ``writable`` does."""
    plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    return writable(lambda: TableMetadataUtil.parse_obj(json.loads(plain)), identifier)


def writable(parse: Callable[[], TableMetadata], identifier: TableIdentifier) -> TableMetadata:
    """Return what *parse* makes of a table's metadata, all of which can be written back.

    Raises:
        Unsupported: It is of a kind that is not written.
    """
    try:
        # Not ``documents.readable``, which leaves out what must be written back.
        metadata = parse()
    except Exception as broken:
        raise Unsupported(
            f"the metadata of table {identifier} cannot be read in full, so it is not written"
        ) from broken
    if metadata.format_version != 2:
        raise Unsupported(
            f"table {identifier} is of format version {metadata.format_version}; 2 is written"
        )
    return metadata


def folder_of_its_own(home: str, table: str) -> str:
    """Return a new directory below *home*: an earlier *table* may have left its files behind."""
    return f"{home.rstrip('/')}/{folder_name(table)}-{uuid.uuid4().hex[:8]}"


def folder_name(name: str) -> str:
    """Return *name* as a part of a path that leads nowhere else, whatever the name holds."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64]


def views_among(names: Sequence[str], load: Callable[[str], IcebergTable]) -> list[str]:
    """Return those of *names* whose tables hold materialized views, in the same order."""
    found = []
    for name in names:
        try:
            if is_materialized_view(load(name).metadata):
                found.append(name)
        except FlightlakeError:  # what cannot be read is listed as any table
            continue
    return found


def _next_location(table: str, before: str | None) -> str:
    found = None if before is None else _NUMBERED.search(before)
    number = int(found[1]) + 1 if found else 0
    return f"{table.rstrip('/')}/metadata/{number:05d}-{uuid.uuid4()}.metadata.json"
