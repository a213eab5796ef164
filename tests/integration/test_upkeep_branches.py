"""The upkeep of views that were refreshed on a branch."""

from flightlake.cancellation import Cancellation
from flightlake.refresh.asking import Asked
from flightlake.refresh.grammar import parse
from tests.fix_catalogs import orders
from tests.fix_materialized import WRITER, Mill, Mills
from tests.fix_upkeep import everything, keeper, reachable, readable, refreshed


def _on_branch(mill: Mill, sql: str) -> None:
    asked = Asked(WRITER, mill.lake.name, mill.lake.root, "test", Cancellation())
    mill.views.run(parse(sql), asked)


def test_what_a_branch_has_stays_until_the_branch_goes(mills: Mills) -> None:
    kept = refreshed(keeper(mills), times=1)
    mill = kept.mill
    source = "SELECT id, count(*) + 1 AS n FROM orders GROUP BY id"
    _on_branch(mill, f"CREATE OR REPLACE MATERIALIZED VIEW v AS {source}")
    first = mill.table("v").metadata.refs["test"].snapshot_id
    kept.pass_days(1)
    mill.table("orders").append(orders(8))
    _on_branch(mill, "REFRESH MATERIALIZED VIEW v FULL")
    head = mill.table("v").metadata.refs["test"].snapshot_id
    rows = readable(mill, "v")
    kept.pass_days(10)
    kept.kept()
    main = mill.table("v").metadata.current_snapshot_id
    # What leads from the rows of main to the branch is there for whoever reads what has changed.
    assert readable(mill, "v") == {one: rows[one] for one in (main, first, head)}
    assert everything(mill, "v") == reachable(mill, "v")
    _on_branch(mill, "REFRESH MATERIALIZED VIEW v")
    assert mill.table("v").metadata.refs["test"].snapshot_id == head
    mill.table("v").manage_snapshots().remove_branch("test").commit()
    kept.kept()
    assert readable(mill, "v") == {main: rows[main]}
    assert everything(mill, "v") == reachable(mill, "v")
    assert mill.one("REFRESH MATERIALIZED VIEW v")["state"] == "READY"
