"""Lakes to test against: a real catalog, a real store, and pyiceberg to write into them."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pyarrow as pa
from pyiceberg.catalog import Catalog as Writer
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table

from flightlake.lake.catalogs import Catalog, open_catalog
from flightlake.lake.planning import Planner
from flightlake.lake.table import IcebergTable
from tests.components import Unavailable, iceberg_rest, postgresql, require, s3

S = TypeVar("S")

TIMEOUT = timedelta(minutes=2)
"""What a catalog has for an answer; more than it needs on the busiest machine."""
ORDERS = pa.schema([("id", pa.int64()), ("item", pa.string())])


@dataclass(frozen=True)
class Lake:
    """A catalog with one namespace, ``root``, that no other test knows.

    ``properties`` open it with flightlake, ``writer`` is pyiceberg's catalog of the same.
    """

    name: str
    type: str
    properties: Mapping[str, str]
    writer: Writer
    root: str

    def open(self, timeout: timedelta = TIMEOUT, planner: Planner | None = None) -> Catalog:
        """Open the catalog with flightlake."""
        return open_catalog(self.name, self.type, self.properties, timeout, planner)

    def create(self, table: str, schema: Any = ORDERS, **options: Any) -> Table:
        """Create a table in ``root``."""
        return self.writer.create_table((self.root, table), schema, **options)

    def load(self, table: str) -> IcebergTable:
        """Open the catalog anew and load a table of ``root``."""
        return self.open().load(self.root, table)


def orders(*ids: int) -> pa.Table:
    """Return one row for each of *ids*."""
    return pa.table({"id": list(ids), "item": [f"item {id_}" for id_ in ids]}, schema=ORDERS)


def started(component: ModuleType, start: Callable[[], S] | None = None) -> S:
    """Return the running *component*, or end the test with a sentence that names it."""
    begin: Callable[[], S] = start or component.start
    try:
        return begin()
    except Unavailable as reason:
        require(component.NAME, str(reason))


def sqlite_lake(folder: Path, store: Mapping[str, str] | None = None, warehouse: str = "") -> Lake:
    """Return a lake in SQLite, its files in *folder* unless *warehouse* says otherwise."""
    where = warehouse or f"file://{folder}/warehouse"
    properties = {"uri": f"sqlite:///{folder}/catalog.db", "warehouse": where, **(store or {})}
    return new_lake("sql", properties, SqlCatalog)


def postgresql_lake(folder: Path) -> Lake:
    """Return a lake in PostgreSQL, its files in *folder*."""
    server: postgresql.Server = started(postgresql)
    properties = {"uri": server.uri, "warehouse": f"file://{folder}/warehouse"}
    return new_lake("sql", properties, SqlCatalog)


def rest_lake() -> Lake:
    """Return a lake behind Iceberg's REST protocol, its files in a folder of the server."""
    server: iceberg_rest.Server = started(iceberg_rest)
    return new_lake("rest", {"uri": server.uri}, RestCatalog)


def s3_lake(folder: Path, bucket: str = "lake") -> Lake:
    """Return a lake in SQLite whose files are on S3."""
    server: s3.Server = started(s3)
    server.bucket(bucket)
    return sqlite_lake(folder, server.properties, f"s3://{bucket}/{uuid.uuid4().hex[:8]}")


def new_lake(type_: str, properties: Mapping[str, str], writer_type: Any) -> Lake:
    """Return a lake in the catalog at *properties*, written by pyiceberg's *writer_type*."""
    # A name of its own: rows of the sql catalog belong to the catalog of that name.
    name = f"lake_{uuid.uuid4().hex[:8]}"
    writer = writer_type(name, **properties)
    root = f"n{uuid.uuid4().hex[:8]}"
    writer.create_namespace(root)
    return Lake(name, type_, properties, writer, root)
