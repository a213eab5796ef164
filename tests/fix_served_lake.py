"""A small lake for the tests of whole servers: good tables, odd ones, and broken ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.catalog import Catalog as Writer
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.manifest import DataFileContent
from pyiceberg.table import Table

from tests.fix_catalogs import Lake
from tests.fix_metadata import commit, file_entry

ORDERS = pa.table(
    {
        "id": pa.array([1, 2, 3, 4], pa.int64()),
        "item": pa.array(["ale", "bread", "cheese", None], pa.string()),
        "price": pa.array([2.5, 3.25, 7.0, 1.0], pa.float64()),
    }
)
NUMBERS = 400_000
"""Rows of ``shop.numbers``: ``n`` counts from 0, ``noise`` does not compress."""


def lake_at(folder: Path, name: str = "lake") -> Lake:
    """Return the lake in *folder*, in SQLite; it is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    properties = {
        "uri": f"sqlite:///{folder}/catalog.db",
        "warehouse": f"file://{folder}/canary-warehouse",
    }
    writer: Writer = SqlCatalog(name, **properties)
    writer.create_namespace_if_not_exists("shop")
    return Lake(name, "sql", properties, writer, "shop")


def fill(lake: Lake) -> None:
    """Write the tables of the shop, and some in odd places."""
    for namespace in ("bronze", ("bronze", "inventory"), "Mixed Case"):
        lake.writer.create_namespace(namespace)
    lake.create("orders", ORDERS.schema).append(ORDERS)
    lake.create("Weekly Sales", ORDERS.schema).append(ORDERS.slice(0, 1))
    lake.create("empty", ORDERS.schema)
    lake.writer.create_table(("bronze", "inventory", "customers"), ORDERS.schema).append(ORDERS)
    lake.writer.create_table(("Mixed Case", 'Odd "Name"'), ORDERS.schema).append(ORDERS)
    lake.create("numbers", numbers(0).schema).append(numbers(NUMBERS))
    _delete(lake, "deleted_rows")
    lake.create("many", numbers(0).schema).append(numbers(MANY))


MANY = 4 * NUMBERS
"""Rows of ``shop.many``, which is like ``shop.numbers``: 100 MB in memory."""


def numbers(count: int) -> pa.Table:
    """Return *count* rows of about 60 bytes in no particular order."""
    n = np.arange(count, dtype=np.int64)
    noise = pc.binary_repeat(pa.array((n * 2654435761) % 4294967296).cast(pa.string()), 5)
    return pa.table({"n": n, "noise": noise})


def spoil(lake: Lake) -> None:
    """Write tables that cannot be read, each in its own way."""
    missing = lake.create("missing_file", ORDERS.schema)
    missing.append(ORDERS)
    data_file(missing).unlink()
    broken = lake.create("broken_footer", ORDERS.schema)
    broken.append(ORDERS)
    path = data_file(broken)
    content = path.read_bytes()
    path.write_bytes(content[:-8] + b"\xff" * 4 + b"PAR1")
    _delete(lake, "lost_deletes").unlink()


def _delete(lake: Lake, name: str) -> Path:
    """Make a table of orders whose second row is deleted; return the file that says so."""
    table = lake.create(name, ORDERS.schema)
    table.append(ORDERS)
    data = data_file(table)
    path = data.with_name("deletes.parquet")
    fields = [
        pa.field(column, type_, nullable=False, metadata={"PARQUET:field_id": str(number)})
        for column, type_, number in (
            ("file_path", pa.string(), 2147483546),
            ("pos", pa.int64(), 2147483545),
        )
    ]
    pq.write_table(pa.table([[f"file://{data}"], [1]], schema=pa.schema(fields)), path)
    size = path.stat().st_size
    deletes = file_entry(
        f"file://{path}", DataFileContent.POSITION_DELETES, file_size_in_bytes=size
    )
    commit(lake, name, [deletes])
    return path


def data_file(table: Table) -> Path:
    """Return the one data file of *table*."""
    (task,) = table.refresh().scan().plan_files()
    return Path(task.file.file_path.removeprefix("file://"))


def catalogs(*lakes: Lake, **more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a configuration that names *lakes*, and *more* catalogs."""
    found: dict[str, Any] = {
        lake.name: {
            "type": lake.type,
            "uri": lake.properties.get("uri", ""),
            "warehouse": lake.properties.get("warehouse", ""),
            "timeout": "2m",
            "properties": {
                name: value
                for name, value in lake.properties.items()
                if name not in ("uri", "warehouse")
            },
        }
        for lake in lakes
    }
    return {"catalogs": {**found, **more}}
