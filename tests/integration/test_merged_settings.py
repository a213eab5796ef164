"""A merge takes what the branch has changed of a view, and leaves what main has."""

import pytest

from flightlake.errors import InvalidRequest
from tests.fix_branches import SILVER, mill, on
from tests.fix_catalogs import orders
from tests.fix_materialized import Mill

__all__ = ["mill"]


def made_by(mill: Mill, view: str) -> str:
    return str(mill.one(f"SHOW CREATE MATERIALIZED VIEW {view}")["statement"])


def state(mill: Mill, view: str) -> str:
    rows = mill.run("SHOW MATERIALIZED VIEWS")
    return next(str(row["state"]) for row in rows if row["view"].endswith(f".{view}"))


@pytest.mark.parametrize("moved", [False, True])
def test_what_main_has_changed_since_stays_where_the_branch_has_not_changed_it(
    mill: Mill, moved: bool
) -> None:
    on(mill, "ALTER MATERIALIZED VIEW gold SET (priority = 3)")
    on(mill, f"CREATE OR REPLACE MATERIALIZED VIEW silver AS {SILVER} WHERE id > 1")
    on(mill, "REFRESH MATERIALIZED VIEW gold")
    mill.run("ALTER MATERIALIZED VIEW gold SET (target_lag = '3 s', refresh_mode = FULL)")
    mill.run("ALTER MATERIALIZED VIEW silver SET (comment = 'of main')")
    for view in ("gold", "silver"):
        mill.run(f"ALTER MATERIALIZED VIEW {view} SUSPEND")
    if moved:
        mill.table("orders").append(orders(7))
        mill.run("REFRESH MATERIALIZED VIEW silver, gold")
    for view in ("silver", "gold"):
        merged = mill.one(f"MERGE MATERIALIZED VIEW {view} FROM BRANCH 'trial'")
        assert (merged["strategy"] == "FAST_FORWARD") is not moved
        assert state(mill, view) == "SUSPENDED(by a user)"
        properties = mill.table(view).metadata.properties
        assert [name for name in properties if "@" in name or ".was." in name] == []
    gold, silver = made_by(mill, "gold"), made_by(mill, "silver")
    assert "'3 seconds'" in gold
    assert "priority = 3" in gold
    assert "REFRESH_MODE = FULL" in gold
    assert "COMMENT 'of main'" in silver
    assert "WHERE id > 1" in silver


def test_main_is_no_branch_of_its_own(mill: Mill) -> None:
    on(mill, "ALTER MATERIALIZED VIEW gold SET (comment = 'x')", "main")
    assert "COMMENT 'x'" in made_by(mill, "gold")
    with pytest.raises(InvalidRequest, match="views are merged into main"):
        mill.run("MERGE MATERIALIZED VIEW gold FROM BRANCH 'main'")


def test_what_both_have_changed_is_as_on_the_branch(mill: Mill) -> None:
    on(mill, "ALTER MATERIALIZED VIEW gold SET (target_lag = DOWNSTREAM, comment = 'here')")
    mill.run("ALTER MATERIALIZED VIEW gold SET (target_lag = '3 s', comment = 'there')")
    mill.run("MERGE MATERIALIZED VIEW gold FROM BRANCH 'trial'")
    gold = made_by(mill, "gold")
    assert "TARGET_LAG = DOWNSTREAM" in gold
    assert "COMMENT 'here'" in gold


def test_a_view_that_was_suspended_and_goes_on_by_now_is_not_suspended_by_a_merge(
    mill: Mill,
) -> None:
    mill.run("ALTER MATERIALIZED VIEW gold SUSPEND")
    on(mill, "ALTER MATERIALIZED VIEW gold SET (comment = 'here')")
    mill.run("ALTER MATERIALIZED VIEW gold RESUME")
    mill.run("MERGE MATERIALIZED VIEW gold FROM BRANCH 'trial'")
    assert state(mill, "gold") == "READY"
    on(mill, "ALTER MATERIALIZED VIEW gold SUSPEND")
    mill.run("ALTER MATERIALIZED VIEW gold SET (comment = 'there')")
    mill.run("MERGE MATERIALIZED VIEW gold FROM BRANCH 'trial'")
    assert state(mill, "gold") == "SUSPENDED(by a user)"
    assert "COMMENT 'there'" in made_by(mill, "gold")


def test_a_query_that_main_has_changed_since_stays_if_the_branch_was_only_refreshed(
    mill: Mill,
) -> None:
    mill.table("orders").append(orders(7))
    on(mill, "REFRESH MATERIALIZED VIEW silver")
    mill.run(f"CREATE OR REPLACE MATERIALIZED VIEW silver AS {SILVER} WHERE id > 1")
    assert mill.one("MERGE MATERIALIZED VIEW silver FROM BRANCH 'trial'")["strategy"] == "FULL"
    assert "WHERE id > 1" in made_by(mill, "silver")
    assert len(mill.stored("silver")) == 3
