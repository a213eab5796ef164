"""The tables that are measured, made once and kept in ``.cache/bench``.

Each folder has a SQLite catalog ``lake`` and a warehouse of local files.  A folder counts only
once its mark says that it is whole, and for this very place: Iceberg writes absolute paths.
"""

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.table import Table

from flightlake.demo import tpch

ROOT = (Path(__file__).parents[1] / ".cache" / "bench").resolve()
FILES = 5_000
ROWS_PER_FILE = 1_000


@dataclass(frozen=True, slots=True)
class Lakehouse:
    """A catalog ``lake`` with one schema, and how its tables are read without it."""

    directory: Path
    db_schema: str

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.directory / 'catalog.db'}"

    @property
    def warehouse(self) -> str:
        return f"file://{self.directory / 'warehouse'}"

    def tables(self) -> Mapping[str, Table]:
        """Return all tables by name, as pyiceberg loads them."""
        catalog = self.catalog()
        try:
            names = [name for _, name in catalog.list_tables(self.db_schema)]
            return {name: catalog.load_table((self.db_schema, name)) for name in names}
        finally:
            catalog.close()

    def data_files(self) -> dict[str, list[str]]:
        """Return for each table the paths of its data files."""
        return {
            name: [
                task.file.file_path.removeprefix("file://") for task in table.scan().plan_files()
            ]
            for name, table in self.tables().items()
        }

    def catalog(self) -> SqlCatalog:
        return SqlCatalog("lake", uri=self.uri, warehouse=self.warehouse)


def tpch_lakehouse(scale: float, report: Callable[[str], None]) -> Lakehouse:
    """Return TPC-H at *scale*, written by pyiceberg as any writer would: one append per table."""
    return kept(Lakehouse(ROOT / f"tpch-{scale:g}", "tpch"), _write_tpch(scale), report)


def many_files_lakehouse(report: Callable[[str], None]) -> Lakehouse:
    """Return a table ``events`` of 5,000 data files of 1,000 rows, in the order of ``id``."""
    return kept(Lakehouse(ROOT / f"files-{FILES}", "many"), _write_events, report)


def kept(
    lakehouse: Lakehouse, write: Callable[[Lakehouse], None], report: Callable[[str], None]
) -> Lakehouse:
    """Return *lakehouse*, which *write* fills if that has not been done."""
    mark = lakehouse.directory / "whole"
    if mark.exists() and mark.read_text() == str(lakehouse.directory):
        return lakehouse
    report(f"making {lakehouse.directory.name} (kept for the next run)")
    shutil.rmtree(lakehouse.directory, ignore_errors=True)
    (lakehouse.directory / "warehouse").mkdir(parents=True)
    catalog = lakehouse.catalog()
    catalog.create_namespace(lakehouse.db_schema)
    catalog.close()
    write(lakehouse)
    mark.write_text(str(lakehouse.directory))
    return lakehouse


def _write_tpch(scale: float) -> Callable[[Lakehouse], None]:
    def write(lakehouse: Lakehouse) -> None:
        generated = lakehouse.directory / "generated"
        generated.mkdir()
        tpch.generate(scale, generated)
        catalog = lakehouse.catalog()
        try:
            for name in tpch.TABLES:
                rows = tpch.read(name, generated)
                catalog.create_table((lakehouse.db_schema, name), schema=rows.schema).append(rows)
        finally:
            catalog.close()
        shutil.rmtree(generated)

    return write


def _write_events(lakehouse: Lakehouse) -> None:
    schema = pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False),
            pa.field("kind", pa.string(), nullable=False),
            pa.field("amount", pa.float64(), nullable=False),
        ]
    )
    kinds = pa.array(["view", "click", "order", "refund"])

    def rows(number: int) -> pa.Table:
        ids = np.arange(number * ROWS_PER_FILE, (number + 1) * ROWS_PER_FILE)
        return pa.table([pa.array(ids), kinds.take(pa.array(ids % 4)), ids / 100], schema=schema)

    catalog = lakehouse.catalog()
    try:
        table = catalog.create_table((lakehouse.db_schema, "events"), schema=schema)

        def write(number: int) -> list[object]:
            # The writer behind append(): one commit for all instead of 5,000.
            return list(
                _dataframe_to_data_files(table.metadata, rows(number), table.io, write_uuid=uuid4())
            )

        with (
            ThreadPoolExecutor(4) as threads,
            table.transaction() as transaction,
            transaction.update_snapshot().fast_append() as append,
        ):
            for files in threads.map(write, range(FILES)):
                for file in files:
                    append.append_data_file(file)
    finally:
        catalog.close()
