"""The tables of one statement: each loaded once, and read at one snapshot however often named."""

import threading
from collections.abc import Mapping

from flightlake.errors import FlightlakeError, NotFound
from flightlake.flightsql.payloads import Pin
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.table import IcebergTable
from flightlake.names import TableIdentifier, nearest, quote

NO_CATALOG = "(no catalog)"
NO_SCHEMA = "(no schema)"
"""What the engine takes for a name's missing parts, where the session has no defaults."""
INFORMATION_SCHEMA = "information_schema"


class StatementTables:
    """What a statement sees of the catalogs.  Thread-safe.

    Args:
        catalogs: All there are.
        pins: The snapshots to read, for a statement that was planned before; tables that are
            not among them are read as they are now.
    """

    def __init__(self, catalogs: Catalogs, pins: Mapping[TableIdentifier, Pin]) -> None:
        self.catalogs = catalogs
        self._pins = pins
        self._lock = threading.Lock()
        self._tables: dict[TableIdentifier, IcebergTable | None] = {}
        self._locks: dict[TableIdentifier, threading.Lock] = {}
        self.failure: FlightlakeError | None = None
        """The first error met while loading; the engine passes on only its text."""
        self.absent: list[TableIdentifier] = []
        """What was asked for and is not there."""

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
                    self.failure = self.failure or failure
                    raise
            return self._tables[identifier]

    @property
    def loaded(self) -> dict[TableIdentifier, IcebergTable]:
        """The tables that were asked for and exist."""
        with self._lock:
            return {name: table for name, table in self._tables.items() if table is not None}

    def missing(self, identifier: TableIdentifier) -> NotFound:
        """Return the error for a table that is not there, with the nearest name that is."""
        catalog = self.catalogs.get(identifier.catalog)
        if identifier.db_schema == INFORMATION_SCHEMA and catalog is not None:
            return NotFound(
                f"{INFORMATION_SCHEMA} has no {quote(identifier.table)} here; it has columns,"
                " schemata, tables and views"
            )
        if identifier.db_schema == NO_SCHEMA:
            return NotFound(
                f"table {quote(identifier.table)} has no schema in front of it, and the session no"
                " default: write schema.table, or set the session option 'schema'"
            )
        if identifier.catalog == NO_CATALOG:
            return NotFound(
                f"table {quote(identifier.table)} has no catalog in front of it, and the session no"
                " default: write catalog.schema.table, or set the session option 'catalog'"
            )
        if catalog is None:
            known = ", ".join(sorted(self.catalogs)) or "none"
            return NotFound(
                f"catalog '{identifier.catalog}' does not exist (known: {known}); a schema of"
                ' several levels is one quoted name, as in catalog."bronze.inventory".orders'
            )
        schemas = catalog.db_schemas()
        if identifier.db_schema not in schemas:
            near = nearest(identifier.db_schema, schemas)
            hint = f"; did you mean '{near}'?" if near else ""
            return NotFound(
                f"schema '{identifier.db_schema}' does not exist in catalog"
                f" '{identifier.catalog}'{hint}"
            )
        near = nearest(identifier.table, catalog.tables(identifier.db_schema))
        hint = f"; did you mean '{near}'?" if near else ""
        return NotFound(f"table {identifier} does not exist{hint}")

    def _open(self, identifier: TableIdentifier) -> IcebergTable | None:
        catalog = self.catalogs.get(identifier.catalog)
        if catalog is None:
            return None
        try:
            table = catalog.load(identifier.db_schema, identifier.table)
        except NotFound:
            self.absent.append(identifier)
            return None
        pin = self._pins.get(identifier)
        if pin is None:
            return table
        if pin.uuid and pin.uuid != table.uuid:
            raise NotFound(
                f"table {identifier} was dropped and made anew since the statement was planned;"
                " run the statement again"
            )
        return table.at_snapshot(pin.snapshot_id, pin.schema_id)
