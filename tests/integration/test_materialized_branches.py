"""Views on branches: what is changed there stays there, until it is merged."""

from dataclasses import replace

import pytest

from flightlake.errors import (
    AlreadyExists,
    Conflict,
    FlightlakeError,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    Unsupported,
)
from flightlake.refresh.service import MaterializedViews
from tests.fix_branches import SILVER, mill, on, read
from tests.fix_catalogs import orders
from tests.fix_materialized import Interrupted, Mill, Mills
from tests.fix_written_catalogs import Unsteady

__all__ = ["mill"]


def test_a_view_changed_on_a_branch_is_as_it_was_on_main(mill: Mill) -> None:
    before = mill.table("silver").metadata
    changed = f"{SILVER.replace('item', '1 AS one')} WHERE id > 1"
    (made,) = on(
        mill, f"CREATE OR REPLACE MATERIALIZED VIEW silver PARTITIONED BY (id) AS {changed}"
    )
    assert (made["state"], made["rows"]) == ("READY", 2)
    after = mill.table("silver").metadata
    assert after.current_snapshot_id == before.current_snapshot_id
    assert after.current_schema_id == before.current_schema_id
    assert after.default_spec_id == before.default_spec_id
    same = {name: text for name, text in after.properties.items() if "@" not in name}
    assert same == before.properties
    assert read(mill, "SELECT * FROM silver ORDER BY id")[0] == (1, "item 1")
    assert read(mill, "SELECT * FROM silver ORDER BY id", "trial") == [(2, 1), (3, 1)]
    assert read(mill, "SELECT * FROM silver FOR VERSION AS OF 'trial' ORDER BY id")[0] == (2, 1)
    assert SILVER in mill.one("SHOW CREATE MATERIALIZED VIEW silver")["statement"]
    assert changed in on(mill, "SHOW CREATE MATERIALIZED VIEW silver")[0]["statement"]
    branch = mill.table("silver").scan().use_ref("trial").to_arrow()
    assert sorted(branch["id"].to_pylist()) == [2, 3]


def test_what_is_downstream_is_refreshed_on_the_branch_and_the_rest_is_read_of_main(
    mill: Mill,
) -> None:
    assert on(mill, "REFRESH MATERIALIZED VIEW gold")[0]["strategy"] == "NOOP"
    assert "trial" not in mill.table("gold").metadata.refs
    on(mill, f"CREATE OR REPLACE MATERIALIZED VIEW silver AS {SILVER} WHERE id < 3")
    assert on(mill, "REFRESH MATERIALIZED VIEW gold")[0]["strategy"] == "FULL"
    assert read(mill, "SELECT * FROM gold") == [(3, 3)]
    assert read(mill, "SELECT * FROM gold", "trial") == [(2, 2)]
    assert on(mill, "REFRESH MATERIALIZED VIEW gold")[0]["strategy"] == "NOOP"

    # New orders come to main; the branch stands still until it is refreshed.
    mill.table("orders").append(orders(0, 9))
    mill.run("REFRESH MATERIALIZED VIEW silver, gold")
    assert read(mill, "SELECT * FROM gold") == [(5, 9)]
    assert read(mill, "SELECT * FROM gold", "trial") == [(2, 2)]
    on(mill, "REFRESH MATERIALIZED VIEW silver, gold")
    assert read(mill, "SELECT * FROM gold") == [(5, 9)]
    assert read(mill, "SELECT * FROM gold", "trial") == [(3, 2)]
    assert on(mill, "VERIFY MATERIALIZED VIEW gold")[0]["state"] == "OK"
    assert mill.one("VERIFY MATERIALIZED VIEW gold")["state"] == "OK"


def test_a_new_view_is_nowhere_but_on_its_branch(mill: Mill) -> None:
    on(mill, "CREATE MATERIALIZED VIEW dear AS SELECT id FROM silver WHERE id = 3")
    assert read(mill, "SELECT * FROM dear", "trial") == [(3,)]
    for branch in ("", "other"):
        with pytest.raises(NotFound, match="is on branch 'trial' only"):
            read(mill, "SELECT * FROM dear", branch)
    names = {row["view"].rpartition(".")[2] for row in on(mill, "SHOW MATERIALIZED VIEWS")}
    assert names == {"silver", "gold", "dear"}
    assert len(mill.run("SHOW MATERIALIZED VIEWS")) == 2
    with pytest.raises(FlightlakeError):
        mill.run("CREATE MATERIALIZED VIEW more AS SELECT id FROM dear")
    with pytest.raises(AlreadyExists, match="is there on branch 'trial'"):
        mill.run("CREATE MATERIALIZED VIEW dear AS SELECT 1 AS one")
    mill.run("MERGE MATERIALIZED VIEW dear FROM BRANCH 'trial'")
    assert read(mill, "SELECT * FROM dear") == [(3,)]
    assert mill.one("REFRESH MATERIALIZED VIEW dear")["strategy"] == "NOOP"


