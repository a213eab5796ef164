"""Materialized views through the official ADBC driver: as queries, prepared, and as updates."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import adbc_driver_flightsql.dbapi as dbapi
import adbc_driver_manager
import pytest

from flightlake.auth.passwords import hash_password
from flightlake.auth.users import User, UsersFile
from tests.e2e.conftest import one_sentence
from tests.fix_adbc import adbc, rows
from tests.fix_auth import CHEAP
from tests.fix_catalogs import Lake
from tests.fix_processes import PASSWORD, USER, Server, configure
from tests.fix_served_lake import ORDERS, catalogs, lake_at

READER = "grace"


@dataclass
class Mill:
    """A server that may write to ``lake`` and not to ``annex``."""

    server: Server
    lake: Lake


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mill]:
    folder = tmp_path_factory.mktemp("canary-mill")
    lake, annex = lake_at(folder / "lake"), lake_at(folder / "annex", "annex")
    lake.create("orders", ORDERS.schema).append(ORDERS)
    annex.create("orders", ORDERS.schema).append(ORDERS)
    users = UsersFile(folder / "users.toml")
    users.add(User(USER, hash_password(PASSWORD, CHEAP), frozenset({"writer"})))
    users.add(User(READER, hash_password(PASSWORD, CHEAP), frozenset({"analyst"})))
    writable = {"catalogs": {"lake": {"writable": True}}}
    session = {"session": {"catalog": "lake", "schema": "shop"}}
    with Server(configure(folder, catalogs(lake, annex), writable, session)) as server:
        yield Mill(server, lake)


@pytest.fixture
def connection(mill: Mill) -> Iterator[dbapi.Connection]:
    with adbc(mill.server) as made:
        yield made


def update(connection: dbapi.Connection, sql: str) -> int:
    """Run *sql* as an update, not prepared; return the number of rows that is told."""
    with adbc_driver_manager.AdbcStatement(connection.adbc_connection) as statement:
        statement.set_sql_query(sql)
        return int(statement.execute_update())


def refused(connection: dbapi.Connection, sql: str) -> str:
    with pytest.raises(adbc_driver_manager.Error) as caught:
        rows(connection, sql)
    message = str(caught.value).partition("; ExecuteQuery")[0].partition("\n")[0]
    one_sentence(message)
    return message


def test_a_view_is_made_follows_its_source_and_goes(mill: Mill, connection):
    made = rows(
        connection,
        "CREATE MATERIALIZED VIEW by_item PARTITIONED BY (item) AS"
        " SELECT item, sum(price) AS total FROM orders GROUP BY item;",
    )
    assert [row[:5] for row in made] == [
        ("lake.shop.by_item", "READY", "FULL", "the view was made", 4)
    ]
    assert rows(connection, "SELECT total FROM by_item WHERE item = 'ale'") == [(2.5,)]

    again = rows(connection, "REFRESH MATERIALIZED VIEW by_item")
    assert again[0][2:4] == ("NOOP", "nothing that the view reads has changed")
    assert again[0][5] == made[0][5]  # the snapshot

    source = mill.lake.writer.load_table(("shop", "orders"))
    source.append(ORDERS.slice(0, 1))
    assert update(connection, "REFRESH MATERIALIZED VIEW by_item") == 4
    assert rows(connection, "SELECT total FROM by_item WHERE item = 'ale'") == [(5.0,)]
    source.delete("id = 1")
    assert rows(connection, "REFRESH MATERIALIZED VIEW shop.by_item")[0][2] == "FULL"
    assert rows(connection, "SELECT total FROM by_item WHERE item = 'ale'") == []

    shown = rows(connection, "SHOW MATERIALIZED VIEWS")
    assert [row[:3] for row in shown] == [("lake.shop.by_item", "READY", "FULL")]
    statement = rows(connection, "SHOW CREATE MATERIALIZED VIEW by_item")[0]
    assert statement[1].splitlines()[1] == "PARTITIONED BY (item)"
    assert statement[2:] == ("lake", "shop")
    described = dict(rows(connection, "DESCRIBE MATERIALIZED VIEW by_item"))
    assert described["refresh mode"] == "AUTO"
    assert described["source"].startswith("lake.shop.orders at snapshot ")

    assert rows(connection, "DROP MATERIALIZED VIEW by_item")[0][1] == "DROPPED"
    assert rows(connection, "DROP MATERIALIZED VIEW IF EXISTS by_item")[0][1] == "ABSENT"
    assert "by_item does not exist" in refused(connection, "SELECT * FROM by_item")


def test_views_are_listed_as_what_they_are(connection):
    update(connection, "CREATE MATERIALIZED VIEW listed AS SELECT id FROM orders")
    objects = connection.adbc_get_objects(depth="tables", catalog_filter="lake").read_all()
    (catalog,) = objects.to_pylist()
    found = {
        table["table_name"]: table["table_type"]
        for schema in catalog["catalog_db_schemas"]
        for table in schema["db_schema_tables"]
    }
    assert found["listed"] == "MATERIALIZED VIEW"
    assert found["orders"] == "TABLE"
    assert set(connection.adbc_get_table_types()) >= {"MATERIALIZED VIEW", "TABLE", "VIEW"}
    only = connection.adbc_get_objects(depth="tables", table_types_filter=["TABLE"]).read_all()
    names = {
        table["table_name"]
        for catalog in only.to_pylist()
        for schema in catalog["catalog_db_schemas"]
        for table in schema["db_schema_tables"]
    }
    assert "orders" in names
    assert "listed" not in names
    update(connection, "DROP MATERIALIZED VIEW listed")


def test_preparing_runs_nothing(connection):
    with adbc_driver_manager.AdbcStatement(connection.adbc_connection) as statement:
        statement.set_sql_query("CREATE MATERIALIZED VIEW later AS SELECT 1 AS one")
        statement.prepare()
        assert rows(connection, "SHOW MATERIALIZED VIEWS") == []
        assert statement.execute_update() == 1
    assert rows(connection, "SELECT one FROM later") == [(1,)]
    update(connection, "DROP MATERIALIZED VIEW later")


def test_a_ticket_runs_its_statement_once(mill: Mill, connection):
    with connection.cursor() as cursor:
        partitions, _ = cursor.adbc_execute_partitions(
            "CREATE MATERIALIZED VIEW once AS SELECT 1 AS one"
        )
        assert rows(connection, "SHOW MATERIALIZED VIEWS") == []
        cursor.adbc_read_partition(partitions[0])
        assert cursor.fetchall()[0][1] == "READY"
        with pytest.raises(adbc_driver_manager.Error, match="has been read"):
            cursor.adbc_read_partition(partitions[0])
    update(connection, "DROP MATERIALIZED VIEW once")


def test_only_writers_change_views_and_only_where_the_operator_lets_them(mill: Mill, connection):
    sql = "CREATE MATERIALIZED VIEW {} AS SELECT 1 AS one"
    with adbc(mill.server, username=READER, password=PASSWORD) as reader:
        assert "the role 'writer'" in refused(reader, sql.format("mine"))
        assert "the role 'writer'" in refused(reader, "REFRESH MATERIALIZED VIEW mine")
        assert rows(reader, "SHOW MATERIALIZED VIEWS") == []
    assert "catalogs.annex.writable" in refused(connection, sql.format("annex.shop.mine"))


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("CREATE MATERIALIZED VIEW v AS SELECT now() AS n", "now does not"),
        ("CREATE MATERIALIZED VIEW v AS SELECT * FROM ordres", "did you mean 'orders'"),
        ("CREATE MATERIALIZED VIEW v AS SELECT id, id FROM orders", "id"),
        ('CREATE MATERIALIZED VIEW v AS SELECT id, item AS "ID" FROM orders', "called 'ID'"),
        (
            "CREATE MATERIALIZED VIEW v AS SELECT * FROM orders a JOIN orders b ON a.id = b.id",
            "two columns",
        ),
        ("CREATE MATERIALIZED VIEW v AS SELECT * FROM v", "cannot read itself"),
        ("CREATE MATERIALIZED VIEW v AS SELECT $1 AS n", "no parameters"),
        ("CREATE MATERIALIZED VIEW v AS INSERT INTO orders SELECT 1", "INSERT"),
        ("CREATE MATERIALIZED VIEW v AS SELECT INTERVAL '1' DAY AS i", "not stored"),
        ("CREATE MATERIALIZED VIEW orders AS SELECT 1 AS n", "is a table"),
        ("CREATE MATERIALIZED VIEW nowhere.v AS SELECT 1 AS n", "no schema 'nowhere'"),
        ("CREATE MATERIALIZED VIEW v TARGET_LAG = '1' AS SELECT 1 AS n", "TARGET_LAG"),
        ("REFRESH MATERIALIZED VIEW v", "does not exist"),
        ("REFRESH MATERIALIZED VIEW orders", "is a table"),
        ("DROP MATERIALIZED VIEW orders", "is a table"),
        ("ALTER MATERIALIZED VIEW v SUSPEND", "does not exist"),
        ("CANCEL REFRESH 'x'", "no refresh 'x'"),
        ("CREATE TABLE t (a INT)", "CREATE"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(connection, sql: str, words: str):
    assert words in refused(connection, sql)
    assert rows(connection, "SHOW MATERIALIZED VIEWS") == []


def test_another_server_s_restart_changes_nothing(mill: Mill, connection, tmp_path: Path):
    update(connection, "CREATE MATERIALIZED VIEW kept AS SELECT count(*) AS n FROM orders")
    state = rows(connection, "SHOW MATERIALIZED VIEWS")
    other = configure(tmp_path, catalogs(mill.lake), {"catalogs": {"lake": {"writable": True}}})
    UsersFile(tmp_path / "users.toml").remove(USER)
    UsersFile(tmp_path / "users.toml").add(
        User(USER, hash_password(PASSWORD, CHEAP), frozenset({"writer"}))
    )
    with Server(other) as server, adbc(server) as elsewhere:
        assert rows(elsewhere, "SHOW MATERIALIZED VIEWS") == state
        again = rows(elsewhere, "REFRESH MATERIALIZED VIEW lake.shop.kept")
        assert again[0][2] == "NOOP"
    update(connection, "DROP MATERIALIZED VIEW kept KEEP TABLE")
    assert rows(connection, "SHOW MATERIALIZED VIEWS") == []
    assert len(rows(connection, "SELECT n FROM kept")) == 1
