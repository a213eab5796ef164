"""Upkeep where files are in object stores, and where catalogs are others."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flightlake.cancellation import Cancellation
from flightlake.clock import ManualClock
from flightlake.errors import Unsupported
from flightlake.lake.unreferenced import remove_unreferenced
from tests.fix_catalogs import Lake, orders, postgresql_lake, rest_lake, s3_lake
from tests.fix_every_store import azure_lake, google_lake
from tests.fix_materialized import Mill, Mills
from tests.fix_server import Recorder
from tests.fix_upkeep import DAY, Keeper, committed, stray_files, written_aside


def _keeper(mills: Mills, lake: Lake) -> Keeper:
    clock = ManualClock(datetime.now(UTC))
    return Keeper(mills(lake=lake, clock=clock), clock, Recorder())


def _refreshed(mill: Mill, times: int) -> None:
    mill.lake.create("orders").append(orders(1, 2))
    mill.run("CREATE MATERIALIZED VIEW v PARTITIONED BY (id) AS SELECT id FROM orders")
    for number in range(times):
        mill.table("orders").append(orders(3 + number))
        mill.run("REFRESH MATERIALIZED VIEW v FULL")


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(s3_lake, marks=pytest.mark.component("s3"), id="s3"),
        pytest.param(google_lake, marks=pytest.mark.component("fake-gcs"), id="google"),
        pytest.param(azure_lake, marks=pytest.mark.component("azurite"), id="azure"),
        pytest.param(postgresql_lake, marks=pytest.mark.component("postgresql"), id="postgresql"),
    ],
)
def test_snapshots_expire_and_strays_go(
    mills: Mills, tmp_path: Path, make: Callable[[Path], Lake]
) -> None:
    kept = _keeper(mills, make(tmp_path))
    mill = kept.mill
    _refreshed(mill, times=2)
    strays = written_aside(mill, "v", 3)
    assert strays <= stray_files(mill, "v")
    kept.clock.advance(3 * DAY)
    done = kept.kept()["v"]
    assert (done.expired.snapshots, done.unreferenced.files) == (2, 3)
    assert done.expired.deleted.failed == 0
    assert stray_files(mill, "v") == set()
    assert mill.stored("v") == [{"id": number} for number in (1, 2, 3, 4)]
    assert len(mill.table("v").snapshots()) == 1


@pytest.mark.component("iceberg-rest")
def test_a_rest_catalog_expires_snapshots_and_keeps_its_strays(mills: Mills) -> None:
    kept = _keeper(mills, rest_lake())
    mill = kept.mill
    _refreshed(mill, times=2)
    kept.clock.advance(3 * DAY)
    done = kept.kept()["v"]
    assert (done.expired.snapshots, done.unreferenced.files) == (2, 0)
    assert len(mill.table("v").snapshots()) == 1
    assert len(mill.stored("v")) == 4
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
    with pytest.raises(Unsupported, match="maintenance of the catalog"):
        remove_unreferenced(
            mill.catalog, committed(mill, "v"), kept.clock.now(), DAY, Cancellation()
        )
