"""Views that servers refresh by themselves: within their lag, over a restart, and between two."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as dbapi
import adbc_driver_manager
import pytest

from flightlake.auth.passwords import hash_password
from flightlake.auth.users import User, UsersFile
from tests.fix_adbc import adbc, rows
from tests.fix_auth import CHEAP
from tests.fix_catalogs import Lake
from tests.fix_processes import PASSWORD, USER, Server, configure, settled
from tests.fix_served_lake import ORDERS, catalogs, lake_at

COUNT = "SELECT count(*) AS n FROM orders"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = lake_at(tmp_path / "lake")
    made.create("orders", ORDERS.schema).append(ORDERS)
    return made


def serve(folder: Path, lake: Lake, **refresh: Any) -> Server:
    users = UsersFile(folder / "users.toml")
    folder.mkdir(exist_ok=True)
    if not (folder / "users.toml").exists():
        users.add(User(USER, hash_password(PASSWORD, CHEAP), frozenset({"writer"})))
    session = {"session": {"catalog": "lake", "schema": "shop"}}
    writable = {"catalogs": {"lake": {"writable": True}}, "refresh": refresh}
    return Server(configure(folder, catalogs(lake), writable, session))


@contextmanager
def served(folder: Path, lake: Lake, **refresh: Any) -> Iterator[tuple[Server, dbapi.Connection]]:
    with serve(folder, lake, **refresh) as server, adbc(server) as connection:
        yield server, connection


def more(lake: Lake) -> None:
    lake.writer.load_table(("shop", "orders")).append(ORDERS.slice(0, 1))


def shown(connection: dbapi.Connection, view: str) -> int:
    return int(rows(connection, f"SELECT n FROM {view}")[0][0])


def state(connection: dbapi.Connection, view: str) -> str:
    return str(rows(connection, f"SHOW MATERIALIZED VIEWS LIKE '{view}'")[0][1])


def test_a_view_follows_inserts_within_its_lag_and_its_reader_after_it(
    tmp_path: Path, lake: Lake
) -> None:
    with served(tmp_path / "s", lake) as (server, connection):
        rows(connection, f"CREATE MATERIALIZED VIEW v TARGET_LAG = '6 seconds' AS {COUNT}")
        rows(connection, "CREATE MATERIALIZED VIEW g ON CHANGE AS SELECT n FROM v")
        rows(connection, f"CREATE MATERIALIZED VIEW still AS {COUNT}")
        count, in_time = 4, 0
        while in_time < 3 and count < 34:  # a busy machine may be late now and then
            more(lake)
            count += 1
            began = time.monotonic()
            settled(lambda count=count: shown(connection, "v") == count, "v to follow")
            in_time += time.monotonic() - began < 6
            settled(lambda count=count: shown(connection, "g") == count, "g to follow")
        assert in_time == 3
        assert shown(connection, "still") == 4
        settled(lambda: in_time_by_themselves(server) >= 3, "the refreshes to be told of")
        rows(connection, "ALTER MATERIALIZED VIEW v SUSPEND")
        assert state(connection, "v") == "SUSPENDED(by a user)"
        assert state(connection, "g") == "UPSTREAM_STALE(lake.shop.v)"
        more(lake)
        rows(connection, f"CREATE MATERIALIZED VIEW w ON CHANGE AS {COUNT}")
        more(lake)
        settled(lambda: shown(connection, "w") == count + 2, "w to follow")
        assert shown(connection, "v") == count
        rows(connection, "ALTER MATERIALIZED VIEW v RESUME")
        settled(lambda: shown(connection, "g") == count + 2, "v and g to catch up")


def in_time_by_themselves(server: Server) -> int:
    """Return how many refreshes began for a lag, before it was over."""
    told = [one for one in server.events("refresh") if one["trigger"] == "lag"]
    return sum(one["late"] is False for one in told)


def test_a_server_that_is_told_not_to_refreshes_nothing_by_itself_but_what_it_is_asked_for(
    tmp_path: Path, lake: Lake
) -> None:
    pairs = "range(2000000) a, range(2000000) b WHERE a.value + calm.id < b.value"
    lake.create("calm", ORDERS.schema)
    with served(tmp_path / "s", lake, enabled=False) as (server, connection):
        rows(connection, f"CREATE MATERIALIZED VIEW v SCHEDULE = 'every 1 second' AS {COUNT}")
        rows(
            connection, f"CREATE MATERIALIZED VIEW slow AS SELECT count(*) AS n FROM calm, {pairs}"
        )
        more(lake)
        (told,) = rows(connection, "REFRESH MATERIALIZED VIEW v ASYNC")
        assert told[1] in ("QUEUED", "RUNNING")
        settled(lambda: shown(connection, "v") == 5, "what is asked for to be done")
        settled(lambda: len(server.events("refresh")) == 3, "the end of it to be told")
        assert server.events("refresh")[-1]["refresh_id"] == told[-1]
        # 2,000,000,000,000 pairs take longer than anybody waits.
        lake.writer.load_table(("shop", "calm")).append(ORDERS.slice(0, 1))
        (told,) = rows(connection, "REFRESH MATERIALIZED VIEW slow ASYNC")
        (ended,) = rows(connection, f"CANCEL REFRESH '{told[-1]}'")
        assert ended[:2] == ("lake.shop.slow", "CANCELLED")
        settled(lambda: len(server.events("refresh")) == 4, "the refresh to end")
        last = server.events("refresh")[-1]
        assert (last["refresh_id"], last["status"]) == (told[-1], "CANCELLED")
        assert shown(connection, "slow") == 0
        with pytest.raises(adbc_driver_manager.Error, match="no refresh"):
            rows(connection, f"CANCEL REFRESH '{told[-1]}'")
        assert {one["trigger"] for one in server.events("refresh")} == {"create", "statement"}


def test_a_restart_keeps_policies_and_catches_up(tmp_path: Path, lake: Lake) -> None:
    with served(tmp_path / "s", lake) as (server, connection):
        for name, policy in (("v", "ON CHANGE"), ("s", "ON CHANGE"), ("e", "")):
            rows(connection, f"CREATE MATERIALIZED VIEW {name} {policy} AS {COUNT}")
        rows(connection, "ALTER MATERIALIZED VIEW s SUSPEND")
        rows(connection, "ALTER MATERIALIZED VIEW e SET (schedule = 'every 2 seconds')")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    more(lake)
    with served(tmp_path / "s", lake) as (_, connection):
        settled(lambda: shown(connection, "v") == shown(connection, "e") == 5, "both to catch up")
        assert shown(connection, "s") == 4
        assert state(connection, "s") == "SUSPENDED(by a user)"


def refreshed(server: Server, trigger: str = "change") -> set[str]:
    found = server.events("refresh")
    return {one["view"] for one in found if one["trigger"] == trigger}


def test_two_servers_share_the_views_and_one_takes_over_when_the_other_is_killed(
    tmp_path: Path, lake: Lake
) -> None:
    sharing = {"ownership": "catalog", "catalog": "lake", "heartbeat": "500ms"}
    names = [f"v{number}" for number in range(4)]
    with ExitStack() as stack:
        one, connection = stack.enter_context(served(tmp_path / "a", lake, instance="a", **sharing))
        two, _ = stack.enter_context(served(tmp_path / "b", lake, instance="b", **sharing))
        for name in names:
            rows(connection, f"CREATE MATERIALIZED VIEW {name} ON CHANGE AS {COUNT}")

        def all_show(count: int) -> bool:
            return all(shown(connection, name) == count for name in names)

        wanted = 4

        def both_work() -> bool:
            nonlocal wanted
            more(lake)
            wanted += 1
            settled(lambda: all_show(wanted), f"all views to show {wanted}")
            return bool(refreshed(one) and refreshed(two))

        settled(both_work, "both servers to refresh views")

        def told() -> int:
            """Return how many refreshes were told of: at least one of each view for each row."""
            settled(lambda: events() >= 4 * (wanted - 3), "all refreshes to be told of")
            return events()

        def events() -> int:
            return len(one.events("refresh")) + len(two.events("refresh"))

        for _ in range(30):
            before = told()
            both_work()
            if told() == before + 4:  # each was refreshed by one of them
                break
        else:  # where a server was taken for dead on a busy machine, it may be both, for once
            raise AssertionError("several refresh the same views")
        two.kill()
        more(lake)
        settled(lambda: all_show(wanted + 1), "one server to take over all views")
