"""``flightlake apply --branch`` and ``flightlake merge`` against a running server."""

from pathlib import Path
from typing import Any

from tests.fix_adbc import adbc, rows
from tests.fix_project import LAKE, Works, write
from tests.fix_served_lake import ORDERS

BRANCH = "adbc.flight.sql.session.option.branch"
DEARER = "SELECT item, total FROM lake.silver.items WHERE total > 4"


def on_branch(works: Works, sql: str) -> list[tuple[Any, ...]]:
    with adbc(works.server) as connection:
        connection.adbc_connection.set_options(**{BRANCH: "trial"})
        return rows(connection, sql)


def merge(works: Works, branch: str = "trial") -> tuple[int, str, str]:
    ended = works.run(works.server, "merge", branch, "--yes")
    return ended.code, ended.out, ended.err


def test_only_what_changes_is_built_on_a_branch_until_it_is_merged(works: Works) -> None:
    works.apply()
    before = works.snapshots()
    write(works.folder, {"lake/gold/dear.sql": DEARER, "lake/gold/new.sql": "SELECT * FROM best"})
    planned = works.changes("--branch", "trial")
    assert list(planned) == [
        "replace lake.gold.dear",
        "refresh lake.gold.best",
        "create lake.gold.new",
    ]
    assert works.apply("--branch", "trial").code == 0
    assert works.changes("--branch", "trial") == {}
    assert works.snapshots() == before
    assert works.rows("SELECT count(*) FROM lake.gold.dear") == [(2,)]
    assert on_branch(works, "SELECT count(*) FROM lake.gold.dear") == [(1,)]
    assert on_branch(works, "SELECT * FROM lake.gold.new") == [(7.0,)]
    branches = "SELECT name FROM lake.{} ORDER BY name"
    assert works.rows(branches.format('silver."items$refs"')) == [("main",)]
    assert works.rows(branches.format('gold."best$refs"')) == [("main",), ("trial",)]

    code, out, err = merge(works)
    assert code == 0, err
    assert out.count(" moved forward") == 3
    assert works.rows("SELECT * FROM lake.gold.new") == [(7.0,)]
    assert works.changes() == {}
    assert works.rows(branches.format('gold."best$refs"')) == [("main",)]
    assert "no materialized view has a branch 'trial'" in merge(works)[2]


def test_what_main_did_meanwhile_is_not_lost_by_a_merge(works: Works) -> None:
    works.apply()
    write(works.folder, {"lake/gold/dear.sql": DEARER})
    assert works.apply("--branch", "trial").code == 0
    works.lake.writer.load_table(("shop", "orders")).append(ORDERS.slice(2, 1))  # cheese
    works.rows("REFRESH MATERIALIZED VIEW lake.silver.items, lake.gold.dear, lake.gold.best")
    assert works.rows("SELECT total FROM lake.gold.best") == [(14.0,)]

    code, out, err = merge(works)
    assert code == 0, err
    assert "lake.gold.dear made anew, as main has moved" in out
    assert works.rows("SELECT * FROM lake.gold.dear") == [("cheese", 14.0)]
    assert works.rows("SELECT total FROM lake.gold.best") == [(14.0,)]
    assert works.changes() == {}
    shown = works.rows("VERIFY MATERIALIZED VIEW lake.gold.best")
    assert shown[0][1] == "OK"


def test_a_branch_that_failed_half_way_is_gone_on_with(works: Works) -> None:
    works.apply()
    write(
        works.folder,
        {
            "lake/gold/dear.sql": DEARER,
            "lake/gold/best.sql": "SELECT max(CAST(item AS INT)) AS total FROM dear",
        },
    )
    stopped = works.apply("--branch", "trial")
    assert stopped.code == 1
    assert "lake.gold.best could not be made anew" in stopped.err
    assert works.rows("SELECT count(*) FROM lake.gold.dear") == [(2,)]
    write(works.folder, {"lake/gold/best.sql": LAKE["lake/gold/best.sql"]})
    assert list(works.changes("--branch", "trial")) == ["refresh lake.gold.best"]
    assert works.apply("--branch", "trial").code == 0
    assert on_branch(works, "SELECT total FROM lake.gold.best") == [(7.0,)]
    assert merge(works)[0] == 0
    assert works.changes() == {}


def test_main_is_no_branch_of_its_own(works: Works) -> None:
    assert works.apply("--branch", "main").code == 0
    assert works.plan("--branch", "main", "--prune").code == 0
    assert works.changes() == {}
    assert works.rows("SELECT count(*) FROM lake.gold.dear") == [(2,)]
    code, _, err = merge(works, "main")
    assert (code, "views are merged into main" in err) == (1, True)


def test_what_cannot_be_done_on_a_branch_is_said(works: Works, tmp_path: Path) -> None:
    refused = works.plan("--branch", "trial", "--prune")
    assert (refused.code, "--prune drops views of main" in refused.err) == (1, True)
    misnamed = works.plan("--branch", "a@b")
    assert (misnamed.code, misnamed.err.count("cannot be a branch")) == (1, 1)  # not of each file
    assert ".sql" not in misnamed.err
    nobody = works.run(works.server, "merge", "trial")
    assert (nobody.code, "give --yes" in nobody.err) == (1, True)
