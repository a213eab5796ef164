"""Whatever is lost or broken of a table is said so; its rows never come wrong in silence."""

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pyarrow.parquet as pq
import pytest
from pyiceberg.table import Table

from tests.fix_processes import Server, configure
from tests.fix_raw_client import RawClient, raw
from tests.fix_served_lake import ORDERS, catalogs, data_file, lake_at

DAMAGED, UNSUPPORTED = grpc.StatusCode.DATA_LOSS, grpc.StatusCode.UNIMPLEMENTED


def local(location: str) -> Path:
    return Path(location.removeprefix("file://"))


def metadata(table: Table) -> Path:
    return local(table.metadata_location)


def manifest_list(table: Table) -> Path:
    snapshot = table.current_snapshot()
    assert snapshot is not None
    return local(snapshot.manifest_list)


def manifest(table: Table) -> Path:
    snapshot = table.current_snapshot()
    assert snapshot is not None
    return local(snapshot.manifests(table.io)[0].manifest_path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def become_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def forget_snapshots(path: Path) -> None:
    path.write_text(path.read_text().replace('"snapshots"', '"snap"'))


DAMAGES: dict[str, tuple[Callable[[Table], Path], Callable[[Path], object], grpc.StatusCode]] = {
    "data file lost": (data_file, Path.unlink, DAMAGED),
    "data file empty": (data_file, lambda path: path.write_bytes(b""), DAMAGED),
    "data file cut": (data_file, cut, DAMAGED),
    "data file a folder": (data_file, become_folder, DAMAGED),
    "data file of fewer rows": (
        data_file,
        lambda path: pq.write_table(ORDERS.slice(0, 2), path),
        DAMAGED,
    ),
    "manifest lost": (manifest, Path.unlink, DAMAGED),
    "manifest cut": (manifest, cut, DAMAGED),
    "manifest noise": (manifest, lambda path: path.write_bytes(b"noise"), DAMAGED),
    "manifest list lost": (manifest_list, Path.unlink, DAMAGED),
    "manifest list cut": (manifest_list, cut, DAMAGED),
    "manifest list noise": (manifest_list, lambda path: path.write_bytes(b"Obj\x01"), DAMAGED),
    "metadata lost": (metadata, Path.unlink, DAMAGED),
    "metadata noise": (metadata, lambda path: path.write_text("{"), UNSUPPORTED),
    "metadata without its snapshots": (metadata, forget_snapshots, DAMAGED),
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawClient]:
    """A connection to a server whose tables are called as their damages."""
    folder = tmp_path_factory.mktemp("canary-damage")
    lake = lake_at(folder / "lake")
    for name, (part, damage, _) in DAMAGES.items():
        table = lake.create(name, ORDERS.schema)
        table.append(ORDERS)
        damage(part(table))
    with Server(configure(folder, catalogs(lake))) as server, raw(server) as made:
        yield made
        assert server.events("internal failure") == []


STATEMENTS = ("SELECT *", "SELECT count(*)", "SELECT max(id)", "EXPLAIN SELECT id")


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        (name, sql)
        for name in DAMAGES
        for sql in STATEMENTS
        if not (sql.startswith("EXPLAIN") and name.startswith("data file"))  # it reads no data
    ],
)
def test_a_damaged_table_is_refused_by_name(client: RawClient, name: str, sql: str):
    if sql.startswith("EXPLAIN") and name.startswith("data file"):
        pytest.skip("explaining reads no data")
    code, message = client.refused(lambda: client.read(f'{sql} FROM lake.shop."{name}"'))
    assert code is DAMAGES[name][2], message
    assert f'lake.shop."{name}"' in message
    assert "canary" not in message
    assert "/" not in message
