"""Every catalog that flightlake reads, for the one behaviour suite that all must pass.

To add one: write a function that makes a ``Lake`` in it and one that starts a server of the
test's own, and give it a row in ``KINDS``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pyiceberg.catalog import Catalog as Writer
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.catalog.sql import SqlCatalog

from tests.components import iceberg_rest, postgresql
from tests.components.processes import Process, listens
from tests.fix_catalogs import Lake, new_lake, postgresql_lake, rest_lake, sqlite_lake, started


@dataclass(frozen=True)
class Own:
    """A catalog of the test's own that can go down and come up again.

    ``up`` returns once it is up, with the tables it had; ``close`` ends it for good.
    """

    lake: Lake
    down: Callable[[], None]
    up: Callable[[], None]
    close: Callable[[], None]


@dataclass(frozen=True)
class Kind:
    """A kind of catalog.

    ``component`` is what a skip names; ``lake`` makes a lake with a namespace of its own in a
    server that all tests share, its files in the given folder if the catalog lets a client
    choose; ``own`` makes one in a server of the test's own.
    """

    component: str
    lake: Callable[[Path], Lake]
    own: Callable[[Path], Own]
    nested: bool = True
    mixed_case: bool = True
    spaces: bool = True


def in_process(
    lake: Lake, process: Process, port: int, again: Callable[[], None] | None = None
) -> Own:
    """Return *lake*, whose server is *process* on *port*; *again* runs whenever it came up."""

    def up() -> None:
        process.begin()
        process.wait_until(lambda: listens(port))
        if again is not None:
            again()

    return Own(lake, process.end, up, process.stop)


def _own_sqlite(folder: Path) -> Own:
    lake = sqlite_lake(folder)
    database, away = folder / "catalog.db", folder / "catalog.away"
    return Own(lake, lambda: _moved(database, away), lambda: _moved(away, database), lambda: None)


def _moved(path: Path, to: Path) -> None:
    path.rename(to)


def _own_postgresql(folder: Path) -> Own:
    server: postgresql.Server = started(postgresql, postgresql.launch)
    properties = {"uri": server.uri, "warehouse": f"file://{folder}/warehouse"}
    lake = new_lake("sql", properties, SqlCatalog)
    return in_process(lake, server.process, server.port)


def _own_rest(folder: Path) -> Own:
    server: iceberg_rest.Server = started(iceberg_rest, iceberg_rest.launch)
    return in_process(
        new_lake("rest", {"uri": server.uri}, RestCatalog), server.process, server.port
    )


KINDS: Mapping[str, Kind] = {
    "sqlite": Kind("sqlite", sqlite_lake, _own_sqlite),
    "postgresql": Kind("postgresql", postgresql_lake, _own_postgresql),
    "iceberg-rest": Kind("iceberg-rest", lambda folder: rest_lake(), _own_rest),
}


def namesake(lake: Lake, other: Lake) -> Lake:
    """Return *lake* with its namespace named like that of *other*, made if it is not there."""
    _make(lake.writer, other.root)
    return replace(lake, root=other.root)


def _make(writer: Writer, namespace: Any) -> None:
    writer.create_namespace_if_not_exists(namespace)
