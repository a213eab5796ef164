"""The system tables of real servers, through the official ADBC driver."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as dbapi
import adbc_driver_manager
import pytest

from flightlake.auth.passwords import hash_password
from flightlake.auth.users import User, UsersFile
from flightlake.engine.system_tables import SCHEMAS, SYSTEM
from tests.fix_adbc import adbc, rows
from tests.fix_auth import CHEAP
from tests.fix_catalogs import Lake
from tests.fix_processes import PASSWORD, USER, Server, configure, settled
from tests.fix_served_lake import ORDERS, catalogs, lake_at

READER, ADMIN = "grace", "root"
REFRESHES = "SELECT name, trigger, user_name, strategy FROM flightlake_system.refresh_history"


@dataclass
class Mill:
    """Servers that may write to ``lake``, and their users."""

    folder: Path
    lake: Lake
    server: Server

    def another(self, name: str) -> Server:
        """Return one more server on the same lake, with the same users."""
        return Server(configured(self.folder, self.lake, f"{name}.toml"))


def configured(folder: Path, lake: Lake, name: str = "flightlake.toml") -> Path:
    writable = {"catalogs": {"lake": {"writable": True}}}
    session = {"session": {"catalog": "lake", "schema": "shop"}, "logging": {"sql_text": True}}
    state = {"state": {"directory": str(folder / f"state-{name}")}}
    return configure(folder, catalogs(lake), writable, session, state, name=name)


@contextmanager
def mill_in(folder: Path) -> Iterator[Mill]:
    lake = lake_at(folder / "lake")
    lake.create("orders", ORDERS.schema).append(ORDERS)
    users = UsersFile(folder / "users.toml")
    for name, role in ((USER, "writer"), (READER, "analyst"), (ADMIN, "admin")):
        users.add(User(name, hash_password(PASSWORD, CHEAP), frozenset({role})))
    with Server(configured(folder, lake)) as server:
        yield Mill(folder, lake, server)


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mill]:
    """A server that goes on."""
    with mill_in(tmp_path_factory.mktemp("mill")) as made:
        yield made


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Mill]:
    """A server that a test may end."""
    with mill_in(tmp_path) as made:
        yield made


@pytest.fixture
def ada(mill: Mill) -> Iterator[dbapi.Connection]:
    with adbc(mill.server) as connection:
        yield connection


def seen_by(server: Server, user: str, sql: str) -> list[tuple[Any, ...]]:
    with adbc(server, username=user, password=PASSWORD) as connection:
        return rows(connection, sql)


def made(connection: dbapi.Connection, name: str) -> None:
    rows(
        connection,
        f"CREATE MATERIALIZED VIEW {name} AS SELECT item, count(*) AS n FROM orders GROUP BY item",
    )


def test_statements_are_seen_by_who_sent_them_and_by_admins(
    mill: Mill, ada: dbapi.Connection
) -> None:
    rows(ada, "SELECT 'canary of ada'")
    mine = f"SELECT sql_text, state, status, rows FROM {SYSTEM}.queries WHERE state = 'ENDED'"
    assert ("SELECT 'canary of ada'", "ENDED", "OK", 1) in rows(ada, mine)
    users = f"SELECT DISTINCT user_name FROM {SYSTEM}.queries"
    assert rows(ada, users) == [(USER,)]
    assert seen_by(mill.server, READER, users) == [(READER,)]
    assert not [row for row in seen_by(mill.server, READER, mine) if "canary" in row[0]]
    assert {row[0] for row in seen_by(mill.server, ADMIN, users)} == {USER, READER, ADMIN}
    sessions = f"SELECT user_name, statements > 0 FROM {SYSTEM}.sessions"
    assert set(rows(ada, sessions)) == {(USER, True)}
    assert {row[0] for row in seen_by(mill.server, ADMIN, sessions)} == {USER, READER, ADMIN}


def test_no_token_or_password_is_shown(mill: Mill, ada: dbapi.Connection) -> None:
    with pytest.raises(adbc_driver_manager.Error):
        seen_by(mill.server, USER + "x", "SELECT 1")
    for table in ("queries", "sessions"):
        told = repr(seen_by(mill.server, ADMIN, f"SELECT * FROM {SYSTEM}.{table}"))
        assert PASSWORD not in told
        assert "ey" + "J" not in told  # how tokens begin


def test_views_and_what_they_read_are_shown(mill: Mill, ada: dbapi.Connection) -> None:
    made(ada, "by_item")
    sql = (
        "SELECT catalog, schema, name, owner, state, strategy, rows, bytes > 0, refresh_status,"
        f" refresh_ended >= refresh_started, version FROM {SYSTEM}.materialized_views"
        " WHERE name = 'by_item'"
    )
    (row,) = rows(ada, sql)
    assert row[:7] == ("lake", "shop", "by_item", USER, "READY", "FULL", 4)
    assert row[7:] == (True, "OK", True, 1)
    sql = (
        "SELECT d.source_name, d.source_kind, d.source_state, d.recorded_snapshot_id ="
        f" d.current_snapshot_id, v.rows FROM {SYSTEM}.mv_dependencies d"
        f" JOIN {SYSTEM}.materialized_views v USING (catalog, schema, name)"
        " WHERE d.name = 'by_item'"
    )
    assert rows(ada, sql) == [("orders", "TABLE", "CURRENT", True, 4)]
    mill.lake.writer.load_table("shop.orders").append(ORDERS)
    assert rows(ada, sql) == [("orders", "TABLE", "CHANGED", False, 4)]
    with pytest.raises(adbc_driver_manager.Error, match="no snapshots"):
        rows(ada, f"CREATE MATERIALIZED VIEW copy AS SELECT name FROM {SYSTEM}.materialized_views")


def test_the_scheduler_shows_what_it_sees_and_does(mill: Mill, ada: dbapi.Connection) -> None:
    rows(ada, "CREATE MATERIALIZED VIEW soon TARGET_LAG = '2 seconds' AS SELECT id FROM orders")
    mill.lake.writer.load_table("shop.orders").append(ORDERS)
    mine = "name = 'soon' AND trigger = 'lag' AND status = 'OK' AND lag_seconds >= 0"
    sql = f"SELECT user_name, strategy FROM {SYSTEM}.refresh_history WHERE {mine}"
    settled(lambda: rows(ada, sql), "the view was refreshed by itself")
    assert rows(ada, sql)[0][0] is None
    lags = f"SELECT target_lag_seconds, lag_seconds FROM {SYSTEM}.materialized_views"
    sql = f"{lags} WHERE name = 'soon'"
    settled(lambda: rows(ada, sql) == [(2.0, 0.0)], "the view has no lag")
    settled(
        lambda: mill.server.metric("mv_refreshes_total", trigger="lag", status="OK") >= 1,
        "it is counted",
    )
    told = 'flightlake_mv_lag_seconds{view="lake.shop.soon"}'
    settled(lambda: told in mill.server.probe("/metrics")[1], "the lag is a metric")
    settled(
        lambda: [line for line in mill.server.events("refresh") if line["trigger"] == "lag"],
        "it is told of",
    )


def test_they_are_in_all_listings(ada: dbapi.Connection) -> None:
    objects = ada.adbc_get_objects(depth="tables", catalog_filter="lake").read_all().to_pylist()
    schemas = {one["db_schema_name"]: one for one in objects[0]["catalog_db_schemas"]}
    listed = {(one["table_name"], one["table_type"]) for one in schemas[SYSTEM]["db_schema_tables"]}
    assert listed == {(name, "SYSTEM TABLE") for name in SCHEMAS}
    for name, schema in SCHEMAS.items():
        found = ada.adbc_get_table_schema(name, db_schema_filter=SYSTEM)
        assert found.names == schema.names
        assert [row[0] for row in rows(ada, f"DESCRIBE {SYSTEM}.{name}")] == schema.names


def test_the_history_outlives_its_servers_and_is_of_all(mortal: Mill) -> None:
    table = (SYSTEM, "refresh_history")
    expected = ("one", "create", USER, "FULL")
    with adbc(mortal.server) as ada:
        made(ada, "one")
        assert rows(ada, REFRESHES) == [expected]  # before it is stored
        settled(lambda: mortal.lake.writer.table_exists(table), "the history is stored")
        rows(ada, "REFRESH MATERIALIZED VIEW one")
        assert len(rows(ada, REFRESHES)) == 2
    mortal.server.kill()
    assert mortal.lake.writer.load_table(table).scan().to_arrow().num_rows == 1
    with mortal.another("second") as second, mortal.another("third") as third:
        assert seen_by(second, USER, REFRESHES) == [expected]  # what was not stored is lost
        with adbc(second) as ada:
            rows(ada, "REFRESH MATERIALIZED VIEW one")
        with adbc(third) as ada:
            made(ada, "two")
            rows(ada, "REFRESH MATERIALIZED VIEW one, two")
        third.signal(signal.SIGTERM)
        assert third.wait() == 0
        assert seen_by(second, READER, f"{REFRESHES} ORDER BY started") == [
            expected,
            ("one", "statement", USER, "NOOP"),
            ("two", "create", USER, "FULL"),
            ("one", "statement", USER, "NOOP"),
            ("two", "statement", USER, "NOOP"),
        ]
        servers = f"SELECT count(DISTINCT server) FROM {SYSTEM}.refresh_history"
        assert seen_by(second, READER, servers) == [(3,)]
    assert len(mortal.lake.writer.load_table(table).scan().to_arrow()) >= 4
