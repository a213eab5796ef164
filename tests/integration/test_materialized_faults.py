"""Whatever happens to a refresh, the view is as it was before or as it is after, and no file that
may be named by the table is ever deleted."""

from pathlib import Path
from typing import Any

import pytest

from flightlake.cancellation import Cancellation
from flightlake.errors import Cancelled, NotReady
from flightlake.lake import pointers
from flightlake.lake.commits import OutcomeUnknown, Refused
from tests.fix_catalogs import orders
from tests.fix_engine import in_thread
from tests.fix_materialized import (
    NEW,
    OLD,
    QUERY,
    AnswersTwice,
    Interrupted,
    LosesAnswers,
    LosesRequests,
    Mills,
    Odd,
    with_news,
)


def test_a_commit_whose_answer_is_lost_is_found_to_have_been_made(mills: Mills) -> None:
    mill = with_news(mills(LosesAnswers))
    mill.catalog.lost = True
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert (row["state"], row["strategy"], row["rows"]) == ("READY", "FULL", 2)
    assert mill.stored("v") == NEW
    assert mill.files("v") == mill.named("v")
    mill.catalog.lost = False
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"


def test_a_view_is_made_and_dropped_even_if_the_answers_are_lost(mills: Mills) -> None:
    mill = mills(LosesAnswers)
    mill.lake.create("orders").append(orders(1, 2))
    mill.catalog.lost = True
    assert mill.one(f"CREATE MATERIALIZED VIEW v AS {QUERY}")["rows"] == 2
    assert mill.one("DROP MATERIALIZED VIEW v KEEP TABLE")["state"] == "TABLE"
    assert mill.one(f"CREATE MATERIALIZED VIEW w AS {QUERY}")["rows"] == 2
    assert mill.one("DROP MATERIALIZED VIEW w")["state"] == "DROPPED"
    assert mill.run("SHOW MATERIALIZED VIEWS") == []


def test_a_commit_that_was_not_seen_to_land_is_unknown_and_keeps_its_files(mills: Mills) -> None:
    mill = with_news(mills(LosesRequests))
    mill.catalog.lost = True
    before = mill.files("v")
    with pytest.raises(OutcomeUnknown, match="not known whether"):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.stored("v") == OLD
    assert mill.files("v") > before  # it may still land
    mill.catalog.lost = False
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.stored("v") == NEW


def test_a_commit_that_lands_late_is_not_lost_and_a_second_refresh_loses_to_it(
    mills: Mills,
) -> None:
    late: list[tuple[Any, ...]] = []

    class Late(LosesRequests):
        def swap(self, *change: Any) -> bool:
            late.append(change)
            return super().swap(*change)

    mill = with_news(mills(Late))
    mill.catalog.lost = True
    with pytest.raises(OutcomeUnknown):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.catalog.catalog.swap(*late[-1])  # the request arrives after all
    assert mill.stored("v") == NEW
    mill.catalog.lost = False
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"


def test_a_request_that_was_sent_twice_counts_once(mills: Mills) -> None:
    mill = with_news(mills(AnswersTwice))
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "FULL"
    assert mill.stored("v") == NEW
    assert mill.files("v") == mill.named("v")


def test_of_two_refreshers_from_one_snapshot_exactly_one_wins(mills: Mills) -> None:
    # Trino's issue 31257: both append, and the rows are there twice.
    first, second = with_news(mills(Interrupted)), mills()
    first.catalog.before = lambda: second.run("REFRESH MATERIALIZED VIEW v")
    with pytest.raises(Refused, match="changed by somebody else"):
        first.run("REFRESH MATERIALIZED VIEW v")
    assert first.stored("v") == NEW
    assert first.files("v") == first.named("v")  # the loser left nothing behind
    assert len(first.table("v").snapshots()) == 2
    assert first.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"


