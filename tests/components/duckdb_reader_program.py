"""Reads tables with DuckDB: JSON in, JSON out; run by the Python that has DuckDB."""

import json
import sys
from importlib.metadata import files

import duckdb


def _extension(name: str) -> str:
    parts = files(f"duckdb-extension-{name}") or []
    return str(next(part.locate() for part in parts if part.suffix == ".duckdb_extension"))


def main() -> None:
    asked = json.load(sys.stdin)
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    for name in ("avro", "iceberg"):
        connection.load_extension(_extension(name))
    connection.execute("SET TimeZone = 'UTC'")
    for name, location in asked["tables"].items():
        path = location.removeprefix("file://").replace("'", "''")
        quoted = '"' + name.replace('"', '""') + '"'
        connection.execute(f"CREATE VIEW {quoted} AS SELECT * FROM iceberg_scan('{path}')")
    answers = [connection.execute(query).fetchall() for query in asked["queries"]]
    json.dump([[[str(value) for value in row] for row in rows] for rows in answers], sys.stdout)


if __name__ == "__main__":
    main()
