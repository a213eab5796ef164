"""The ``sql`` catalog: Iceberg's two tables in SQLite or PostgreSQL.

pyiceberg's own ``SqlCatalog`` is not used: it connects and creates its tables when it is made (so
a typing error in a URI would become an empty database), it reads the whole metadata file again
for every statement, and it commits anew what was refused.  Here nothing is ever created or
changed but the row of a materialized view, and the history of refreshes with its schema
(``sql_pointers``); a database without the tables is a catalog without tables.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote as percent_encoded

import sqlalchemy as sa
from pyiceberg.table.metadata import TableMetadata
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from flightlake.errors import NotFound, Unsupported
from flightlake.lake.bounded_cache import BoundedCache
from flightlake.lake.metadata_files import read_table
from flightlake.lake.missing import no_schema, no_table
from flightlake.lake.outages import Calls
from flightlake.lake.planning import Planner
from flightlake.lake.pointers import PointedTables, folder_name, folder_of_its_own, views_among
from flightlake.lake.sql_members import SqlMembers
from flightlake.lake.sql_pointers import SqlPointers
from flightlake.lake.stores import StoreSettings, settings_for
from flightlake.lake.table import IcebergTable
from flightlake.names import TableIdentifier, from_namespace, to_namespace

_POOL = 8
_METADATA_BYTES = 64 << 20
_TABLES = sa.table(
    "iceberg_tables",
    sa.column("catalog_name"),
    sa.column("table_namespace"),
    sa.column("table_name"),
)
_TABLE: sa.Select[Any] = (
    sa.select(sa.literal_column("*"))
    .select_from(_TABLES)
    .where(_TABLES.c.catalog_name == sa.bindparam("catalog"))
    .where(_TABLES.c.table_namespace == sa.bindparam("db_schema"))
    .where(_TABLES.c.table_name == sa.bindparam("table"))
)
"""Made once: the library takes longer to make a statement than to send it."""
_NAMESPACES = sa.table(
    "iceberg_namespace_properties", sa.column("catalog_name"), sa.column("namespace")
)


class SqlCatalog(PointedTables):
    """A ``Catalog`` in a database.  See the protocol for what its methods promise."""

    def __init__(
        self,
        name: str,
        engine: sa.Engine,
        properties: Mapping[str, str],
        timeout: timedelta,
        planner: Planner,
    ) -> None:
        self.name = name
        self._engine = engine
        self._properties = dict(properties)
        self._timeout = timeout
        self._planner = planner
        self._calls = Calls(name, timeout)
        # Rows carry the name the catalog was written with; ours is free to be another.
        self._written_as = properties.get("catalog_name", name)
        self._pointers = SqlPointers(engine, self._written_as)
        # By identifier and metadata location: a metadata file never changes.
        self._loaded: BoundedCache[tuple[str, str, str], IcebergTable] = BoundedCache(
            _METADATA_BYTES
        )

    def db_schemas(self) -> list[str]:
        return self._calls.run(self._db_schemas)

    def tables(self, db_schema: str) -> list[str]:
        return self._calls.run(lambda: self._tables(db_schema))

    def members(self) -> SqlMembers:
        return SqlMembers(self._engine, self._written_as, self._calls.run)

    def heads(self) -> Mapping[tuple[str, str], str]:
        return self._calls.run(self._pointers.heads)

    def load(self, db_schema: str, table: str) -> IcebergTable:
        return self._calls.run(lambda: self._load(db_schema, table))

    def pointer(self, db_schema: str, table: str) -> str | None:
        return self._calls.run(lambda: self._pointers.pointer(db_schema, table))

    def swap(
        self,
        db_schema: str,
        table: str,
        old: str | None,
        new: str | None,
        metadata: TableMetadata | None = None,
    ) -> bool:
        return self._calls.run(lambda: self._pointers.swap(db_schema, table, old, new))

    def swap_name(self, db_schema: str, table: str, old: str, to: TableIdentifier) -> bool:
        return self._calls.run(lambda: self._swap_name(db_schema, table, old, to))

    def new_location(self, db_schema: str, table: str) -> str:
        return self._calls.run(lambda: self._new_location(db_schema, table))

    def store(self, location: str) -> StoreSettings:
        return settings_for(location, self._properties, self._timeout.total_seconds())

    def make_schema(self, db_schema: str) -> None:
        self._calls.run(lambda: self._pointers.make_schema(db_schema))

    def materialized_views(self, db_schema: str) -> list[str]:
        return self._calls.run(lambda: self._materialized_views(db_schema))

    def _db_schemas(self) -> list[str]:
        of_tables = sa.select(_TABLES.c.table_namespace).where(
            _TABLES.c.catalog_name == self._written_as
        )
        of_namespaces = sa.select(_NAMESPACES.c.namespace).where(
            _NAMESPACES.c.catalog_name == self._written_as
        )
        found: set[str] = set()
        for row in self._rows(sa.union(of_tables, of_namespaces)):
            levels = to_namespace(row[0])
            for depth in range(1, len(levels) + 1):
                db_schema = from_namespace(levels[:depth])
                if db_schema is not None:
                    found.add(db_schema)
        return sorted(found)

    def _tables(self, db_schema: str) -> list[str]:
        return sorted(self._located(db_schema))

    def _located(self, db_schema: str) -> dict[str, str]:
        """Return the tables of a schema with the locations of their metadata files."""
        rows = self._rows(
            sa.select(sa.literal_column("*"))
            .select_from(_TABLES)
            .where(_TABLES.c.catalog_name == self._written_as)
            .where(_TABLES.c.table_namespace == db_schema)
        )
        found = [row for row in map(dict, _mappings(rows)) if _is_table(row)]
        names = {row["table_name"]: row["metadata_location"] or "" for row in found}
        if not names:
            db_schemas = self._db_schemas()
            if db_schema not in db_schemas:
                raise no_schema(self.name, db_schema, db_schemas)
        return names

    def _materialized_views(self, db_schema: str) -> list[str]:
        located = self._located(db_schema)

        def load(table: str) -> IcebergTable:
            return self._at(TableIdentifier(self.name, db_schema, table), located[table])

        return views_among(sorted(located), load)

    def _swap_name(self, db_schema: str, table: str, old: str, to: TableIdentifier) -> bool:
        db_schemas = self._db_schemas()
        if to.db_schema not in db_schemas:
            raise no_schema(self.name, to.db_schema, db_schemas)
        return self._pointers.swap_name(db_schema, table, old, to)

    def _new_location(self, db_schema: str, table: str) -> str:
        db_schemas = self._db_schemas()
        if db_schema not in db_schemas:
            raise no_schema(self.name, db_schema, db_schemas)
        home = self._pointers.property_of(db_schema, "location")
        warehouse = self._properties.get("warehouse")
        if home is None and not warehouse:
            raise Unsupported(
                f"catalog '{self.name}' does not say where tables go; set its warehouse"
            )
        folder = home or f"{str(warehouse).rstrip('/')}/{folder_name(db_schema)}"
        return folder_of_its_own(folder, table)

    def _load(self, db_schema: str, table: str) -> IcebergTable:
        identifier = TableIdentifier(self.name, db_schema, table)
        which = {"catalog": self._written_as, "db_schema": db_schema, "table": table}
        rows = self._rows(_TABLE, which)
        found = [row for row in map(dict, _mappings(rows)) if _is_table(row)]
        if not found:
            raise self._absent(identifier)
        location = found[0]["metadata_location"]
        if not location:
            raise Unsupported(f"table {identifier} has no metadata in its catalog")
        return self._at(identifier, location)

    def _at(self, identifier: TableIdentifier, location: str) -> IcebergTable:
        return self._loaded.get_or_make(
            (identifier.db_schema, identifier.table, location),
            lambda: self._read(identifier, location),
        )

    def _absent(self, identifier: TableIdentifier) -> NotFound:
        try:
            return no_table(identifier, self._tables(identifier.db_schema))
        except NotFound as no_such_schema:
            return no_such_schema

    def _read(self, identifier: TableIdentifier, location: str) -> tuple[IcebergTable, int]:
        timeout = self._timeout.total_seconds()
        return read_table(identifier, location, self._properties, timeout, self._planner)

    def _rows(
        self, query: sa.Executable, which: Mapping[str, str] | None = None
    ) -> Sequence[sa.Row[Any]]:
        """Return the rows of *query*; none where the catalog's tables do not exist (yet)."""
        try:
            with self._engine.connect() as connection:
                return connection.execute(query, which).all()
        except (OperationalError, ProgrammingError):
            if sa.inspect(self._engine).has_table(_TABLES.name):
                raise
            return []