def test_refreshers_in_several_threads_leave_the_right_rows(mills: Mills) -> None:
    many = [with_news(mills()), *(mills() for _ in range(2))]
    work = [in_thread(lambda one=one: one.run("REFRESH MATERIALIZED VIEW v FULL")) for one in many]
    ends: list[object] = []
    for one in work:
        try:
            ends.append(one.result()[0]["strategy"])
        except Refused:
            ends.append("refused")
    assert "FULL" in ends
    mill = many[0]
    assert mill.stored("v") == NEW
    assert len(mill.table("v").snapshots()) == 1 + ends.count("FULL")
    assert mill.files("v") == mill.named("v")


def test_of_two_creators_exactly_one_wins(mills: Mills) -> None:
    first, second = mills(Interrupted), mills()
    first.lake.create("orders").append(orders(1, 2))
    first.catalog.before = lambda: second.run("CREATE MATERIALIZED VIEW v AS SELECT 7 AS n")
    with pytest.raises(Refused):
        first.run(f"CREATE MATERIALIZED VIEW v AS {QUERY}")
    assert first.stored("v") == [{"n": 7}]


def test_a_refresh_loses_to_a_new_definition_and_to_a_drop(mills: Mills) -> None:
    first, second = with_news(mills(Interrupted)), mills()
    first.catalog.before = lambda: second.run(
        "CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT 7 AS n"
    )
    with pytest.raises(Refused):
        first.run("REFRESH MATERIALIZED VIEW v")
    assert first.stored("v") == [{"n": 7}]
    first.catalog.before = lambda: second.run("DROP MATERIALIZED VIEW v")
    with pytest.raises(Refused):
        first.run("REFRESH MATERIALIZED VIEW v FULL")
    assert first.run("SHOW MATERIALIZED VIEWS") == []


def test_rows_that_come_while_the_view_is_written_are_not_read(mills: Mills) -> None:
    # Trino's issue 30990: read at a newer snapshot than is recorded.
    mill = with_news(mills(Interrupted))
    source = mill.table("orders")
    mill.catalog.before = lambda: source.append(orders(9))
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.stored("v") == NEW
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "FULL"
    assert {"id": 9, "n": 1} in mill.stored("v")


def test_a_cancelled_refresh_changes_nothing_and_leaves_nothing(mills: Mills) -> None:
    mill = with_news(mills())
    before = mill.files("v")
    mill.call = Cancellation()
    mill.call.cancel()
    with pytest.raises(Cancelled):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.stored("v") == OLD
    assert mill.files("v") == before


def test_a_store_that_cannot_be_written_is_told_of_and_changes_nothing(
    mills: Mills, tmp_path: Path
) -> None:
    mill = with_news(mills())
    where = Path(mill.table("v").location()[len("file://") :])
    (where / "data").rename(where / "kept")
    (where / "data").write_text("a file where a directory has to be")
    with pytest.raises(NotReady, match="cannot be written") as caught:
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert str(tmp_path) not in caught.value.message
    (where / "data").unlink()
    (where / "kept").rename(where / "data")
    assert mill.stored("v") == OLD
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.stored("v") == NEW


def test_metadata_that_cannot_be_written_leaves_no_files(
    mills: Mills, monkeypatch: pytest.MonkeyPatch
) -> None:
    mill = with_news(mills())

    def full(*_: object) -> None:
        raise NotReady("the store is full")

    before = mill.files("v")
    with monkeypatch.context() as patch:
        patch.setattr(pointers, "put", full)
        with pytest.raises(NotReady, match="is full"):
            mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.stored("v") == OLD
    assert mill.files("v") == before


def test_a_catalog_that_cannot_be_asked_leaves_the_outcome_unknown(mills: Mills) -> None:
    class Gone(Odd):
        gone = swapped = False

        def swap(self, *change: Any) -> bool:
            done: bool = self.catalog.swap(*change)
            if self.gone:
                self.swapped = True
                raise NotReady("no answer")
            return done

        def pointer(self, *name: str) -> Any:
            if self.gone and self.swapped:
                raise NotReady("no answer")
            return self.catalog.pointer(*name)

    mill = with_news(mills(Gone))
    mill.catalog.gone = True
    with pytest.raises(OutcomeUnknown, match="cannot be asked"):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.stored("v") == NEW  # it was made, and none of its files are gone
    mill.catalog.gone = False
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
