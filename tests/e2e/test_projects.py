"""``flightlake plan`` and ``apply`` against a running server."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as dbapi
import pytest

from flightlake.auth.passwords import hash_password
from flightlake.auth.users import User, UsersFile
from tests.fix_adbc import adbc, rows
from tests.fix_auth import CHEAP
from tests.fix_catalogs import Lake
from tests.fix_processes import PASSWORD, USER, Server, configure
from tests.fix_project import LAKE, Ended, Run, write
from tests.fix_served_lake import ORDERS, catalogs, lake_at


@dataclass
class Works:
    """A server that may write to ``lake``, and the folder of a project for it."""

    server: Server
    lake: Lake
    folder: Path
    connection: dbapi.Connection
    run: Run

    def plan(self, *words: str) -> Ended:
        return self.run(self.server, "plan", self.folder, *words)

    def changes(self, *words: str) -> dict[str, dict[str, Any]]:
        """Return what the plan does, by ``kind view``."""
        ended = self.plan("--json", *words)
        assert ended.code == 0, ended
        return {f"{one['kind']} {one['view']}": one for one in ended.document["changes"]}

    def problems(self, *words: str) -> list[tuple[str, int | None, int | None, str]]:
        ended = self.plan("--json", *words)
        assert (ended.code, ended.err) == (1, ""), ended
        return [
            (one["path"], one["line"], one["column"], one["message"])
            for one in ended.document["problems"]
        ]

    def apply(self, *words: str) -> Ended:
        return self.run(self.server, "apply", self.folder, "--yes", *words)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return rows(self.connection, sql)

    def snapshots(self) -> dict[str, int]:
        shown = self.rows("SHOW MATERIALIZED VIEWS")
        return {row[0]: row[5] for row in shown}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Lake]]:
    folder = tmp_path_factory.mktemp("canary-works")
    lake = lake_at(folder / "lake")
    lake.create("orders", ORDERS.schema).append(ORDERS)
    lake.create("stock", ORDERS.schema)
    for name in ("silver", "gold"):
        lake.writer.create_namespace(name)
    UsersFile(folder / "users.toml").add(
        User(USER, hash_password(PASSWORD, CHEAP), frozenset({"writer"}))
    )
    writable = {"catalogs": {"lake": {"writable": True}}}
    with Server(configure(folder, catalogs(lake), writable)) as server:
        yield server, lake


@pytest.fixture
def works(served: tuple[Server, Lake], tmp_path: Path, project_run: Run) -> Iterator[Works]:
    server, lake = served
    folder = write(tmp_path / "works", LAKE)
    with adbc(server) as connection:
        made = Works(server, lake, folder, connection, project_run)
        yield made
        for view, *_ in reversed(made.rows("SHOW MATERIALIZED VIEWS")):
            made.rows(f"DROP MATERIALIZED VIEW IF EXISTS {view} CASCADE")


def test_a_plan_changes_nothing_and_apply_does_what_it_says_once(works: Works) -> None:
    assert list(works.changes()) == [
        "create lake.silver.items",
        "create lake.gold.dear",
        "create lake.gold.best",
    ]
    assert works.plan("--exit-code").code == 3
    assert works.snapshots() == {}

    applied = works.apply()
    assert applied.code == 0, applied
    assert applied.out.count(" made, ") == 3
    assert works.rows("SELECT total FROM lake.gold.best") == [(7.0,)]
    assert works.changes() == {}
    assert works.plan("--exit-code").code == 0
    before = works.snapshots()
    assert "3 unchanged" in works.apply().out
    assert works.snapshots() == before


def test_only_what_changes_its_meaning_is_made_anew(works: Works) -> None:
    works.apply()
    before = works.snapshots()
    write(
        works.folder,
        {
            "lake/silver/items.sql": "-- comment: what was ordered\n-- target_lag: 300 s\n\n"
            "select ITEM, SUM( price ) as total, /* how many */ count(*) orders\n"
            "  from lake.shop.orders group by (item);\n"
        },
    )
    assert works.changes() == {}

    write(works.folder, {"lake/gold/dear.sql": "SELECT item, total FROM items_ WHERE total > 3"})
    assert works.problems() == [
        ("lake/gold/best.sql", 1, 33, "not checked, as it reads lake.gold.dear, with which"
         " something is wrong"),
        ("lake/gold/dear.sql", 1, 25, "table lake.gold.items_ does not exist"),
    ]  # fmt: skip
    write(
        works.folder,
        {"lake/gold/dear.sql": "SELECT item, total FROM lake.silver.items WHERE total > 4"},
    )
    changes = works.changes()
    assert list(changes) == ["replace lake.gold.dear", "refresh lake.gold.best"]
    assert changes["replace lake.gold.dear"]["reasons"] == ["its query changes"]
    assert changes["replace lake.gold.dear"]["rows"] == 2
    assert changes["refresh lake.gold.best"]["bytes"] > 0
    assert works.apply().code == 0
    after = works.snapshots()
    assert after["lake.silver.items"] == before["lake.silver.items"]
    assert after["lake.gold.dear"] != before["lake.gold.dear"]
    assert works.rows("SELECT * FROM lake.gold.dear") == [("cheese", 7.0)]
    assert works.changes() == {}


def test_changes_of_columns_are_told_apart(works: Works) -> None:
    works.apply()
    write(
        works.folder,
        {
            "lake/silver/items.sql": "SELECT item, sum(price) AS total, 1 AS one"
            " FROM lake.shop.orders GROUP BY item",
            "lake/gold/dear.sql": "SELECT *, 'x' AS mark FROM lake.silver.items WHERE total > 3",
        },
    )
    changes = works.changes()
    columns = changes["replace lake.silver.items"]["columns"]
    assert columns["added"] == [{"name": "one", "type": "long"}]
    assert columns["removed"] == [{"name": "orders", "type": "long"}]
    assert columns["breaking"]
    assert not changes["replace lake.gold.dear"]["columns"]["breaking"]
    assert [one["name"] for one in changes["replace lake.gold.dear"]["columns"]["added"]] == [
        "one",
        "mark",
    ]
    assert "BREAKING" in works.plan().out

    # What a star stands for changes with the columns of what is read.
    works.apply()
    write(works.folder, {"lake/silver/items.sql": LAKE["lake/silver/items.sql"]})
    assert works.changes()["replace lake.gold.dear"]["columns"]["removed"] == [
        {"name": "one", "type": "long"}
    ]
    write(
        works.folder,
        {
            "lake/silver/items.sql": "SELECT item, count(*) AS total"
            " FROM lake.shop.orders GROUP BY item"
        },
    )
    retyped = works.changes()["replace lake.gold.best"]
    assert retyped["reasons"] == ["what it reads has other columns than before"]
    assert retyped["columns"]["retyped"] == [{"name": "total", "before": "double", "after": "long"}]


def test_settings_change_without_new_rows_but_for_partitions(works: Works) -> None:
    works.apply()
    before = works.snapshots()
    items = LAKE["lake/silver/items.sql"]
    assert items is not None
    write(
        works.folder,
        {
            "lake/silver/items.sql": items.replace("target_lag: 5 minutes", "refresh_mode: full"),
            "lake/gold/best.sql": "-- on_change: at most every 1 minute\n-- priority: 7\n"
            "SELECT max(total) AS total FROM dear",
        },
    )
    changes = works.changes()
    assert list(changes) == ["settings lake.silver.items", "settings lake.gold.best"]
    assert works.apply().code == 0
    assert works.snapshots() == before
    assert works.changes() == {}
    shown = works.rows("SHOW CREATE MATERIALIZED VIEW lake.gold.best")[0][1]
    assert "ON CHANGE AT MOST EVERY '1 minute'" in shown
    write(works.folder, {"lake/silver/items.sql": "-- partitioned_by: item\n" + items})
    change = works.changes()["replace lake.silver.items"]
    assert change["reasons"] == ["its partitions change"]


def test_all_that_is_wrong_is_told_at_once_with_its_place(works: Works) -> None:
    write(
        works.folder,
        {
            "lake/gold/a.sql": "-- target_lagg: 5 minutes\n-- refresh_mode: sometimes\n"
            "\nSELECT totl FROM dear",
            "lake/gold/b.sql": "SELECT * FROM dear JOIN c USING (total)",
            "lake/gold/c.sql": "SELECT * FROM b",
            "lake/gold/d.sql": "SELECT item\nFROM dear WHERE total >> >",
            "lake/gold/e.sql": "SELECT 1 AS a\nFROM lake.shop.ordres -- ordres",
            "lake/gold/f.sql": "SELECT item + 1 AS x\nFROM dear",
            "lake/gold/g.sql": "SELECT item, total AS item FROM dear",
            "lake/gold/h.sql": "\n\nSELECT now() AS n",
            "lake/gold/i.sql": "-- partitioned_by: month(nope)\nSELECT item FROM dear",
            "lake/gold/j.sql": "SELECT total FROM j",
            "lake/gold/k.sql": "SELECT total FROM c",
            "lake/gold/l.sql": "-- schedule: every 5 apples\n-- target_lag: soon\n"
            "-- target_lag: 1 h\nSELECT 1 AS one",
            "lake/gold/m.sql": "-- partitioned_by: a) AS SELECT (1\nSELECT 1 AS a",
            "lake/gold/n.sql": "-- refresh_mode: full\n",
            "lake/gold/twice.sql": "SELECT 1 AS a; SELECT 2 AS b",
            "lake/shop/stock.sql": "SELECT 1 AS a",
            "lake/nowhere/p.sql": "SELECT 1 AS a",
            "elsewhere/gold/q.sql": "SELECT 1 AS a",
            "lake/r.sql": "SELECT 1 AS a",
            "lake/bronze/inventory/s.sql": "SELECT 1 AS a",
            "lake/bronze.inventory/s.sql": "SELECT 1 AS a",
        },
    )
    found = works.problems()
    places = {(path, line, column) for path, line, column, _ in found}
    words = {(path, line): message for path, line, _, message in found}
    for path, line, column, said in [
        ("lake/gold/a.sql", 1, 4, "did you mean 'target_lag'?"),
        ("lake/gold/a.sql", 2, None, "AUTO or FULL is expected"),
        ("lake/gold/a.sql", 4, 8, "did you mean 'total'?"),
        ("lake/gold/b.sql", 1, 25, "lake.gold.b → lake.gold.c → lake.gold.b"),
        ("lake/gold/d.sql", 2, 26, "syntax error"),
        ("lake/gold/e.sql", 2, 16, "did you mean 'orders'?"),
        ("lake/gold/f.sql", 1, None, "Cannot coerce"),
        ("lake/gold/h.sql", 3, None, "now does not"),
        ("lake/gold/i.sql", 1, None, "no column 'nope'"),
        ("lake/gold/j.sql", 1, 19, "reads itself"),
        ("lake/gold/k.sql", 1, 19, "not checked, as it reads lake.gold.c"),
        ("lake/gold/l.sql", 1, None, "'5 apples'"),
        ("lake/gold/l.sql", 2, None, "'soon'"),
        ("lake/gold/l.sql", 3, 4, "given in line 2 already"),
        ("lake/gold/m.sql", 1, 4, "a list such as month(day)"),
        ("lake/gold/n.sql", None, None, "holds no query"),
        ("lake/shop/stock.sql", 1, None, "is a table"),
        ("lake/nowhere/p.sql", 1, None, "no schema 'nowhere'"),
        ("elsewhere/gold/q.sql", 1, None, "catalog 'elsewhere' does not exist"),
        ("lake/r.sql", None, None, "catalog/schema/name.sql"),
        ("lake/bronze.inventory/s.sql", None, None, "is also made by"),
    ]:
        assert said in words[path, line], path
        assert (path, line, column) in places, (path, line, column, places)
    assert any(path == "lake/gold/g.sql" for path, *_ in places)
    assert ("lake/gold/twice.sql", 1, 14) in places
    assert works.snapshots() == {}

    told = works.apply()
    assert told.code == 1
    assert "lake/gold/e.sql:2:16: table lake.shop.ordres does not exist" in told.err
    assert works.snapshots() == {}


def test_an_apply_that_fails_stops_there_and_the_next_goes_on(works: Works) -> None:
    write(
        works.folder,
        {"lake/gold/dear.sql": "SELECT CAST(item AS INT) AS item, total FROM lake.silver.items"},
    )
    stopped = works.apply()
    assert stopped.code == 1
    assert "lake.gold.dear could not be made: " in stopped.err
    assert "(1 done before it, 1 not begun; " in stopped.err
    assert "Traceback" not in stopped.err
    assert list(works.snapshots()) == ["lake.silver.items"]

    write(works.folder, {"lake/gold/dear.sql": LAKE["lake/gold/dear.sql"]})
    assert list(works.changes()) == ["create lake.gold.dear", "create lake.gold.best"]
    assert works.apply().code == 0
    assert works.changes() == {}


def test_what_an_interrupted_apply_left_behind_is_refreshed_by_the_next(works: Works) -> None:
    works.apply()
    statement = works.rows("SHOW CREATE MATERIALIZED VIEW lake.gold.dear")[0][1]
    changed = statement.replace("CREATE", "CREATE OR REPLACE").replace("> 3", "> 3.5")
    assert works.rows(changed)[0][1] == "READY"
    write(
        works.folder,
        {"lake/gold/dear.sql": "SELECT item, total FROM lake.silver.items WHERE total > 3.5"},
    )
    changes = works.changes()
    assert list(changes) == ["refresh lake.gold.best"]
    assert changes["refresh lake.gold.best"]["reasons"] == [
        "its rows are of an earlier definition of lake.gold.dear"
    ]
    assert works.apply().code == 0
    assert works.changes() == {}
    # New rows of a source are no change of the project.
    works.lake.writer.load_table(("shop", "orders")).append(ORDERS.slice(0, 1))
    assert works.changes() == {}


def test_views_without_a_file_go_only_if_that_is_asked_for(works: Works) -> None:
    works.apply()
    works.rows("CREATE MATERIALIZED VIEW lake.gold.by_hand AS SELECT 1 AS one")
    write(works.folder, {"lake/gold/dear.sql": None, "lake/gold/best.sql": None})
    assert list(works.changes()) == ["leave lake.gold.best", "leave lake.gold.dear"]
    assert works.plan("--exit-code").code == 0
    assert "--prune drops it" in works.plan().out
    assert works.apply().code == 0
    assert len(works.snapshots()) == 4

    write(works.folder, {"lake/gold/reader.sql": "SELECT total FROM dear"})
    assert works.problems("--prune") == [
        ("lake/gold/reader.sql", 1, 19, "it reads lake.gold.dear, which would be dropped, as no"
         " file makes it any more")
    ]  # fmt: skip
    write(works.folder, {"lake/gold/reader.sql": None})
    assert list(works.changes("--prune")) == ["drop lake.gold.best", "drop lake.gold.dear"]
    assert works.apply("--prune").code == 0
    assert sorted(works.snapshots()) == ["lake.gold.by_hand", "lake.silver.items"]


def test_views_of_other_projects_are_left_to_them(works: Works) -> None:
    works.apply()
    assert works.problems("--project", "other")[0][3] == (
        "lake.gold.best is a view of the project 'works'; give yours another name"
    )
    write(works.folder, dict.fromkeys(LAKE))
    write(works.folder, {"lake/gold/mine.sql": "SELECT 1 AS one"})
    assert list(works.changes("--project", "other", "--prune")) == ["create lake.gold.mine"]


def test_nothing_is_done_without_somebody_s_yes(works: Works) -> None:
    refused = works.run(works.server, "apply", works.folder)
    assert (refused.code, refused.out) == (1, "")
    assert "give --yes" in refused.err
    assert works.snapshots() == {}


def test_a_folder_that_is_no_project_is_refused_in_a_sentence(works: Works, tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        ended = works.run(works.server, "plan", folder / "nothing")
        assert ended.code == 1
        assert "there is no folder" in ended.err
    (tmp_path / "empty").mkdir()
    assert "holds no views" in works.run(works.server, "plan", tmp_path / "empty").err
