"""Every catalog that flightlake reads, for the one behaviour suite that all must pass.

To add one: write a function that makes a ``Lake`` in it and one that starts a server of the
test's own, and give it a row in ``KINDS``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hive_metastore.ThriftHiveMetastore import Client
from hive_metastore.ttypes import GetTableRequest
from pyiceberg.catalog import Catalog as Writer
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.catalog.hive import HiveCatalog
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.catalog.sql import SqlCatalog

from tests.components import hive_metastore, iceberg_rest, moto, nessie, postgresql
from tests.components.processes import Process, listens
from tests.fix_catalogs import Lake, new_lake, postgresql_lake, rest_lake, sqlite_lake, started
from tests.fix_rest_servers import nessie_lake


@dataclass(frozen=True)
class Own:
    """A catalog of the test's own that can go down and come up again.

    ``up`` returns once it is up, with the tables it had; ``close`` ends it for good.  ``times``
    is how often to try that: once where a start takes seconds.
    """

    lake: Lake
    down: Callable[[], None]
    up: Callable[[], None]
    close: Callable[[], None]
    times: int = 2


@dataclass(frozen=True)
class Kind:
    """A kind of catalog.

    ``component`` is what a skip names; ``lake`` makes a lake with a namespace of its own in a
    server that all tests share, its files in the given folder if the catalog lets a client
    choose; ``own`` makes one in a server of the test's own, None where another kind goes down
    in just the same way.  ``history`` says whether it tells a table's earlier snapshots.
    ``odd_names`` are names of tables that the catalog keeps as they are.  ``renames`` says whether
    it gives a table another name in one step; ``compares_absence`` whether a change of a table that
    had no snapshot is refused when it has one.
    """

    component: str
    lake: Callable[[Path], Lake]
    own: Callable[[Path], Own] | None
    nested: bool = True
    history: bool = True
    renames: bool = True
    compares_absence: bool = True
    odd_names: Sequence[str] = ("Orders", "with space", "ünï", "or-ders")


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


class _Hive4Client(Client):  # type: ignore[misc]
    """The client with a call that pyiceberg makes and metastores of version 4 do not have."""

    def get_table(self, dbname: str, tbl_name: str) -> Any:
        return self.get_table_req(GetTableRequest(dbName=dbname, tblName=tbl_name)).table


class _Hive4Catalog(HiveCatalog):
    """pyiceberg's catalog, so that it can write to a metastore of version 4."""

    @staticmethod
    def _create_hive_client(properties: dict[str, str]) -> Any:
        made = HiveCatalog._create_hive_client(properties)
        plain = made._client

        def client() -> Client:
            found = plain()
            found.__class__ = _Hive4Client
            return found

        made._client = client  # type: ignore[method-assign]
        return made


def hive_lake(server: hive_metastore.Server, version: str) -> Lake:
    """Return a lake in a Hive Metastore, its files in a folder of the server."""
    writer = _Hive4Catalog if version == "4" else HiveCatalog
    return new_lake("hive", {"uri": server.uri}, writer)


def _hive(version: str) -> Kind:
    def lake(folder: Path) -> Lake:
        start = partial(hive_metastore.start, version)
        return hive_lake(started(hive_metastore, start), version)

    def own(folder: Path) -> Own:
        launch = partial(hive_metastore.launch, version)
        server: hive_metastore.Server = started(hive_metastore, launch)
        return replace(in_process(hive_lake(server, version), server.process, server.port), times=1)

    # All names are of small letters, digits and underscores.
    kind = Kind("hive-metastore", lake, own, nested=False, odd_names=("select", "t_1"))
    return kind if version == "4" else replace(kind, own=None)


def _own_nessie(folder: Path) -> Own:
    server: nessie.Server = started(nessie, nessie.launch)
    return replace(in_process(nessie_lake(server), server.process, server.port), times=1)


def glue_lake(folder: Path, server: moto.Server) -> Lake:
    """Return a lake in moto's Glue, its files in *folder*."""
    properties = {**server.properties, "warehouse": f"file://{folder}/warehouse"}
    return new_lake("glue", properties, GlueCatalog)


def _own_glue(folder: Path) -> Own:
    server: moto.Server = started(moto, moto.launch)
    lake = glue_lake(folder, server)
    known: list[tuple[tuple[str, ...], str]] = []

    def down() -> None:
        known[:] = [
            (name, lake.writer.load_table(name).metadata_location)
            for name in lake.writer.list_tables(lake.root)
        ]
        server.process.end()

    def again() -> None:  # moto keeps nothing
        lake.writer.create_namespace(lake.root)
        for name, location in known:
            lake.writer.register_table(name, location)

    return replace(in_process(lake, server.process, server.port, again), down=down)


KINDS: Mapping[str, Kind] = {
    "sqlite": Kind("sqlite", sqlite_lake, _own_sqlite),
    "postgresql": Kind("postgresql", postgresql_lake, _own_postgresql),
    "iceberg-rest": Kind("iceberg-rest", lambda folder: rest_lake(), _own_rest),
    "nessie": Kind(
        "nessie",
        lambda folder: nessie_lake(),
        _own_nessie,
        history=False,
        compares_absence=False,
    ),
    "hive-3": _hive("3"),
    "hive-4": _hive("4"),
    "glue": Kind(
        "moto",
        lambda folder: glue_lake(folder, started(moto)),
        _own_glue,
        nested=False,
        renames=False,
    ),
}


def namesake(lake: Lake, other: Lake) -> Lake:
    """Return *lake* with its namespace named like that of *other*, made if it is not there."""
    _make(lake.writer, other.root)
    return replace(lake, root=other.root)


def _make(writer: Writer, namespace: Any) -> None:
    writer.create_namespace_if_not_exists(namespace)