def test_merging_moves_main_forward_without_computing_rows(mill: Mill) -> None:
    changed = f"{SILVER.replace('item', '1 AS one')} WHERE id > 1"
    on(mill, f"CREATE OR REPLACE MATERIALIZED VIEW silver PARTITIONED BY (id) AS {changed}")
    on(mill, "REFRESH MATERIALIZED VIEW gold")
    head = mill.table("silver").metadata.refs["trial"].snapshot_id
    for view in ("silver", "gold"):
        merged = mill.one(f"MERGE MATERIALIZED VIEW {view} FROM BRANCH 'trial'")
        assert merged["strategy"] == "FAST_FORWARD"
        metadata = mill.table(view).metadata
        assert list(metadata.refs) == ["main"]
        assert [name for name in metadata.properties if "@" in name] == []
    assert mill.table("silver").metadata.current_snapshot_id == head
    assert mill.stored("silver") == [{"id": 2, "one": 1}, {"id": 3, "one": 1}]
    statement = mill.one("SHOW CREATE MATERIALIZED VIEW silver")["statement"]
    assert changed in statement
    assert "PARTITIONED BY (id)" in statement
    assert "TARGET_LAG" in mill.one("SHOW CREATE MATERIALIZED VIEW gold")["statement"]
    for row in mill.run("REFRESH MATERIALIZED VIEW silver, gold"):
        assert row["strategy"] == "NOOP", row
    mill.table("orders").append(orders(7))
    mill.run("REFRESH MATERIALIZED VIEW silver, gold")
    assert read(mill, "SELECT * FROM gold") == [(3, 7)]


def test_merging_makes_rows_anew_where_main_has_moved(mill: Mill) -> None:
    on(
        mill,
        f"CREATE OR REPLACE MATERIALIZED VIEW silver TARGET_LAG = '7 s' AS {SILVER} WHERE id > 1",
    )
    mill.table("orders").append(orders(7))
    mill.run("REFRESH MATERIALIZED VIEW silver")
    merged = mill.one("MERGE MATERIALIZED VIEW silver FROM BRANCH 'trial'")
    assert (merged["strategy"], merged["rows"]) == ("FULL", 3)
    assert "main has moved since branch 'trial' was made" in merged["reason"]
    metadata = mill.table("silver").metadata
    assert list(metadata.refs) == ["main"]
    assert [name for name in metadata.properties if "@" in name] == []
    assert "7 seconds" in mill.one("SHOW CREATE MATERIALIZED VIEW silver")["statement"]
    assert mill.one("REFRESH MATERIALIZED VIEW silver")["strategy"] == "NOOP"


def test_settings_changed_on_a_branch_come_with_it(mill: Mill) -> None:
    on(mill, "ALTER MATERIALIZED VIEW silver SET (target_lag = '9 s')")
    assert "TARGET_LAG" not in mill.one("SHOW CREATE MATERIALIZED VIEW silver")["statement"]
    assert "9 s" in on(mill, "SHOW CREATE MATERIALIZED VIEW silver")[0]["statement"]
    assert mill.one("MERGE MATERIALIZED VIEW silver FROM BRANCH 'trial'")["rows"] == 3
    assert "9 s" in mill.one("SHOW CREATE MATERIALIZED VIEW silver")["statement"]


def test_dropping_on_a_branch_takes_the_branch_away(mill: Mill) -> None:
    on(mill, f"CREATE OR REPLACE MATERIALIZED VIEW silver AS {SILVER} WHERE id > 1")
    on(mill, "DROP MATERIALIZED VIEW silver")
    assert list(mill.table("silver").metadata.refs) == ["main"]
    assert len(read(mill, "SELECT * FROM silver", "trial")) == 3
    with pytest.raises(Unsupported, match="is as on main"):
        on(mill, "DROP MATERIALIZED VIEW silver")
    for branch in ("trial", "other"):
        if branch == "trial":
            on(mill, "CREATE MATERIALIZED VIEW dear AS SELECT 1 AS one", branch)
    on(mill, "DROP MATERIALIZED VIEW dear")
    assert mill.catalog.tables(mill.lake.root) == ["gold", "orders", "silver"]


