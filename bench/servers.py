"""The servers that are measured: flightlake as it ships, and flightlake without pruning."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pyiceberg.catalog.sql import SqlCatalog

from bench.data import Lakehouse
from bench.processes import server
from flightlake.auth.passwords import hash_password
from flightlake.auth.users import User, UsersFile

VIEWS = "views.mv"
"""The catalog and the schema in which views are measured."""


@contextmanager
def flightlake(lakehouse: Lakehouse, prune: bool = True) -> Iterator[tuple[str, int]]:
    """Serve *lakehouse* from a process of its own; yield its location and pid.

    With TLS off and without credentials, as the servers it is set against.
    """
    with TemporaryDirectory(prefix="flightlake-bench-") as directory:
        state = Path(directory)
        config = state / "flightlake.toml"
        config.write_text(_configuration(lakehouse), encoding="utf-8")
        module = "flightlake" if prune else "bench.unpruned"
        with server(module, ["serve", "--config", str(config)], state / "log") as running:
            yield running


@contextmanager
def flightlake_with_views(
    lakehouse: Lakehouse, folder: Path, memory: str
) -> Iterator[tuple[str, int, dict[str, str]]]:
    """Serve *lakehouse*, and a catalog in *folder* for views; yield what logs in, too.

    *memory* is what statements may use.
    """
    (folder / "warehouse").mkdir()
    uri, warehouse = f"sqlite:///{folder / 'catalog.db'}", f"file://{folder / 'warehouse'}"
    catalog, _, namespace = VIEWS.partition(".")
    made = SqlCatalog(catalog, uri=uri, warehouse=warehouse)
    made.create_namespace(namespace)
    made.close()
    users = folder / "users.toml"
    UsersFile(users).add(User("mill", hash_password("mill"), frozenset({"writer"})))
    config = folder / "flightlake.toml"
    text = _configuration(lakehouse).replace("anonymous = true", f"users_file = {_quoted(users)}")
    text += f"""\
[limits]
memory = "{memory}"
[state]
directory = {_quoted(folder / "state")}
[catalogs.{catalog}]
type = "sql"
uri = {json.dumps(uri)}
warehouse = {json.dumps(warehouse)}
writable = true
"""
    config.write_text(text.replace("[session]\n", '[session]\ncatalog = "lake"\n'))
    with server("flightlake", ["serve", "--config", str(config)], folder / "log") as running:
        yield *running, {"username": "mill", "password": "mill"}


@contextmanager
def plain_flight(data: Path | None) -> Iterator[tuple[str, int]]:
    """Serve the Arrow file *data* (None: one row with the number 1) with pyarrow.flight alone."""
    with TemporaryDirectory(prefix="flightlake-bench-") as directory:
        arguments = [] if data is None else [str(data)]
        with server("bench.plain_flight", arguments, Path(directory) / "log") as running:
            yield running


def _configuration(lakehouse: Lakehouse) -> str:
    return f"""\
[server]
port = 0
[server.tls]
mode = "off"
[management]
port = 0
[auth]
anonymous = true
[catalogs.lake]
type = "sql"
uri = {json.dumps(lakehouse.uri)}
warehouse = {json.dumps(lakehouse.warehouse)}
[session]
schema = "{lakehouse.db_schema}"
[logging]
level = "WARNING"
"""


def _quoted(path: Path) -> str:
    return json.dumps(str(path))
