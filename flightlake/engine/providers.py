"""The catalogs of one statement as DataFusion asks for them.

The engine calls these on its own threads and must not be called back from there, so each call
that needs it is handed to a pool and waited for.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pyarrow as pa
from datafusion import DataFrame, SessionContext
from datafusion.catalog import CatalogProvider, SchemaProvider, Table

from flightlake.engine.defaults import Defaults
from flightlake.engine.information_schema import NAME, VIEWS, View
from flightlake.engine.scan import in_memory
from flightlake.engine.system_frames import system_frame
from flightlake.engine.system_tables import SCHEMAS, SYSTEM
from flightlake.engine.tables import StatementTables
from flightlake.engine.time_travel import Wanted, decode
from flightlake.errors import FlightlakeError
from flightlake.lake.inspection import NAMES
from flightlake.lake.table import IcebergTable
from flightlake.lake.views import IcebergView
from flightlake.names import TableIdentifier

Scan = Callable[[IcebergTable], DataFrame]


@dataclass(frozen=True, slots=True)
class Lookup:
    """How a session finds tables.

    *scan* makes the engine's table of an Iceberg table, *view* that of a view; *pool* is where
    that is done.  *dotted* are the names that may be metadata tables (``dotted_metadata``).
    """

    tables: StatementTables
    scan: Scan
    view: Callable[[IcebergView], DataFrame]
    pool: ThreadPoolExecutor
    engine: SessionContext
    defaults: Defaults
    dotted: frozenset[tuple[str, ...]]


class StatementCatalog(CatalogProvider):
    """One catalog, under whatever name."""

    def __init__(self, name: str, lookup: Lookup) -> None:
        self._name = name
        self._lookup = lookup

    def schema_names(self) -> set[str]:
        # Only listings ask, and those are answered by our own information_schema.
        return set()

    def schema(self, name: str) -> SchemaProvider | None:  # type: ignore[override]
        if name == NAME and self._name in self._lookup.tables.catalogs:
            return _InformationSchema(self._name, self._lookup)
        if name == SYSTEM:
            return _SystemSchema(self._lookup)
        return _Schema(self._name, name, self._lookup)


class _Schema(SchemaProvider):
    def __init__(self, catalog: str, name: str, lookup: Lookup) -> None:
        self._catalog = catalog
        self._name = name
        self._lookup = lookup

    @property
    def table_names(self) -> Sequence[str]:  # type: ignore[override]
        # datafusion 55 reads this as a property; see StatementCatalog.schema_names.
        return []

    def table_exist(self, name: str) -> bool:
        return self.table(name) is not None

    def table(self, name: str) -> Table | None:
        return self._lookup.pool.submit(self._make, name).result()

    def _make(self, name: str) -> Table | None:
        lookup, tables = self._lookup, self._lookup.tables
        identifier = TableIdentifier(self._catalog, self._name, name)
        wanted = decode(name)
        if wanted.metadata is not None:
            rows = tables.metadata(identifier, wanted)
            if rows is not None:
                return _in_memory(lookup.engine, rows)
        table = tables.load(identifier)
        if table is not None:
            return Table(lookup.scan(table))
        if wanted.metadata is None and wanted.table in NAMES:
            rows = self._dotted(wanted)
            if rows is not None:
                return _in_memory(lookup.engine, rows)
        return self._view(identifier)

    def _view(self, identifier: TableIdentifier) -> Table | None:
        view = self._lookup.tables.view(identifier)
        if view is None:
            return None
        try:
            return Table(self._lookup.view(view))
        except FlightlakeError as failure:
            self._lookup.tables.fail(failure)
            raise

    def _dotted(self, wanted: Wanted) -> pa.Table | None:
        """Return the metadata table that is spelled ``table.snapshots``, if it is spelled here."""
        defaults, dotted = self._lookup.defaults, self._lookup.dotted
        spelled = [
            ((self._name, wanted.table), (defaults.db_schema, self._name)),
            ((self._catalog, self._name, wanted.table), (self._catalog, self._name)),
        ]
        for parts, (db_schema, table) in spelled:
            if db_schema == SYSTEM:
                continue  # they have none, whatever is stored below their names
            if parts in dotted and (len(parts) > 2 or self._catalog == defaults.catalog):
                base = TableIdentifier(defaults.catalog, db_schema, table)
                meant = replace(wanted, table=table, metadata=wanted.table)
                rows = self._lookup.tables.metadata(base, meant)
                if rows is not None:
                    return rows
        return None


class _InformationSchema(SchemaProvider):
    def __init__(self, catalog: str, lookup: Lookup) -> None:
        self._catalog = catalog
        self._lookup = lookup

    @property
    def table_names(self) -> Sequence[str]:  # type: ignore[override]
        return list(VIEWS)

    def table_exist(self, name: str) -> bool:
        return name in VIEWS

    def table(self, name: str) -> Table | None:
        view = VIEWS.get(name)
        self._lookup.tables.unpinned.append(f"{NAME}.{name}")
        return None if view is None else self._lookup.pool.submit(self._make, view).result()

    def _make(self, view: View) -> Table:
        return _in_memory(self._lookup.engine, view(self._catalog, self._lookup.tables))


class _SystemSchema(SchemaProvider):
    """The system tables: the same in each catalog, whatever it has of that name itself."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    @property
    def table_names(self) -> Sequence[str]:  # type: ignore[override]
        return list(SCHEMAS)

    def table_exist(self, name: str) -> bool:
        return self.table(name) is not None

    def table(self, name: str) -> Table | None:
        return self._lookup.pool.submit(self._make, name).result()

    def _make(self, name: str) -> Table | None:
        lookup = self._lookup
        try:
            frame = system_frame(name, lookup.tables, lookup.scan, lookup.engine)
        except FlightlakeError as failure:
            lookup.tables.fail(failure)
            raise
        return None if frame is None else Table(frame)


def _in_memory(engine: SessionContext, rows: pa.Table) -> Table:
    return Table(in_memory(engine, rows))
