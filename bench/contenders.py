"""Who answers a query: each gives the whole answer as an Arrow table."""

from collections.abc import Mapping, Sequence
from importlib.metadata import files
from pathlib import Path
from typing import Any, Protocol

import adbc_driver_flightsql.dbapi
import pyarrow as pa
from adbc_driver_flightsql import DatabaseOptions


class Contender(Protocol):
    """Answers SQL."""

    def query(self, sql: str) -> pa.Table: ...


class DuckDb:
    """DuckDB in this process, over Iceberg by its own extension.

    Args:
        tables: The metadata file of each table.
    """

    def __init__(self, tables: Mapping[str, str]) -> None:
        import duckdb

        self._connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        for name in ("avro", "iceberg"):
            self._connection.load_extension(_extension(name))
        for name, metadata in tables.items():
            self._connection.execute(
                f"CREATE VIEW {name} AS SELECT * FROM iceberg_scan('{metadata}')"
            )

    def query(self, sql: str) -> pa.Table:
        return self._connection.execute(sql).to_arrow_table()


class DataFusion:
    """DataFusion in this process, over the same Parquet files, as it comes.

    Args:
        tables: The data files of each table.
        cores: Its partitions, as many as flightlake's.
        options: Settings that differ from its own.
    """

    def __init__(
        self,
        tables: Mapping[str, Sequence[str]],
        cores: int,
        options: Mapping[str, str] | None = None,
    ) -> None:
        from datafusion import SessionConfig, SessionContext

        config = SessionConfig(dict(options or {})).with_target_partitions(cores)
        self._context = SessionContext(config)
        for name, paths in tables.items():
            frame = self._context.read_parquet(paths[0])
            if len(paths) > 1:
                # A table has one folder for data, so that is what its files are.
                frame = self._context.read_parquet(paths[0].rpartition("/")[0] + "/")
            self._context.register_table(name, frame)

    def query(self, sql: str) -> pa.Table:
        return self._context.sql(sql).to_arrow_table()


class DataFusionFile(DataFusion):
    """DataFusion that writes the answer to one Parquet file; it answers nothing.

    Args:
        file: Where; written anew each time.
    """

    def __init__(self, tables: Mapping[str, Sequence[str]], cores: int, file: str) -> None:
        super().__init__(tables, cores)
        self._file = file

    def query(self, sql: str) -> pa.Table:
        Path(self._file).unlink(missing_ok=True)
        # The level that Arrow's writer has for zstd.
        self._context.sql(sql).write_parquet(self._file, compression="zstd", compression_level=1)
        return pa.table({})


class FlightSql:
    """A Flight SQL server, through the official ADBC driver.

    Args:
        location: Where it is.
        setup: Statements to run first.
        credentials: Options of the driver that log in.
    """

    def __init__(
        self,
        location: str,
        setup: Sequence[str] = (),
        credentials: Mapping[str, str] | None = None,
    ) -> None:
        # Some servers send larger messages than the driver takes by itself.
        limit = {DatabaseOptions.WITH_MAX_MSG_SIZE.value: str(1 << 30)}
        self._connection: Any = adbc_driver_flightsql.dbapi.connect(
            location, {**limit, **(credentials or {})}, autocommit=True
        )
        for sql in setup:
            self.query(sql)

    def query(self, sql: str) -> pa.Table:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetch_arrow_table()


def tpch_queries() -> list[str]:
    """Return the 22 queries of TPC-H, as DuckDB's extension has them."""
    import duckdb

    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.load_extension(_extension("tpch"))
    rows = connection.execute("SELECT query FROM tpch_queries() ORDER BY query_nr").fetchall()
    return [row[0].strip().rstrip(";") for row in rows]


def _extension(name: str) -> str:
    """Return where the package of DuckDB's extension *name* has put it."""
    distribution = f"duckdb-extension-{name}"
    for file in files(distribution) or ():
        if file.name.endswith(".duckdb_extension"):
            return str(file.locate())
    raise RuntimeError(f"{distribution} has no extension in it")
