"""A view of a branch follows the branch, and of a snapshot nothing."""

import pytest

from tests.fix_catalogs import orders
from tests.fix_materialized import Mills
from tests.fix_schedule import shift_on

pytestmark = pytest.mark.usefixtures("writers_stand_still")


def test_a_view_follows_the_branch_that_it_reads(mills: Mills) -> None:
    shift = shift_on(mills)
    table = shift.mill.table("orders")
    first = table.metadata.current_snapshot_id
    assert first is not None
    with table.manage_snapshots() as manage:
        manage.create_branch(first, "b")
    run = shift.mill.run
    run("CREATE MATERIALIZED VIEW v ON CHANGE AS SELECT id FROM orders FOR VERSION AS OF 'b'")
    run(f"CREATE MATERIALIZED VIEW w ON CHANGE AS SELECT id FROM orders FOR VERSION AS OF {first}")
    assert shift.pass_time(10) == []
    shift.append(4)
    assert shift.pass_time(10) == []
    shift.mill.table("orders").append(orders(5, 6), branch="b")
    assert shift.pass_time(10) == ["v change"]
    assert len(shift.mill.stored("v")) == 5
    assert len(shift.mill.stored("w")) == 3
    assert shift.pass_time(100) == []
    with shift.mill.table("orders").manage_snapshots() as manage:
        manage.remove_branch("b")
    assert shift.pass_time(10) == ["v change NotFound"]
