"""Small files of views are put together in every catalog that can hold views; dropped views leave
nothing where all that knows of a table can be asked."""

from pathlib import Path

import pytest

from flightlake.cancellation import Cancellation
from flightlake.lake.dropped_files import begin, finish
from flightlake.lake.small_files import Smallness
from flightlake.lake.unreferenced import listed
from flightlake.refresh.compacting import Compactor
from flightlake.refresh.dropped_views import dropped_views, forget
from tests.fix_catalogs import orders
from tests.fix_every_catalog import KINDS, Kind
from tests.fix_materialized import Mills, mills
from tests.fix_upkeep import committed, keeper, verified

__all__ = ["mills"]


_KINDS = [name for name in KINDS if name not in ("sqlite", "hive-3")]
"""Whose kind is not shown elsewhere; it takes seconds each."""


@pytest.mark.parametrize("name", _KINDS)
def test_small_files_are_put_together(name: str, mills: Mills, tmp_path: Path) -> None:
    kind: Kind = KINDS[name]
    kept = keeper(mills, lake=kind.lake(tmp_path))
    mill = kept.mill
    mill.lake.create("orders").append(orders(1, 2))
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    for number in range(3):
        mill.table("orders").append(orders(number))
        assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] in ("APPEND", "FULL")
    mill.run("ALTER MATERIALIZED VIEW v SET (comment = 'a change of properties')")
    before, files = mill.stored("v"), len(list(mill.table("v").scan().plan_files()))
    # By itself: other tests have views in this catalog.
    catalogs = mill.views.jobs.refresher.catalogs
    compactor = Compactor(mill.engine, catalogs, kept.clock, Smallness(least=3))
    done = compactor.compact(mill.catalog, committed(mill, "v"), Cancellation())
    # Where a catalog forgets snapshots, each refresh makes all rows anew, in one file.
    assert (done.files, done.into) == ((files, 1) if files >= 3 else (0, 0))
    assert mill.stored("v") == before
    assert verified(mill).state == "OK"
    # Nessie does not tell what was before the change of properties.
    again = "FULL" if name == "nessie" else "NOOP"
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == again
    mill.table("orders").append(orders(7))
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert len(mill.stored("v")) == len(before) + 1
    uuid = str(mill.table("v").metadata.table_uuid)
    dropped = mill.one("DROP MATERIALIZED VIEW v")
    known = mill.catalog.compares_properties()
    assert (dropped["reason"] == "its files go with the upkeep") == known
    left = [one for one in dropped_views(mill.lake.name, mill.catalog) if one.uuid == uuid]
    assert len(left) == known
    for one in left:
        gone = finish(begin(one.remains, Cancellation()), Cancellation())
        assert (gone.files > 5, gone.failed) == (True, 0)
        assert listed(one.remains.store, one.remains.folder, "what is left") == []
        forget(mill.catalog, one)
    assert uuid not in {one.uuid for one in dropped_views(mill.lake.name, mill.catalog)}
