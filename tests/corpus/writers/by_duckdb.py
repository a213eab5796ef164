"""Tables that DuckDB writes, through the REST catalog that Iceberg's own tests use."""

import atexit
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cached_property
from importlib.metadata import files
from pathlib import Path

import duckdb

from tests.corpus.place import NAMESPACE, WAREHOUSE
from tests.corpus.writers.recipe import Recipe, recipe
from tests.corpus.writers.workshop import Workshop

REST = "FLIGHTLAKE_CORPUS_REST"
"""The variable that names the folder of the REST server's classes."""
_START_SECONDS = 60


class _Duck:
    """DuckDB, connected to a REST catalog that runs as long as this process."""

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        uri = _serve(os.environ[REST])
        connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        for name in ("httpfs", "avro", "iceberg"):
            connection.load_extension(_extension(name))
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"ATTACH '' AS rest (TYPE iceberg, ENDPOINT '{uri}', AUTHORIZATION_TYPE 'none')"
        )
        connection.execute(f"CREATE SCHEMA rest.{NAMESPACE}")
        return connection


DUCK = _Duck()


def _extension(name: str) -> str:
    parts = files(f"duckdb-extension-{name}") or []
    return str(next(part.locate() for part in parts if part.suffix == ".duckdb_extension"))


def _serve(jars: str) -> str:
    """Start the REST catalog and return its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = Path(tempfile.mkdtemp()) / "rest.db"
    java = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-cp", f"{jars}/*:{jars}", "RestServer"]
    server = subprocess.Popen([*java, str(port), str(database), f"file://{WAREHOUSE}"])
    atexit.register(server.terminate)
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
        else:
            return f"http://127.0.0.1:{port}"


def _duck(name: str, features: str, *statements: str, reader: str = "spark") -> Recipe:
    def make(workshop: Workshop, table: str) -> None:
        for statement in statements:
            DUCK.connection.execute(statement.replace("{t}", f'rest.{NAMESPACE}."{table}"'))
        metadata = max((WAREHOUSE / NAMESPACE / table / "metadata").glob("*.metadata.json"))
        workshop.register(table, f"file://{metadata}")

    return recipe(name, f"duckdb {features}", make, writer="duckdb", reader=reader)


_FLOATS = "'0.5'::, 'NaN'::, '-0.0'::, 'inf'::, '-inf'::, NULL"
_NIL = "00000000-0000-0000-0000-000000000000"
_MAX = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_COLUMNS = "id BIGINT, grp VARCHAR, v DOUBLE, d DATE"
_ROWS = (
    "INSERT INTO {t} SELECT i, 'g' || (i % 3), i * 1.5, DATE '2024-01-01' + CAST(i % 4 AS INT)"
    " FROM range({start}, {end}) r(i)"
)


def _rows(start: int, end: int) -> str:
    return _ROWS.replace("{start}", str(start)).replace("{end}", str(end))


_TWO = (_rows(0, 30), _rows(30, 60))


def recipes() -> list[Recipe]:
    """Return the tables."""
    return [*_operations(), *_types(), *_partitions()]


def _operations() -> Iterator[Recipe]:
    merge = "MERGE INTO {t} t USING (SELECT i * 3 AS id FROM range(0, 30) r(i)) s ON t.id = s.id"
    insert = " WHEN NOT MATCHED THEN INSERT (id, grp, v, d) VALUES (s.id, 'm', NULL, NULL)"
    update = f"{merge} WHEN MATCHED THEN UPDATE SET v = 0.5{insert}"
    drop = f"{merge} WHEN MATCHED THEN DELETE{insert}"
    operations: dict[str, tuple[str, tuple[str, ...]]] = {
        "append": ("", ()),
        "delete": ("deletes", ("DELETE FROM {t} WHERE id % 7 = 3",)),
        "deletes": ("deletes", ("DELETE FROM {t} WHERE id < 5", "DELETE FROM {t} WHERE id < 9")),
        "update": ("deletes", ("UPDATE {t} SET v = -v, grp = 'u' WHERE id % 5 = 1",)),
        "merge_update": ("deletes", (update,)),
        "merge_delete": ("deletes", (drop,)),
        "delete_all": ("deletes", ("DELETE FROM {t}",)),
        "rename": (
            "schema-evolution",
            (
                "ALTER TABLE {t} RENAME COLUMN v TO w",
                "ALTER TABLE {t} ADD COLUMN k INTEGER",
                "INSERT INTO {t} VALUES (99, 'x', 0.5, NULL, 3)",
            ),
        ),
    }  # fmt: skip
    for version in (2, 3):
        made = f"CREATE TABLE {{t}} ({_COLUMNS}) WITH ('format-version' = '{version}')"
        for word, (features, statements) in operations.items():
            kind = {2: "position-deletes", 3: "deletion-vectors"}[version]
            told = f"{features} {kind if features == 'deletes' else ''} v{version}"
            yield _duck(f"duck_{word}_v{version}", told, made, *_TWO, *statements)


def _types() -> Iterator[Recipe]:
    values = {
        "boolean": ("BOOLEAN", "true, false, NULL"),
        "integer": ("INTEGER", "0, -1, 2147483647, -2147483648, NULL"),
        "bigint": ("BIGINT", "0, -1, 9223372036854775807, NULL"),
        "float": ("FLOAT", _FLOATS.replace("::", "::FLOAT")),
        "double": ("DOUBLE", _FLOATS.replace("::", "::DOUBLE")),
        "decimal": ("DECIMAL(9,2)", "1.25, -9999999.98, NULL"),
        "wide_decimal": ("DECIMAL(38,5)", "1.25, -123456789012345678901234567890.5, NULL"),
        "date": ("DATE", "DATE '1970-01-01', DATE '0001-01-01', DATE '9999-12-31', NULL"),
        "time": ("TIME", "TIME '00:00:00', TIME '23:59:59.999999', NULL"),
        "timestamp": ("TIMESTAMP", "TIMESTAMP '1969-12-31 23:59:59.999999', NULL"),
        "timestamptz": ("TIMESTAMPTZ", "TIMESTAMPTZ '2024-02-29 12:34:56.789012+00', NULL"),
        "varchar": ("VARCHAR", "'', 'a b%c#d', '日本語', NULL"),
        "blob": ("BLOB", "''::BLOB, '\\x00\\xFF'::BLOB, NULL"),
        "uuid": ("UUID", f"'{_NIL}'::UUID, '{_MAX}'::UUID, NULL"),
        "struct": ("STRUCT(x INT, y VARCHAR)", "{'x': 1, 'y': ''}, {'x': NULL, 'y': NULL}, NULL"),
        "list": ("INTEGER[]", "[1, NULL], []::INTEGER[], NULL"),
        "map": ("MAP(VARCHAR, INTEGER)", "MAP {'a': 1, 'b': NULL}, NULL"),
    }  # fmt: skip
    for word, (kind, texts) in values.items():
        made = f"CREATE TABLE {{t}} (c {kind})"
        rows = f"INSERT INTO {{t}} SELECT unnest([{texts}])"
        reader = "java" if word == "time" else "spark"
        yield _duck(f"duck_{word}", "types v2", made, rows, rows, reader=reader)


def _partitions() -> Iterator[Recipe]:
    terms = {
        "identity": "grp",
        "bucket": "bucket(3, id)",
        "truncate": "truncate(1, grp)",
        "year": "year(d)",
        "month": "month(d)",
        "day": "day(d)",
    }
    for word, term in terms.items():
        made = f"CREATE TABLE {{t}} ({_COLUMNS}) PARTITIONED BY ({term})"
        features = f"partition-{word} v2"
        yield _duck(f"duck_by_{word}", features, made, *_TWO)
        deleted = "DELETE FROM {t} WHERE id % 7 = 3"
        features += " deletes position-deletes"
        yield _duck(f"duck_by_{word}_deleted", features, made, *_TWO, deleted)
