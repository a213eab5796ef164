"""Real catalogs in a folder: SQLite, pyiceberg, local files."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog

from flightlake.lake.catalogs import Catalog, open_catalog

ORDERS = pa.schema(
    [pa.field("id", pa.int64(), nullable=False), pa.field("price", pa.decimal128(12, 2))]
)


def properties(folder: Path) -> dict[str, str]:
    """Return the properties of the catalog in *folder*."""
    return {"uri": f"sqlite:///{folder}/catalog.db", "warehouse": f"file://{folder}/warehouse"}


def make_catalog(
    folder: Path, name: str, tables: Mapping[str, Sequence[str]], schema: pa.Schema = ORDERS
) -> Catalog:
    """Make a catalog with the given tables of each ``db_schema``, and open it."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = SqlCatalog(name, **properties(folder))
    for db_schema, names in tables.items():
        namespace = tuple(db_schema.split("."))
        for depth in range(1, len(namespace) + 1):
            writer.create_namespace_if_not_exists(namespace[:depth])
        for table in names:
            writer.create_table((*namespace, table), schema)
    writer.close()
    return open_catalog(name, "sql", properties(folder), timedelta(minutes=2))


def dead_catalog(folder: Path, name: str) -> Catalog:
    """Open a catalog whose database cannot be reached."""
    missing = {"uri": f"sqlite:///{folder}/nowhere/catalog.db", "warehouse": f"file://{folder}"}
    return open_catalog(name, "sql", missing, timedelta(seconds=2))


def metadata_files(folder: Path, table: str) -> list[Path]:
    """Return the metadata files of *table*."""
    return sorted(folder.glob(f"warehouse/**/{table}/metadata/*.json"))
