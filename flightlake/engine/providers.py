"""The catalogs of one statement as DataFusion asks for them.

The engine calls these on its own threads and must not be called back from there, so each call
that needs it is handed to a pool and waited for.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
from datafusion import DataFrame, SessionContext
from datafusion.catalog import CatalogProvider, SchemaProvider, Table

from flightlake.engine.information_schema import NAME, VIEWS, View
from flightlake.engine.scan import empty
from flightlake.engine.tables import StatementTables
from flightlake.engine.time_travel import decode
from flightlake.lake.table import IcebergTable
from flightlake.names import TableIdentifier

Scan = Callable[[IcebergTable], DataFrame]


class StatementCatalog(CatalogProvider):
    """One catalog; *scan* makes the engine's table of an Iceberg table."""

    def __init__(
        self, name: str, tables: StatementTables, scan: Scan, pool: ThreadPoolExecutor,
        engine: SessionContext,
    ) -> None:  # fmt: skip
        self._name = name
        self._tables = tables
        self._scan = scan
        self._pool = pool
        self._engine = engine

    def schema_names(self) -> set[str]:
        # Only listings ask, and those are answered by our own information_schema.
        return set()

    def schema(self, name: str) -> SchemaProvider | None:  # type: ignore[override]
        if name == NAME:
            return _InformationSchema(self._name, self._tables, self._pool, self._engine)
        return _Schema(self._name, name, self._tables, self._scan, self._pool, self._engine)


class _Schema(SchemaProvider):
    def __init__(
        self, catalog: str, name: str, tables: StatementTables, scan: Scan,
        pool: ThreadPoolExecutor, engine: SessionContext,
    ) -> None:  # fmt: skip
        self._catalog = catalog
        self._name = name
        self._tables = tables
        self._scan = scan
        self._pool = pool
        self._engine = engine

    @property
    def table_names(self) -> Sequence[str]:  # type: ignore[override]
        # datafusion 55 reads this as a property; see StatementCatalog.schema_names.
        return []

    def table_exist(self, name: str) -> bool:
        return self.table(name) is not None

    def table(self, name: str) -> Table | None:
        return self._pool.submit(self._make, name).result()

    def _make(self, name: str) -> Table | None:
        identifier = TableIdentifier(self._catalog, self._name, name)
        wanted = decode(name)
        if wanted.metadata is not None:
            rows = self._tables.metadata(identifier, wanted)
            if rows is not None:
                return _in_memory(self._engine, rows)
        table = self._tables.load(identifier)
        return None if table is None else Table(self._scan(table))


class _InformationSchema(SchemaProvider):
    def __init__(
        self, catalog: str, tables: StatementTables, pool: ThreadPoolExecutor,
        engine: SessionContext,
    ) -> None:  # fmt: skip
        self._catalog = catalog
        self._tables = tables
        self._pool = pool
        self._engine = engine

    @property
    def table_names(self) -> Sequence[str]:  # type: ignore[override]
        return list(VIEWS)

    def table_exist(self, name: str) -> bool:
        return name in VIEWS

    def table(self, name: str) -> Table | None:
        view = VIEWS.get(name)
        return None if view is None else self._pool.submit(self._make, view).result()

    def _make(self, view: View) -> Table:
        return _in_memory(self._engine, view(self._catalog, self._tables))


def _in_memory(engine: SessionContext, rows: pa.Table) -> Table:
    # Not from_arrow, which registers the rows in the shared context, for good.
    batches = rows.combine_chunks().to_batches()
    if not batches:
        return Table(empty(engine, rows.schema))
    return Table(engine.read_batches(batches))
