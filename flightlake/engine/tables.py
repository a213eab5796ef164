"""The tables of one statement: each loaded once, and read at one snapshot however often named."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace

import pyarrow as pa

from flightlake.engine.system_tables import SYSTEM, SystemReading, SystemTables
from flightlake.engine.time_travel import Wanted, decode
from flightlake.errors import FlightlakeError, NotFound, NotInitialized, Unsupported
from flightlake.flightsql.payloads import Pin
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.inspection import inspect
from flightlake.lake.materialized import is_unmade
from flightlake.lake.portions import Portion
from flightlake.lake.table import IcebergTable
from flightlake.lake.views import IcebergView, find_view
from flightlake.names import TableIdentifier


class StatementTables:
    """What a statement sees of the catalogs.  Thread-safe.

    Args:
        catalogs: All there are.
        pins: The snapshots to read, for a statement that was planned before; tables that are
            not among them are read as they are now.
        branch: Read of the tables that have it, where a name asks for no version; ``""``: none.
        system: Where the rows of the system tables come from.
        unmade: Whether views whose rows have not been made yet are there, for those who want to
            know columns and read no rows.
    """

    def __init__(
        self,
        catalogs: Catalogs,
        pins: Mapping[TableIdentifier, Pin],
        branch: str = "",
        system: SystemTables | None = None,
        unmade: bool = False,
    ) -> None:
        self.catalogs = catalogs
        self._pins = pins
        self._branch = branch
        self._unmade = unmade
        self.system = SystemReading(system or {})
        self._lock = threading.Lock()
        self._tables: dict[TableIdentifier, IcebergTable | None] = {}
        self._locks: dict[TableIdentifier, threading.Lock] = {}
        self._currents: dict[TableIdentifier, _Current] = {}
        self._ahead: dict[TableIdentifier, Future[IcebergTable]] = {}
        self._views: dict[TableIdentifier, IcebergView | None] = {}
        self.failure: FlightlakeError | None = None
        """The first error met while loading; the engine passes on only its text."""
        self.absent: list[TableIdentifier] = []
        """What was asked for and is not there."""
        self.only: Mapping[TableIdentifier, tuple[Portion, ...]] = {}
        """Tables of which some files are read, and no others."""
        self.unpinned: list[str] = []
        """What was read that is no table at a snapshot: metadata and system tables, and so on."""

    def load(self, identifier: TableIdentifier) -> IcebergTable | None:
        """Return the table, or None if there is none of that name.

        Raises:
            FlightlakeError: The table is there and cannot be read, or nobody knows.
        """
        with self._lock:
            own = self._locks.setdefault(identifier, threading.Lock())
        with own:
            if identifier not in self._tables:
                try:
                    self._tables[identifier] = self._open(identifier)
                except FlightlakeError as failure:
                    self.fail(failure)
                    raise
            return self._tables[identifier]

    def expect(self, names: Sequence[TableIdentifier], threads: Executor) -> None:
        """Begin to load tables that will most likely be asked for, side by side in *threads*."""
        if len(names) < 2:
            return  # it is asked for right away
        for name in names:
            catalog = self.catalogs.get(name.catalog)
            if catalog is not None:
                self._ahead[name] = threads.submit(catalog.load, name.db_schema, name.table)

    @property
    def loaded(self) -> dict[TableIdentifier, IcebergTable]:
        """The tables that were asked for and exist."""
        with self._lock:
            return {name: table for name, table in self._tables.items() if table is not None}

    def metadata(self, identifier: TableIdentifier, wanted: Wanted) -> pa.Table | None:
        """Return the metadata table *wanted* of a table; None if there is no such table.

        Raises:
            FlightlakeError: The table is there and its metadata cannot be read.
        """
        base = TableIdentifier(identifier.catalog, identifier.db_schema, wanted.table)
        try:
            table = self._current(base)
            if table is None or wanted.metadata is None:
                return None
            self.unpinned.append(f"{base.table}.{wanted.metadata}")
            table = self._at(table, wanted)
            return inspect(table, wanted.metadata)
        except FlightlakeError as failure:
            self.fail(failure)
            raise

    def view(self, identifier: TableIdentifier) -> IcebergView | None:
        """Return the view, or None if there is none of that name.

        Raises:
            FlightlakeError: The view is there and cannot be read, or is wanted as it was.
        """
        with self._lock:
            own = self._locks.setdefault(identifier, threading.Lock())
        with own:
            if identifier not in self._views:
                try:
                    self._views[identifier] = self._open_view(identifier)
                except FlightlakeError as failure:
                    self.fail(failure)
                    raise
            return self._views[identifier]

    @property
    def only_tables(self) -> bool:
        """Whether nothing but Iceberg tables was asked for, and all of them were there."""
        return not (self.absent or self.unpinned or any(self._views.values()))

    def fail(self, failure: FlightlakeError) -> None:
        """Keep *failure*, if it is the first."""
        self.failure = self.failure or failure

    def _open_view(self, identifier: TableIdentifier) -> IcebergView | None:
        catalog = self.catalogs.get(identifier.catalog)
        wanted = decode(identifier.table)
        view = None
        if catalog is not None and wanted.metadata is None:
            view = find_view(catalog, identifier.db_schema, wanted.table)
        if view is None:
            return None
        if wanted.as_of is not None:
            raise Unsupported(
                f"{view.identifier} is a view, and has no snapshots: read its tables as they were"
            )
        pin = self._pins.get(identifier)
        if pin is None:
            return view
        _require_same(identifier, pin, view.uuid)
        return view if pin.snapshot_id is None else view.at_version(pin.snapshot_id)

    @property
    def views(self) -> dict[TableIdentifier, IcebergView]:
        """The views that were asked for and exist."""
        with self._lock:
            return {name: view for name, view in self._views.items() if view is not None}

    @property
    def pins(self) -> dict[TableIdentifier, Pin]:
        """What was read of each table and view, for those who read the same again."""
        tables = {
            name: Pin(table.snapshot_id, table.schema_id, table.uuid)
            for name, table in self.loaded.items()
        }
        return tables | {
            name: Pin(view.version_id, None, view.uuid) for name, view in self.views.items()
        }

    def _open(self, identifier: TableIdentifier) -> IcebergTable | None:
        wanted = decode(identifier.table)
        if wanted.as_of is None:
            table = self._current(identifier)
        else:
            base = TableIdentifier(identifier.catalog, identifier.db_schema, wanted.table)
            table = self._current(base)
        if table is None:
            return None
        pin = self._pins.get(identifier)
        # What a system table's own table has not got yet is read as it is now, and so is that.
        if pin is not None and identifier.db_schema != SYSTEM:
            _require_same(identifier, pin, table.uuid)
            table = table.at_snapshot(pin.snapshot_id, pin.schema_id)
        else:
            if wanted.as_of is None and not self._unmade:
                _require_made(identifier, table, self._branch)
            table = self._at(table, wanted)
        # Each version that a statement names is a table of its own to the engine.
        return replace(table, identifier=identifier, only=self.only.get(identifier))

    def _at(self, table: IcebergTable, wanted: Wanted) -> IcebergTable:
        if wanted.as_of is not None:
            return table.as_of(wanted.as_of)
        return table.on_branch(self._branch)

    def _current(self, identifier: TableIdentifier) -> IcebergTable | None:
        """Return a table as it is now: the same now for all its versions in the statement."""
        with self._lock:
            own = self._currents.setdefault(identifier, _Current())
        with own.lock:
            if not own.asked:
                own.table = self._ask(identifier)
                own.asked = True
            return own.table

    def _ask(self, identifier: TableIdentifier) -> IcebergTable | None:
        catalog = self.catalogs.get(identifier.catalog)
        if catalog is None:
            return None
        ahead = self._ahead.pop(identifier, None)
        try:
            if ahead is not None and not ahead.cancel():  # its turn has come
                return ahead.result()
            return catalog.load(identifier.db_schema, identifier.table)
        except NotFound:
            self.absent.append(identifier)
            return None


def opened(catalogs: Catalogs, tables: Mapping[TableIdentifier, IcebergTable]) -> StatementTables:
    """Return what a statement sees that reads *tables*; no catalog is asked for them."""
    seen = StatementTables(catalogs, {})
    seen._tables.update(tables)
    return seen


def _require_same(identifier: TableIdentifier, pin: Pin, uuid: str) -> None:
    if pin.uuid and pin.uuid != uuid:
        raise NotFound(
            f"table {identifier} was dropped and made anew since the statement was planned; run the"
            " statement again"
        )


def _require_made(identifier: TableIdentifier, table: IcebergTable, branch: str) -> None:
    if is_unmade(table.metadata, branch):
        raise NotInitialized(
            f"materialized view {identifier} has not been initialized yet, so it has no rows; run"
            f" REFRESH MATERIALIZED VIEW {identifier}, or wait for its schedule"
        )


@dataclass(slots=True)
class _Current:
    """A table as the catalog has it, once it was asked for."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    asked: bool = False
    table: IcebergTable | None = None
