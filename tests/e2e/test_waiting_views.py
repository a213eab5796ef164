"""Views that wait for their first rows, through a real client and in projects."""

import adbc_driver_manager
import pytest

from tests.fix_processes import settled
from tests.fix_project import LAKE, Works, write

LATER = "-- initialize: on_schedule\n"


def state(works: Works, view: str) -> str:
    return str(works.rows(f"SHOW MATERIALIZED VIEWS IN lake.silver LIKE '{view}'")[0][1])


def test_no_client_reads_a_view_before_its_schedule_made_its_rows(works: Works) -> None:
    items = LAKE["lake/silver/items.sql"].replace(
        "target_lag: 5 minutes", "initialize: on_schedule"
    )
    write(works.folder, {"lake/silver/items.sql": items})
    (problem,) = works.problems()
    assert problem[:2] == ("lake/gold/dear.sql", 1)
    assert "initialize: on_schedule" in problem[3]
    gold = [name for name in LAKE if name.startswith("lake/gold")]
    write(works.folder, {name: LATER + LAKE[name] for name in gold})
    assert works.apply().code == 0
    assert works.changes() == {}
    assert state(works, "items") == "INITIALIZING"
    for sql in ("SELECT * FROM lake.silver.items", "SELECT count(*) FROM lake.gold.best"):
        with pytest.raises(adbc_driver_manager.Error, match="has not been initialized yet"):
            works.rows(sql)
    works.rows("ALTER MATERIALIZED VIEW lake.silver.items SET (on_change = TRUE)")
    settled(lambda: state(works, "items") == "READY", "the first rows")
    assert len(works.rows("SELECT * FROM lake.silver.items")) > 0
    assert works.rows("REFRESH MATERIALIZED VIEWS IN lake.gold")
    assert works.rows("SELECT total FROM lake.gold.best") == [(7.0,)]
    assert list(works.changes()) == ["settings lake.silver.items"]


def test_on_a_branch_views_of_a_project_are_made_with_their_rows(works: Works) -> None:
    write(works.folder, {name: LATER + text for name, text in LAKE.items()})
    assert works.apply("--branch", "trial").code == 0
    assert works.rows("SHOW MATERIALIZED VIEWS") == []
    (row,) = works.rows("ON BRANCH 'trial' SHOW MATERIALIZED VIEWS IN lake.silver")
    assert row[1] == "READY"