def test_somebody_else_s_change_meanwhile_wins(mills: Mills) -> None:
    mill = mills(Interrupted)
    mill.lake.create("orders").append(orders(1))
    mill.run(f"CREATE MATERIALIZED VIEW silver AS {SILVER}")
    table = mill.lake.writer.load_table((mill.lake.root, "silver"))
    mill.catalog.before = lambda: table.append(orders(5))
    with pytest.raises(Conflict):
        on(mill, f"CREATE OR REPLACE MATERIALIZED VIEW silver AS {SILVER} WHERE id > 1")
    assert list(mill.table("silver").metadata.refs) == ["main"]
    on(mill, f"CREATE OR REPLACE MATERIALIZED VIEW silver AS {SILVER} WHERE id > 1")
    table.refresh()
    mill.catalog.before = lambda: table.append(orders(6))
    with pytest.raises(Conflict):
        mill.run("MERGE MATERIALIZED VIEW silver FROM BRANCH 'trial'")
    assert "trial" in mill.table("silver").metadata.refs
    assert mill.one("MERGE MATERIALIZED VIEW silver FROM BRANCH 'trial'")["strategy"] == "FULL"


class _Uncompared(Unsteady):
    def compares_properties(self) -> bool:
        return False


def test_a_catalog_without_branches_stands_in_no_other_s_way(mill: Mill) -> None:
    jobs, name = mill.views.jobs, mill.lake.name
    catalogs = {name: mill.catalog, "plain": _Uncompared(mill.catalog)}
    views = replace(jobs.views, catalogs=catalogs, writable=frozenset(catalogs))
    both = replace(mill, views=MaterializedViews(replace(jobs, views=views)))
    shown = {row["view"] for row in on(both, "SHOW MATERIALIZED VIEWS")}
    assert shown == {f"{name}.{mill.lake.root}.{view}" for view in ("silver", "gold")}
    there = f"plain.{mill.lake.root}"
    create = f"CREATE MATERIALIZED VIEW {there}.v AS SELECT 1 AS one"
    for sql in (f"SHOW MATERIALIZED VIEWS IN {there}", create):
        with pytest.raises(Unsupported, match="cannot hold branches"):
            on(both, sql)


def test_branches_that_are_not_a_view_s_are_left_alone(mill: Mill) -> None:
    head = mill.table("silver").metadata.current_snapshot_id
    assert head is not None
    mill.table("silver").manage_snapshots().create_tag(head, "tagged").commit()
    mill.table("silver").manage_snapshots().create_branch(head, "foreign").commit()
    with pytest.raises(PreconditionFailed, match="tag 'tagged'"):
        on(mill, f"CREATE OR REPLACE MATERIALIZED VIEW silver AS {SILVER} WHERE id > 1", "tagged")
    with pytest.raises(PreconditionFailed, match="not made as a view's"):
        mill.run("MERGE MATERIALIZED VIEW silver FROM BRANCH 'foreign'")
    with pytest.raises(NotFound, match="no branch 'nowhere'"):
        mill.run("MERGE MATERIALIZED VIEW silver FROM BRANCH 'nowhere'")
    with pytest.raises(NotFound, match="no branch 'trial'"):
        mill.run("MERGE MATERIALIZED VIEW nowhere FROM BRANCH 'trial'")
    for name in ("a@b", "", " ", "x" * 101):
        if name:
            with pytest.raises(InvalidRequest, match="cannot be a branch"):
                on(mill, "SHOW MATERIALIZED VIEWS", name)
    with pytest.raises(PreconditionFailed, match="into main"):
        on(mill, "MERGE MATERIALIZED VIEW silver FROM BRANCH 'trial'")
    with pytest.raises(Unsupported, match="on main only"):
        on(mill, "ALTER MATERIALIZED VIEW silver RENAME TO other")
    with pytest.raises(Unsupported, match="on main only"):
        on(mill, "DROP MATERIALIZED VIEW silver KEEP TABLE")
    assert on(mill, "SHOW MATERIALIZED VIEWS", "main") == mill.run("SHOW MATERIALIZED VIEWS")
