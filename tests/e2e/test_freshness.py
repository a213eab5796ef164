"""What other engines write is seen by the next statement; what is down comes back by itself."""

import threading
from pathlib import Path

import grpc
import pytest
from pyiceberg.types import StringType

from flightlake._proto import FlightSql_pb2 as pb
from tests.components import iceberg_rest, s3
from tests.components.processes import free_port
from tests.fix_catalogs import Lake, postgresql_lake, rest_lake, s3_lake, started
from tests.fix_processes import Server, configure, settled
from tests.fix_raw_client import RawClient, raw
from tests.fix_served_lake import ORDERS, catalogs, lake_at

NOT_FOUND = grpc.StatusCode.NOT_FOUND
DOWN = grpc.StatusCode.UNAVAILABLE


def count(client: RawClient, table: str) -> int:
    found: int = client.read(f"SELECT count(*) AS n FROM {table}")["n"].to_pylist()[0]
    return found


def follow(client: RawClient, lake: Lake, name: str) -> None:
    """Let pyiceberg write while *client* reads: every statement sees the state before it."""
    table = f'{name}."{lake.root}".fresh'
    assert client.refused(lambda: count(client, table))[0] is NOT_FOUND
    written = lake.create("fresh", ORDERS.schema)
    assert count(client, table) == 0
    for rows in (4, 8):
        written.append(ORDERS)
        assert count(client, table) == rows
    with written.update_schema() as update:
        update.add_column("note", StringType())
    assert client.read(f"SELECT * FROM {table} LIMIT 0").schema.names[-1] == "note"
    written.overwrite(ORDERS.slice(0, 1))
    assert count(client, table) == 1
    found = client.read(pb.CommandGetTables(catalog=name, db_schema_filter_pattern=lake.root))
    assert "fresh" in found["table_name"].to_pylist()
    lake.writer.drop_table((lake.root, "fresh"))
    assert client.refused(lambda: count(client, table))[0] is NOT_FOUND


def test_a_local_lake_is_fresh_and_a_ticket_keeps_its_snapshot(folder: Path):
    lake = lake_at(folder / "lake")
    with Server(configure(folder, catalogs(lake))) as server, raw(server) as client:
        follow(client, lake, "lake")
        written = lake.create("pinned", ORDERS.schema)
        written.append(ORDERS)
        ticket = client.ticket("SELECT count(*) AS n FROM lake.shop.pinned")
        prepared = client.prepare("SELECT count(*) AS n FROM lake.shop.pinned")
        written.append(ORDERS)
        assert client.get(ticket)["n"].to_pylist() == [4]
        handle = pb.CommandPreparedStatementQuery(
            prepared_statement_handle=prepared.prepared_statement_handle
        )
        assert client.read(handle)["n"].to_pylist() == [8]


def test_one_statement_reads_one_snapshot_however_often_it_names_a_table(folder: Path):
    lake = lake_at(folder / "lake")
    written = lake.create("growing", ORDERS.schema)
    written.append(ORDERS)
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            written.append(ORDERS)

    thread = threading.Thread(target=write)
    with Server(configure(folder, catalogs(lake))) as server, raw(server) as client:
        thread.start()
        try:
            seen = set()
            table = "lake.shop.growing"
            sql = f"""SELECT (SELECT count(*) FROM {table}) AS a, count(*) AS b,
                      (SELECT max(n) FROM (SELECT count(*) AS n FROM {table})) AS c FROM {table}"""
            settled(lambda: seen.add(_same(client, sql)) or len(seen) >= 3, "three snapshots")
        finally:
            over.set()
            thread.join()


def _same(client: RawClient, sql: str) -> int:
    (row,) = client.read(sql).to_pylist()
    assert len(set(row.values())) == 1, row
    found: int = row["a"]
    return found


@pytest.mark.component("postgresql")
def test_a_lake_in_postgresql_through_the_whole_server(folder: Path):
    folder.mkdir()
    lake = postgresql_lake(folder)
    config = configure(folder, catalogs(lake))
    with Server(config) as server, raw(server) as client:
        follow(client, lake, lake.name)
        password = lake.properties["uri"].partition("tester:")[2].partition("@")[0]
        assert password not in server.said()


@pytest.mark.component("iceberg-rest")
def test_a_rest_catalog_that_dies_and_comes_back(folder: Path):
    folder.mkdir()
    lake = rest_lake()
    follower = configure(folder, catalogs(lake))
    with Server(follower) as server, raw(server) as client:
        follow(client, lake, lake.name)
    # One of its own, to be stopped and started.
    port = free_port()
    local = lake_at(folder / "local")
    local.create("orders", ORDERS.schema).append(ORDERS)
    settings = {
        "type": "rest",
        "uri": f"http://127.0.0.1:{port}",
        "timeout": "5s",
    }
    with Server(configure(folder, catalogs(local, far=settings))) as server, raw(server) as client:
        code, message = client.refused(lambda: count(client, "far.a.b"))
        assert (code, "catalog 'far' does not answer" in message) == (DOWN, True)
        assert count(client, "lake.shop.orders") == 4
        far = iceberg_rest.launch(port)
        settled(
            lambda: client.refused(lambda: count(client, "far.a.b"))[0] is NOT_FOUND,
            "the catalog is back",
        )
        far.process.stop()
        assert client.refused(lambda: count(client, "far.a.b"))[0] is DOWN
        assert count(client, "lake.shop.orders") == 4


@pytest.mark.component("s3")
def test_a_lake_on_s3_through_the_whole_server(folder: Path):
    folder.mkdir()
    lake = s3_lake(folder)
    properties = dict(lake.properties)
    secret = folder / "secret"
    secret.write_text(properties.pop("s3.secret-access-key") + "\n")
    entry = catalogs(_with(lake, properties))["catalogs"][lake.name]
    entry["property_files"] = {"s3.secret-access-key": str(secret)}
    config = configure(folder, {"catalogs": {lake.name: entry}})
    with Server(config) as server, raw(server) as client:
        follow(client, lake, lake.name)
        lost = lake.create("lost", ORDERS.schema)
        lost.append(ORDERS)
        (task,) = lost.scan().plan_files()
        store: s3.Server = started(s3)
        store.files().delete_file(task.file.file_path.removeprefix("s3://"))
        code, message = client.refused(
            lambda: client.read(f'SELECT * FROM {lake.name}."{lake.root}".lost')
        )
        assert (code, "is missing" in message) == (grpc.StatusCode.DATA_LOSS, True)
        for told in (message, server.said(), server.probe("/metrics")[1]):
            assert store.secret_key not in told
            assert store.endpoint not in told


@pytest.mark.component("postgresql")
@pytest.mark.component("s3")
def test_one_statement_joins_three_kinds_of_catalogs(folder: Path):
    folder.mkdir()
    lakes = [lake_at(folder / "lake"), postgresql_lake(folder), s3_lake(folder)]
    for lake in lakes:
        lake.create("orders", ORDERS.schema).append(ORDERS)
    names = [f'{lake.name}."{lake.root}".orders' for lake in lakes]
    sql = f"""SELECT a.item, b.price, c.id FROM {names[0]} a JOIN {names[1]} b USING (id)
              JOIN {names[2]} c USING (id) WHERE c.id = 3"""
    with Server(configure(folder, catalogs(*lakes))) as server, raw(server) as client:
        assert client.read(sql).to_pylist() == [{"item": "cheese", "price": 7.0, "id": 3}]


def _with(lake: Lake, properties: dict[str, str]) -> Lake:
    return Lake(lake.name, lake.type, properties, lake.writer, lake.root)
