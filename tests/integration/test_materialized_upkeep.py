"""The upkeep of materialized views: what expires, what is deleted, and what never is."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from flightlake.cancellation import Cancellation
from flightlake.errors import Cancelled, DamagedData, NotReady, TimedOut
from flightlake.lake.commits import OutcomeUnknown, Refused
from flightlake.refresh.policy import POLICY, Policy, policy_json
from flightlake.telemetry import MaintenanceFinished
from tests.fix_catalogs import orders
from tests.fix_materialized import Interrupted, LosesAnswers, LosesRequests, Mill, Mills, Odd
from tests.fix_table_changes import compact
from tests.fix_upkeep import (
    DAY,
    everything,
    keeper,
    reachable,
    readable,
    refreshed,
    unchanged,
)

_QUERY = "SELECT id, count(*) AS n FROM orders GROUP BY id"


def _ids(mill: Mill, view: str = "v") -> list[int]:
    return [snapshot.snapshot_id for snapshot in mill.table(view).snapshots()]


def test_old_snapshots_go_with_the_files_that_only_they_had(mills: Mills) -> None:
    kept = refreshed(keeper(mills))
    mill = kept.mill
    ids, before = _ids(mill), everything(mill, "v")
    kept.pass_days(0.5)
    done = kept.kept()["v"]
    # The first two ended more than a day ago, the third half a day ago.
    assert _ids(mill) == ids[2:]
    assert done.expired.snapshots == 2
    assert len(before - everything(mill, "v")) == done.expired.deleted.files > 4
    assert everything(mill, "v") == reachable(mill, "v")
    assert [len(rows) for rows in readable(mill, "v").values()] == [3, 3]
    assert kept.observed.of(MaintenanceFinished)[0].snapshots == 2
    with unchanged(mill, "v"):
        assert kept.kept()["v"].expired.snapshots == 0


def test_the_current_snapshot_never_goes_however_old(mills: Mills) -> None:
    kept = refreshed(keeper(mills))
    kept.pass_days(1000)
    kept.kept()
    assert _ids(kept.mill) == [kept.mill.table("v").metadata.current_snapshot_id]
    assert kept.mill.stored("v") == [{"id": 1, "n": 1}, {"id": 2, "n": 1}, {"id": 3, "n": 3}]
    assert kept.mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"


def test_a_snapshot_counts_as_old_since_it_was_replaced_not_since_it_was_made(mills: Mills) -> None:
    kept = refreshed(keeper(mills), times=0)
    mill = kept.mill
    (first,) = _ids(mill)
    kept.pass_days(100)
    mill.table("orders").append(orders(3))
    mill.run("REFRESH MATERIALIZED VIEW v")
    with unchanged(mill, "v"):
        kept.kept()  # whoever began to read a moment ago still reads the first
    assert first in _ids(mill)
    kept.pass_days(1.1)
    kept.kept()
    assert first not in _ids(mill)


def test_a_reader_that_began_before_the_refresh_reads_on(mills: Mills) -> None:
    kept = refreshed(keeper(mills), times=0)
    mill = kept.mill
    kept.pass_days(100)
    reading = mill.table("v").scan()  # planned; it reads its files later
    mill.table("orders").append(orders(3))
    mill.run("REFRESH MATERIALIZED VIEW v")
    kept.pass_days(0.9)
    kept.kept()
    assert len(reading.to_arrow()) == 2


def test_what_a_policy_says_counts_but_never_less_than_readers_need(mills: Mills) -> None:
    kept = refreshed(keeper(mills), times=0)
    mill = kept.mill
    for view, policy in (
        ("long", Policy(history_retention=30 * DAY)),
        ("short", Policy(history_retention=timedelta(seconds=1))),
    ):
        mill.run(f"CREATE MATERIALIZED VIEW {view} AS {_QUERY}")
        with mill.table(view).transaction() as change:
            change.set_properties({POLICY: policy_json(policy)})
        mill.run(f"REFRESH MATERIALIZED VIEW {view} FULL")
    kept.upkeep = replace(kept.upkeep, least_retention=timedelta(hours=2))
    kept.pass_days(1 / 24)
    kept.kept()
    assert (len(_ids(mill, "long")), len(_ids(mill, "short"))) == (2, 2)
    kept.pass_days(2 / 24)
    kept.kept()
    assert (len(_ids(mill, "long")), len(_ids(mill, "short"))) == (2, 1)
    kept.pass_days(30)
    kept.kept()
    assert len(_ids(mill, "long")) == 1


def test_what_branches_and_tags_name_stays(mills: Mills) -> None:
    kept = refreshed(keeper(mills), times=5)
    mill = kept.mill
    ids, table = _ids(mill), mill.table("v")
    with table.manage_snapshots() as manage:
        manage.create_tag(ids[0], "audit", max_ref_age_ms=1)
        manage.create_branch(ids[3], "test", min_snapshots_to_keep=2)
    rows = readable(mill, "v")
    kept.pass_days(10)
    kept.kept()
    assert _ids(mill) == [ids[0], ids[2], ids[3], ids[5]]
    assert readable(mill, "v") == {one: rows[one] for one in _ids(mill)}
    assert everything(mill, "v") == reachable(mill, "v")


def test_what_a_view_downstream_was_made_of_stays_with_all_that_came_since(mills: Mills) -> None:
    kept = refreshed(keeper(mills), times=2)
    mill = kept.mill
    mill.run("CREATE MATERIALIZED VIEW w AS SELECT sum(n) AS n FROM v")
    for _ in range(2):
        kept.pass_days(1)
        mill.table("orders").append(orders(4))
        mill.run("REFRESH MATERIALIZED VIEW v FULL")
    ids = _ids(mill)
    kept.pass_days(10)
    kept.kept()
    assert _ids(mill) == ids[2:]
    mill.run("REFRESH MATERIALIZED VIEW w")
    kept.kept()
    assert _ids(mill) == ids[4:]
    mill.run("DROP MATERIALIZED VIEW w")


def test_what_leads_to_compacted_rows_stays(mills: Mills) -> None:
    kept = refreshed(keeper(mills), times=2)
    mill = kept.mill
    compact(mill.table("v"))
    compact(mill.table("v"))
    ids = _ids(mill)
    kept.pass_days(10)
    kept.kept()
    assert _ids(mill) == ids[2:]
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"


def test_nothing_is_done_while_it_is_not_known_what_is_in_use(mills: Mills) -> None:
    class Silent(Odd):
        silent = False

        def materialized_views(self, db_schema: str) -> list[str]:
            if self.silent:
                raise NotReady("the catalog does not answer")
            found: list[str] = self.catalog.materialized_views(db_schema)
            return found

    kept = refreshed(keeper(mills, around=Silent))
    kept.pass_days(10)
    kept.mill.catalog.silent = True
    with unchanged(kept.mill, "v"), pytest.raises(NotReady):
        kept.run()


def test_what_goes_wrong_with_one_view_stops_no_other(mills: Mills) -> None:
    kept = refreshed(keeper(mills))
    mill = kept.mill
    mill.run(f"CREATE MATERIALIZED VIEW a AS {_QUERY}")
    mill.run("REFRESH MATERIALIZED VIEW a FULL")
    kept.pass_days(10)
    broken = mill.table("a").snapshots()[0].manifest_list
    Path(broken.removeprefix("file://")).write_bytes(b"no list")
    with unchanged(mill, "a"):
        done = {one.view.table: one for one in kept.run()}
    assert isinstance(done["a"].failure, DamagedData)
    assert done["v"].expired.snapshots == 3
    assert {fact.status for fact in kept.observed.of(MaintenanceFinished)} == {"OK", "DATA_LOSS"}


@pytest.mark.parametrize("which", ["a manifest of the old", "a list of the new", "a new manifest"])
def test_nothing_is_deleted_if_a_manifest_is_cut_short(mills: Mills, which: str) -> None:
    kept = refreshed(keeper(mills))
    mill = kept.mill
    table = mill.table("v")
    snapshot = table.snapshots()[0 if "old" in which else -1]
    path = (
        snapshot.manifest_list if "list" in which else snapshot.manifests(table.io)[0].manifest_path
    )
    file = Path(path.removeprefix("file://"))
    file.write_bytes(
        _without_blocks(file.read_bytes()) if "list" in which else file.read_bytes()[:-40]
    )
    kept.pass_days(10)
    before = everything(mill, "v")
    for _ in range(2):
        (done,) = kept.run()
        assert isinstance(done.failure, DamagedData)
    assert everything(mill, "v") >= before


def _without_blocks(content: bytes) -> bytes:
    """Return an Avro file cut where its first block begins: complete by its own measure."""
    sync = content[-16:]
    return content[: content.index(sync) + 16]


def test_a_refused_expiry_deletes_nothing(mills: Mills) -> None:
    kept = refreshed(keeper(mills, around=Interrupted))
    mill, rival = kept.mill, mills(clock=kept.clock)
    kept.pass_days(10)
    mill.table("orders").append(orders(9))
    mill.catalog.before = lambda: rival.run("REFRESH MATERIALIZED VIEW v")
    before = everything(mill, "v")
    (done,) = kept.run()
    assert isinstance(done.failure, Refused)
    assert everything(mill, "v") >= before
    assert len(readable(mill, "v")) == 5
    assert kept.kept()["v"].expired.snapshots == 3  # the fourth was current a moment ago


def test_an_expiry_of_unknown_outcome_deletes_nothing(mills: Mills) -> None:
    kept = refreshed(keeper(mills, around=LosesRequests))
    kept.pass_days(10)
    kept.mill.catalog.lost = True
    before = everything(kept.mill, "v")
    (done,) = kept.run()
    assert isinstance(done.failure, OutcomeUnknown)
    assert everything(kept.mill, "v") >= before


def test_an_expiry_whose_answer_is_lost_goes_on_once_the_table_tells(mills: Mills) -> None:
    kept = refreshed(keeper(mills, around=LosesAnswers))
    kept.pass_days(10)
    kept.mill.catalog.lost = True
    assert kept.kept()["v"].expired.snapshots == 3
    assert everything(kept.mill, "v") == reachable(kept.mill, "v")


def test_files_outside_of_the_table_are_never_deleted(mills: Mills, tmp_path: Path) -> None:
    kept = refreshed(keeper(mills))
    mill = kept.mill
    foreign = tmp_path / "elsewhere.parquet"
    pa.parquet.write_table(mill.table("v").scan().to_arrow(), foreign)
    mill.table("v").add_files([f"file://{foreign}"])
    mill.run("REFRESH MATERIALIZED VIEW v FULL")
    kept.pass_days(10)
    kept.kept()
    assert foreign.exists()
    assert len(_ids(mill)) == 1


def test_views_that_are_refreshed_are_left_out(mills: Mills) -> None:
    kept = refreshed(keeper(mills))
    kept.pass_days(10)
    with unchanged(kept.mill, "v"):
        assert kept.run(busy=lambda view: view.table == "v") == []
        assert kept.run(mine=lambda view: view.table != "v") == []


def test_it_ends_when_it_is_cancelled_or_takes_too_long(mills: Mills) -> None:
    kept = refreshed(keeper(mills))
    kept.pass_days(10)
    call = Cancellation()
    call.cancel()
    with unchanged(kept.mill, "v"), pytest.raises(Cancelled):
        kept.maintenance.run(call)
    kept.upkeep = replace(kept.upkeep, timeout=timedelta(seconds=-1))
    with unchanged(kept.mill, "v"):
        (done,) = kept.run()
    assert isinstance(done.failure, TimedOut)


def test_what_was_made_an_ordinary_table_is_left_alone(mills: Mills) -> None:
    kept = refreshed(keeper(mills))
    mill = kept.mill
    mill.run("DROP MATERIALIZED VIEW v KEEP TABLE")
    kept.pass_days(10)
    with unchanged(mill, "v"):
        assert kept.run() == []
