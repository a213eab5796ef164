"""The upkeep of views by a server and by hand; VERIFY as clients send it."""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import adbc_driver_manager
import pytest

from flightlake.auth.passwords import hash_password
from flightlake.auth.users import User, UsersFile
from flightlake.cancellation import Cancellation
from flightlake.cli import main, maintain
from flightlake.refresh.maintenance import Maintained, Maintenance
from tests.fix_adbc import adbc, rows
from tests.fix_auth import CHEAP
from tests.fix_catalogs import Lake
from tests.fix_processes import PASSWORD, USER, Server, configure, settled
from tests.fix_served_lake import ORDERS, catalogs, lake_at

TWO_DAYS = 2 * 24 * 3600


@dataclass
class Mill:
    """A server that may write to ``lake``, and looks after it every second."""

    server: Server
    lake: Lake
    config: Path

    def stray(self, view: str) -> Path:
        """Return a file that a refresh of *view* might have left two days ago."""
        location = self.lake.writer.load_table((self.lake.root, view)).location()
        path = Path(location.removeprefix("file://")) / f"data/{time.time_ns():032x}/0.parquet"
        path.parent.mkdir()
        path.write_bytes(b"stray")
        os.utime(path, (time.time() - TWO_DAYS,) * 2)
        return path


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mill]:
    folder = tmp_path_factory.mktemp("canary-upkeep")
    lake = lake_at(folder / "lake")
    lake.create("orders", ORDERS.schema).append(ORDERS)
    users = UsersFile(folder / "users.toml")
    users.add(User(USER, hash_password(PASSWORD, CHEAP), frozenset({"writer"})))
    writable = {"catalogs": {"lake": {"writable": True}}}
    session = {"session": {"catalog": "lake", "schema": "shop"}}
    refresh = {"refresh": {"upkeep_every": "1s", "compact_every": "1s", "compact_files": 3}}
    config = configure(folder, catalogs(lake), writable, session, refresh)
    with Server(config) as server:
        with adbc(server) as connection:
            rows(connection, "CREATE MATERIALIZED VIEW v AS SELECT id, price FROM orders")
        yield Mill(server, lake, config)


def told_of(server: Server, view: str) -> list[dict[str, Any]]:
    return [line for line in server.events("upkeep") if line["view"] == view]


def test_a_server_deletes_what_refreshes_left_and_says_so(mill: Mill) -> None:
    stray = mill.stray("v")
    settled(lambda: not stray.exists(), "the stray file is gone")
    settled(
        lambda: mill.server.metric("mv_files_deleted_total", why="unreferenced") == 1,
        "it is counted",
    )
    settled(lambda: told_of(mill.server, "lake.shop.v"), "it is told")
    (line,) = told_of(mill.server, "lake.shop.v")
    assert (line["status"], line["unreferenced"]) == ("OK", 1)
    with adbc(mill.server) as connection:
        assert rows(connection, "SELECT count(*) FROM v") == [(4,)]


def test_it_can_be_done_by_hand(mill: Mill, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["maintain", "--config", str(mill.config)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "lake.shop.v: 0 snapshots expired, 0 files of theirs deleted, 0 unreferenced files deleted"
    ]


def test_what_fails_by_hand_has_a_line_and_the_code_is_1(
    mill: Mill, capsys: pytest.CaptureFixture[str]
) -> None:
    with adbc(mill.server) as connection:
        rows(connection, "CREATE MATERIALIZED VIEW broken AS SELECT id FROM orders")
        table = mill.lake.writer.load_table((mill.lake.root, "broken"))
        snapshot = table.current_snapshot()
        assert snapshot is not None
        Path(snapshot.manifest_list.removeprefix("file://")).unlink()
        mill.stray("broken")
        assert main(["maintain", "--config", str(mill.config)]) == 1
        told = capsys.readouterr().out.splitlines()[0]
        assert told.startswith("lake.shop.broken: ")
        assert told.endswith("failed: a manifest list of table lake.shop.broken is missing")
        rows(connection, "DROP MATERIALIZED VIEW broken")


def test_ctrl_c_ends_it_by_hand(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def endless(self: Maintenance, call: Cancellation) -> list[Maintained]:
        cancelled = threading.Event()
        call.on_cancel(cancelled.set)
        calls.append(cancelled.wait(600))
        return []

    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Maintenance, "run", endless)
    monkeypatch.setattr(maintain, "wait", interrupted)
    assert main(["maintain", "--config", str(mill.config)]) == 130
    assert calls == [True]


def test_verify_is_sent_as_a_query_prepared_and_as_an_update(mill: Mill) -> None:
    with adbc(mill.server) as connection:
        (row,) = rows(connection, "VERIFY MATERIALIZED VIEW v")
        assert row[:2] == ("lake.shop.v", "OK")
        mill.lake.writer.load_table((mill.lake.root, "v")).delete("id = 1")
        (row,) = rows(connection, "VERIFY MATERIALIZED VIEW v")
        assert (row[1], row[3:7]) == ("DIFFERENT", (3, 1, 0, "missing: id=1, price=2.5"))
        with adbc_driver_manager.AdbcStatement(connection.adbc_connection) as statement:
            statement.set_sql_query("VERIFY MATERIALIZED VIEW v REPAIR")
            assert statement.execute_update() == 4
        (row,) = rows(connection, "VERIFY MATERIALIZED VIEW v;")
        assert row[1] == "OK"


def test_a_server_puts_small_files_together_and_says_so(mill: Mill) -> None:
    mill.lake.create("sales", ORDERS.schema).append(ORDERS)
    with adbc(mill.server) as connection:
        rows(connection, "CREATE MATERIALIZED VIEW many AS SELECT id FROM sales")
        for _ in range(3):
            mill.lake.writer.load_table((mill.lake.root, "sales")).append(ORDERS)
            rows(connection, "REFRESH MATERIALIZED VIEW many")
        settled(
            lambda: mill.server.metric("mv_files_compacted_total") >= 3,
            "the files are put together",
        )
        assert rows(connection, "SELECT count(*) FROM many") == [(4 * len(ORDERS),)]
        found = [line for line in mill.server.events("upkeep") if line["view"] == "lake.shop.many"]
        assert found[0]["status"] == "OK"
        assert found[0]["compacted"] >= 3
        assert found[0]["compacted_into"] == 1
        (dropped,) = rows(connection, "DROP MATERIALIZED VIEW many")
        assert "its files go with the upkeep" in dropped
