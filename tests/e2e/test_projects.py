"""``flightlake plan`` and ``apply`` against a running server."""

from pathlib import Path

from tests.fix_processes import settled
from tests.fix_project import LAKE, Works, write
from tests.fix_served_lake import ORDERS


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


def test_an_apply_that_is_killed_is_gone_on_with(works: Works) -> None:
    killed = works.start("apply", works.folder, "--yes")
    assert killed.stdout is not None
    assert any("lake.silver.items made" in line for line in killed.stdout)
    killed.kill()
    killed.communicate()
    # The server may be at the next statement still, and be first with it.
    settled(lambda: works.apply().code == 0, "an apply that succeeds")
    assert works.changes() == {}
    assert works.rows("SELECT total FROM lake.gold.best") == [(7.0,)]


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
    works.rows("CREATE MATERIALIZED VIEW lake.gold.theirs AS SELECT total FROM lake.gold.best")
    changes = works.changes("--prune")
    assert list(changes) == ["drop lake.gold.best", "drop lake.gold.dear"]
    assert "lake.gold.theirs cannot be refreshed" in changes["drop lake.gold.best"]["reasons"][1]
    assert len(changes["drop lake.gold.dear"]["reasons"]) == 1
    works.rows("DROP MATERIALIZED VIEW lake.gold.theirs")
    assert works.apply("--prune").code == 0
    assert sorted(works.snapshots()) == ["lake.gold.by_hand", "lake.silver.items"]


def test_a_view_that_is_called_like_a_word_of_sql_goes_as_well(works: Works) -> None:
    write(works.folder, {"lake/gold/select.sql": "SELECT total FROM best"})
    works.apply()
    assert works.changes() == {}
    write(works.folder, {"lake/gold/select.sql": None})
    assert list(works.changes("--prune")) == ["drop lake.gold.select"]
    assert works.apply("--prune").code == 0
    assert "lake.gold.select" not in works.snapshots()


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
    for typed in ("\n", "no\n", ""):
        asked = works.run(works.server, "apply", works.folder, typed=typed)
        assert asked.code == 1
        assert asked.out.endswith("Do this, 3 changes? [y/N] nothing was done\n")
    assert works.snapshots() == {}
    assert works.run(works.server, "apply", works.folder, typed="y\n").code == 0
    assert len(works.snapshots()) == 3


def test_a_folder_that_is_no_project_is_refused_in_a_sentence(works: Works, tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        ended = works.run(works.server, "plan", folder / "nothing")
        assert ended.code == 1
        assert "there is no folder" in ended.err
    (tmp_path / "empty").mkdir()
    assert "holds no views" in works.run(works.server, "plan", tmp_path / "empty").err
