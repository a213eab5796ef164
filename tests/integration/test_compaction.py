"""Small files of views are put together: the same rows in fewer files, and nobody is misled."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.types import LongType

from flightlake.cancellation import Cancellation
from flightlake.errors import InternalError
from flightlake.lake import small_files
from flightlake.lake.small_files import Smallness
from flightlake.names import TableIdentifier
from flightlake.refresh.compacting import Compactor
from flightlake.refresh.finding import read_view
from flightlake.refresh.view_rows import Seen, of_refresh
from flightlake.telemetry import MaintenanceFinished
from tests.fix_catalogs import orders
from tests.fix_materialized import Mills, mills
from tests.fix_upkeep import Keeper, everything, keeper, reachable, readable, verified

__all__ = ["mills"]

FOUR = Smallness(least=4)
SOURCE = pa.schema([("id", pa.int64()), ("day", pa.date32()), ("name", pa.string())])


def crowded(kept: Keeper, files: int = 5, view: str = "SELECT id FROM orders") -> Keeper:
    """Make ``v``, which gets a file by each of some refreshes; return *kept*."""
    mill = kept.mill
    mill.lake.create("orders").append(orders(1, 2))
    mill.run(f"CREATE MATERIALIZED VIEW v AS {view}")
    for number in range(files - 1):
        mill.table("orders").append(orders(number, 9))
        assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "APPEND"
    return kept


def live(kept: Keeper, view: str = "v") -> int:
    """Return how many data files the head of *view* has."""
    return len(list(kept.mill.table(view).scan().plan_files()))


def test_many_small_files_become_one_with_the_same_rows(mills: Mills) -> None:
    kept = crowded(keeper(mills, small=FOUR))
    mill = kept.mill
    before = readable(mill, "v")
    done = kept.compacted()["v"]
    assert (done.files, done.into) == (5, 1)
    assert live(kept) == 1
    after = readable(mill, "v")
    head = mill.table("v").metadata.current_snapshot_id
    assert done.snapshot == head
    assert head is not None
    assert after.pop(head) == list(before.values())[-1]
    assert after == before
    assert verified(mill).state == "OK"
    (fact,) = kept.observed.of(MaintenanceFinished)
    assert (fact.compacted, fact.compacted_into, fact.status) == (5, 1, "OK")
    assert kept.compacted()["v"].snapshot is None


def test_manifests_are_put_together_too(mills: Mills) -> None:
    kept = crowded(keeper(mills, small=FOUR), files=6)
    table = kept.mill.table("v")
    snapshot = table.current_snapshot()
    assert snapshot is not None
    assert len(snapshot.manifests(table.io)) == 6
    assert kept.compacted()["v"].manifests == 4  # one lists the files that went
    kept.mill.table("orders").append(orders(7))
    kept.mill.run("REFRESH MATERIALIZED VIEW v")
    table = kept.mill.table("v")
    snapshot = table.current_snapshot()
    assert snapshot is not None
    assert len(snapshot.manifests(table.io)) == 2


def test_fewer_files_than_are_many_stay_as_they_are(mills: Mills) -> None:
    kept = crowded(keeper(mills, small=FOUR), files=3)
    assert kept.compacted()["v"].snapshot is None
    assert live(kept) == 3


def test_large_files_stay_as_they_are(mills: Mills) -> None:
    kept = crowded(keeper(mills, small=Smallness(least=4, below=100, manifest_bytes=100)))
    assert kept.compacted()["v"].snapshot is None


@pytest.mark.parametrize(
    "term",
    ["day", "month(day)", "day(day)", "name", "bucket(2, id)", "truncate(1, name)", "id"],
)
def test_partitions_keep_to_themselves(mills: Mills, term: str) -> None:
    kept = keeper(mills, small=FOUR)
    mill = kept.mill
    source = mill.lake.create("facts", SOURCE)

    def rows(first: int) -> pa.Table:
        days = [None if number == 1 else 20_000 + 40 * number for number in range(3)]
        names = ["ab", None, "b"]
        ids = [1, 2, first]
        return pa.table({"id": ids, "day": pa.array(days, pa.int32()).cast(pa.date32()),
                         "name": names}, schema=SOURCE)  # fmt: skip

    source.append(rows(1))
    mill.run(f"CREATE MATERIALIZED VIEW v PARTITIONED BY ({term}) AS SELECT * FROM facts")
    for _ in range(5):
        mill.table("facts").append(rows(1))
        assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "APPEND"
    before, files = mill.stored("v"), live(kept)
    done = kept.compacted()["v"]
    assert done.files == files
    assert live(kept) == done.into == files // 6
    assert mill.stored("v") == before
    assert verified(mill).state == "OK"


def test_a_refresh_goes_on_where_it_was(mills: Mills) -> None:
    kept = crowded(keeper(mills, small=FOUR))
    mill = kept.mill
    kept.compacted()
    done = mill.one("REFRESH MATERIALIZED VIEW v")
    assert (done["strategy"], done["reason"]) == ("NOOP", "nothing that the view reads has changed")
    mill.table("orders").append(orders(5))
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "APPEND"
    mill.run("REFRESH MATERIALIZED VIEW v FULL")
    assert verified(mill).state == "OK"


def test_a_view_that_reads_it_sees_no_change(mills: Mills) -> None:
    kept = crowded(keeper(mills, small=FOUR))
    mill = kept.mill
    mill.run("CREATE MATERIALIZED VIEW w AS SELECT id, id * 2 AS twice FROM v")
    assert kept.compacted()["v"].files == 5
    done = mill.one("REFRESH MATERIALIZED VIEW w")
    assert (done["strategy"], done["reason"]) == (
        "NOOP",
        "files that the view reads were compacted, and no row has changed",
    )
    mill.table("orders").append(orders(5))
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.one("REFRESH MATERIALIZED VIEW w")["strategy"] == "APPEND"
    assert verified(mill, "w").state == "OK"


def _appended(kept: Keeper) -> None:
    table = kept.mill.table("v")
    table.append(pa.table({"id": [77]}))


def _rolled_back(kept: Keeper) -> None:
    table = kept.mill.table("v")
    with table.manage_snapshots() as manage:
        manage.set_current_snapshot(table.snapshots()[-2].snapshot_id)


def _widened(kept: Keeper) -> None:
    with kept.mill.table("v").update_schema() as change:
        change.add_column("more", LongType())


@pytest.mark.parametrize("change", [_appended, _rolled_back, _widened])
def test_a_table_that_somebody_else_changed_is_left_alone(
    mills: Mills, change: Callable[[Keeper], object]
) -> None:
    kept = crowded(keeper(mills, small=FOUR), files=6)
    change(kept)
    there = kept.mill.table("v").metadata_location
    assert kept.compacted()["v"].snapshot is None
    assert kept.mill.table("v").metadata_location == there


def test_branches_and_tags_stay_what_they_were(mills: Mills) -> None:
    kept = crowded(keeper(mills, small=FOUR))
    mill = kept.mill
    head = mill.table("v").metadata.current_snapshot_id
    assert head is not None
    mill.table("v").manage_snapshots().create_tag(head, "year-end").commit()
    rows = readable(mill, "v")[head]
    assert kept.compacted()["v"].files == 5
    kept.pass_days(9)
    kept.kept()
    assert set(readable(mill, "v")) == {head, mill.table("v").metadata.current_snapshot_id}
    assert readable(mill, "v")[head] == rows


def test_so_many_files_at_a_time_and_no_more(mills: Mills, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_files, "_MOST_FILES", 4)
    kept = crowded(keeper(mills, small=FOUR), files=9)
    before = kept.mill.stored("v")
    done = [kept.compacted()["v"] for _ in range(3)]
    assert [(one.files, one.into) for one in done] == [(4, 1), (4, 1), (0, 0)]
    assert live(kept) == 3
    assert kept.mill.stored("v") == before


def test_what_it_replaced_expires_though_the_view_is_never_refreshed_again(mills: Mills) -> None:
    kept = crowded(keeper(mills, small=FOUR))
    assert kept.kept()["v"].compacted.files == 5
    kept.pass_days(3)
    kept.kept()
    assert len(readable(kept.mill, "v")) == 1
    assert everything(kept.mill, "v") == reachable(kept.mill, "v")
    assert len(kept.mill.files("v")) == 1


def test_what_was_put_together_waits_until_as_much_has_come(mills: Mills) -> None:
    kept = crowded(keeper(mills, small=FOUR), files=8)
    assert kept.compacted()["v"].files == 8
    rewritten = 0
    for number in range(12):
        kept.mill.table("orders").append(orders(number, 9))
        kept.mill.run("REFRESH MATERIALIZED VIEW v")
        rewritten += kept.compacted()["v"].files
    assert live(kept) < 8
    assert rewritten < 12 * 2
    assert verified(kept.mill).state == "OK"


def test_what_a_compaction_left_that_died_goes_with_the_upkeep(
    mills: Mills, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = crowded(keeper(mills, small=FOUR))
    before = everything(kept.mill, "v")

    class Ended(BaseException):
        """As good as a kill."""

    def die(*_: object) -> None:
        raise Ended

    with monkeypatch.context() as patch:
        patch.setattr("flightlake.lake.compaction.commit", die)
        with pytest.raises(Ended):
            kept.compacted()
    left = everything(kept.mill, "v") - before
    assert len(left) > 3  # a data file, and metadata
    assert live(kept) == 5
    kept.pass_days(0.5)
    kept.kept()
    assert live(kept) == 1
    kept.pass_days(3)
    kept.kept()
    assert not left & everything(kept.mill, "v")
    assert everything(kept.mill, "v") == reachable(kept.mill, "v")


def test_rows_that_are_not_there_are_no_reason_to_forget_them(
    mills: Mills, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = crowded(keeper(mills, small=FOUR))
    before, files = kept.mill.stored("v"), everything(kept.mill, "v")

    def short(self: Compactor, table: Any, lot: Any, take: Any, call: Any) -> None:
        draw(self, table, lot, lambda batch: take(batch.slice(1)), call)

    draw = Compactor._draw
    monkeypatch.setattr(Compactor, "_draw", short)
    (done,) = kept.maintenance.compact(Cancellation())
    assert isinstance(done.failure, InternalError)
    assert "would have other rows" in done.failure.message
    assert (kept.mill.stored("v"), everything(kept.mill, "v")) == (before, files)


def test_it_is_no_refresh_for_whoever_asks_when_the_last_one_was(mills: Mills) -> None:
    kept = crowded(keeper(mills, small=FOUR))
    mill = kept.mill
    for _ in range(2):

        def ended() -> object:
            table = mill.catalog.load(mill.lake.root, "v")
            name = TableIdentifier(mill.lake.name, mill.lake.root, "v")
            properties = table.metadata.properties
            view = read_view(name, table.uuid, table.snapshot_id, properties)
            return of_refresh(Seen(view, table), None)["refresh_ended"]

        before = ended()
        kept.pass_days(0.1)
        assert kept.compacted()["v"].snapshot is not None
        assert ended() == before
        for number in range(5):
            mill.table("orders").append(orders(number))
            mill.run("REFRESH MATERIALIZED VIEW v")


def test_a_refresh_that_runs_is_waited_for_and_then_left_alone(mills: Mills) -> None:
    kept = crowded(keeper(mills, small=FOUR))
    kept.alone = lambda view: nullcontext(False)
    files = everything(kept.mill, "v")
    assert kept.compacted()["v"].snapshot is None
    assert everything(kept.mill, "v") == files
