"""Upkeep of views that somebody else changes at the same time."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from flightlake.cancellation import Cancellation
from flightlake.lake.commits import Refused
from flightlake.lake.expiry import expire
from flightlake.names import TableIdentifier
from tests.fix_catalogs import orders, rest_lake, sqlite_lake
from tests.fix_materialized import Mills
from tests.fix_upkeep import (
    committed,
    everything,
    keeper,
    reachable,
    readable,
    refreshed,
    unchanged,
)


def test_a_view_that_was_refreshed_while_others_took_their_time_is_looked_after_all_the_same(
    mills: Mills,
) -> None:
    kept = refreshed(keeper(mills))
    mill, refreshes = kept.mill, [1]
    kept.pass_days(10)
    mill.table("orders").append(orders(9))

    def refreshed_meanwhile(view: TableIdentifier) -> bool:
        if refreshes:
            refreshes.pop()
            mill.run("REFRESH MATERIALIZED VIEW v")
        return False

    (done,) = kept.run(busy=refreshed_meanwhile)
    assert done.failure is None
    assert done.expired.snapshots == 3  # the fourth was current when it began
    assert len(readable(mill, "v")) == 2
    assert everything(mill, "v") == reachable(mill, "v")


@pytest.mark.component("iceberg-rest")
@pytest.mark.parametrize("moment", ["while it is read", "as it expires"])
def test_a_snapshot_that_is_named_in_a_rest_catalog_meanwhile_keeps_its_files(
    mills: Mills, moment: str
) -> None:
    mill = mills(lake=rest_lake())
    mill.lake.create("orders").append(orders(1, 2))
    mill.run("CREATE MATERIALIZED VIEW year AS SELECT id FROM orders")
    for _ in range(2):
        mill.run("REFRESH MATERIALIZED VIEW year FULL")
    view = committed(mill, "year")
    first, second, _ = (snapshot.snapshot_id for snapshot in view.metadata.snapshots)
    named = mill.table("year").snapshot_by_id(first)
    assert named is not None
    files = [manifest.manifest_path for manifest in named.manifests(mill.table("year").io)]

    def name_it() -> None:
        mill.table("year").manage_snapshots().create_tag(first, "year-end").commit()

    class NamedMeanwhile:
        """The catalog, and somebody who names a snapshot right before a commit."""

        def __getattr__(self, name: str) -> Any:
            return getattr(mill.catalog, name)

        def attempt(self, *change: Any) -> Any:
            name_it()
            return mill.catalog.attempt(*change)

    catalog: Any = NamedMeanwhile()
    if moment == "while it is read":
        name_it()
        catalog = mill.catalog
    with pytest.raises(Refused):
        expire(catalog, view, [first, second], Cancellation())
    assert [path for path in files if Path(path.removeprefix("file://")).exists()] == files
    tagged = "year-end" in mill.table("year").refs()
    assert tagged == (moment == "while it is read")


@pytest.mark.parametrize("by_another_way", [False, True])
def test_a_table_that_two_catalogs_know_is_left_alone(
    mills: Mills, tmp_path: Path, by_another_way: bool
) -> None:
    (tmp_path / "twin").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    twin = sqlite_lake(tmp_path / "twin")
    kept = refreshed(keeper(mills, more={twin.name: twin.open()}))
    mill = kept.mill
    there = mill.table("v").metadata_location
    if by_another_way:
        text = Path(there.removeprefix("file://")).read_text()
        there = f"file://{tmp_path}/twin/00000-{uuid.uuid4()}.metadata.json"
        linked = text.replace(str(tmp_path), f"{tmp_path}/link")
        Path(there.removeprefix("file://")).write_text(linked)
    twin.writer.register_table((twin.root, "v"), there)
    kept.pass_days(10)
    with unchanged(mill, "v"):
        done = kept.run()
    assert len(done) == 2
    assert all("two catalogs" in str(one.failure) for one in done)