def _mappings(rows: Sequence[sa.Row[Any]]) -> Sequence[Any]:
    return [row._mapping for row in rows]


def _is_table(row: Mapping[str, Any]) -> bool:
    # The column came with the catalog's second schema version, and tells tables from views.
    return row.get("iceberg_type") in (None, "TABLE")


def open_sql_catalog(
    name: str, properties: Mapping[str, str], timeout: timedelta, planner: Planner
) -> SqlCatalog:
    """Return the catalog in the database at ``uri``, without connecting.

    Raises:
        Unsupported: The URI is missing, or of a database that is not supported.
    """
    uri = properties.get("uri", "")
    try:
        url = sa.make_url(uri)
    except Exception as broken:
        raise Unsupported(
            f"catalog '{name}' needs a uri, sqlite:///… or postgresql://…"
        ) from broken
    backend = url.get_backend_name()
    if backend == "sqlite":
        engine = _sqlite(name, url, timeout)
    elif backend == "postgresql":
        engine = _postgresql(url, timeout)
    else:
        raise Unsupported(f"catalog '{name}' is in {backend}; use SQLite or PostgreSQL")
    return SqlCatalog(name, engine, properties, timeout, planner)


def _sqlite(name: str, url: sa.URL, timeout: timedelta) -> sa.Engine:
    path = url.database
    if not path or path == ":memory:":
        raise Unsupported(f"catalog '{name}' is in memory, where no other process can write it")
    # Never creates the file; one that may not be written is opened for reading.
    address = f"file:{percent_encoded(path)}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            address, timeout=timeout.total_seconds(), check_same_thread=False, uri=True
        )

    # Opened for each call (0.1 ms): a connection that is kept goes on to read a file that was
    # replaced or removed.
    return sa.create_engine("sqlite://", creator=connect, poolclass=NullPool)


def _postgresql(url: sa.URL, timeout: timedelta) -> sa.Engine:
    seconds = timeout.total_seconds()
    milliseconds = max(1, int(seconds * 1000))
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg2"),
        pool_size=_POOL,
        max_overflow=_POOL,
        pool_timeout=seconds,
        pool_pre_ping=True,
        isolation_level="AUTOCOMMIT",
        connect_args={
            "connect_timeout": max(2, int(seconds)),
            "tcp_user_timeout": milliseconds,
            "options": f"-c statement_timeout={milliseconds}",
            "application_name": "flightlake",
        },
    )
