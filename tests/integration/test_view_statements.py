"""ALTER, CANCEL, ASYNC and their kind over a lake in a folder, without a server."""

import json
import threading
from typing import Any

import pytest

from flightlake.errors import AlreadyExists, FlightlakeError, InvalidSql, NotFound
from flightlake.refresh.runs import STATEMENT, Wanted
from tests.fix_catalogs import orders
from tests.fix_materialized import Interrupted, Mill, Mills, Odd
from tests.fix_server import eventually

MAKE = "CREATE MATERIALIZED VIEW v AS SELECT id FROM orders"


class Hanging(Odd):
    """Answers its next change no sooner than it is ``released``, once it is told to ``hang``."""

    hang, hangs = False, False

    def __init__(self, catalog: Any) -> None:
        super().__init__(catalog)
        self.released = threading.Event()

    def swap(self, *change: Any) -> Any:
        if self.hang:
            self.hang, self.hangs = False, True
            self.released.wait(60)
        return self.catalog.swap(*change)


@pytest.fixture
def mill(mills: Mills) -> Mill:
    made = mills()
    made.lake.create("orders").append(orders(1, 2))
    return made


def described(mill: Mill, view: str = "v") -> dict[str, str]:
    rows = mill.run(f"DESCRIBE MATERIALIZED VIEW {view}")
    return {row["property"]: row["value"] for row in rows}


def statement(mill: Mill, view: str = "v") -> str:
    return str(mill.one(f"SHOW CREATE MATERIALIZED VIEW {view}")["statement"])


def test_what_is_shown_makes_the_same_view_again(mill: Mill) -> None:
    clauses = [
        "COMMENT 'it''s gold'",
        "TARGET_LAG = '1 hour 30 minutes'",
        "SCHEDULE = 'cron 0 3 * * *' AT TIME ZONE 'Europe/Paris'",
        "ON CHANGE AT MOST EVERY '1 minute'",
        "WITH (timeout = '5 minutes', suspend_after = 3, priority = 2)",
        "REFRESH_MODE = FULL",
    ]
    mill.run(f"CREATE MATERIALIZED VIEW v {' '.join(clauses)} AS SELECT id FROM orders")
    shown = statement(mill)
    assert shown.splitlines()[1:-2] == clauses
    mill.run("DROP MATERIALIZED VIEW v")
    mill.run(shown)
    assert statement(mill) == shown
    assert described(mill)["owner"] == "ada"


def test_a_policy_is_changed_without_touching_the_rows(mill: Mill) -> None:
    before = mill.one(f"{MAKE.replace(' AS', ' COMMENT ' + repr('x') + ' AS', 1)}")["snapshot"]
    told = mill.one("ALTER MATERIALIZED VIEW v SET (target_lag = '5 minutes', priority = 1)")
    assert (told["state"], told["snapshot"]) == ("READY", before)
    assert "TARGET_LAG = '5 minutes'" in statement(mill)
    mill.run("ALTER MATERIALIZED VIEW v SET (schedule = 'every 2 hours', refresh_mode = FULL)")
    mill.run("ALTER MATERIALIZED VIEW v UNSET (target_lag, comment)")
    shown = statement(mill)
    assert "SCHEDULE = 'every 2 hours'\nWITH (priority = 1)\nREFRESH_MODE = FULL" in shown
    assert "TARGET_LAG" not in shown
    assert "COMMENT" not in shown
    assert mill.one("REFRESH MATERIALIZED VIEW v")["state"] == "READY"
    assert "SCHEDULE" in statement(mill)  # a refresh leaves it as it is


def test_replacing_a_view_keeps_nothing_of_its_policy(mill: Mill) -> None:
    mill.run(MAKE.replace(" AS", " TARGET_LAG = '5 minutes' COMMENT 'x' AS", 1))
    mill.run("ALTER MATERIALIZED VIEW v SUSPEND")
    row = mill.one("CREATE OR REPLACE MATERIALIZED VIEW v ON CHANGE AS SELECT id FROM orders")
    assert row["state"] == "READY"
    assert statement(mill).splitlines()[1:-2] == ["ON CHANGE"]
    assert described(mill)["status"] == "READY"


def test_a_suspended_view_is_refreshed_by_hand_and_stays_suspended(mill: Mill) -> None:
    mill.run(MAKE)
    assert mill.one("ALTER MATERIALIZED VIEW v SUSPEND")["state"] == "SUSPENDED(by a user)"
    mill.table("orders").append(orders(3))
    assert mill.one("REFRESH MATERIALIZED VIEW v")["rows"] == 3
    assert mill.one("SHOW MATERIALIZED VIEWS")["state"] == "SUSPENDED(by a user)"
    assert mill.one("ALTER MATERIALIZED VIEW v RESUME")["state"] == "READY"


def test_a_reader_of_a_suspended_view_is_stale(mill: Mill) -> None:
    mill.run(MAKE)
    mill.run("CREATE MATERIALIZED VIEW w AS SELECT id FROM v")
    mill.run("CREATE MATERIALIZED VIEW x AS SELECT id FROM w")
    mill.run("ALTER MATERIALIZED VIEW v SUSPEND")
    states = {row["view"]: row["state"] for row in mill.run("SHOW MATERIALIZED VIEWS")}
    place = f"{mill.lake.name}.{mill.lake.root}"
    assert states[f"{place}.w"] == f"UPSTREAM_STALE({place}.v)"
    assert states[f"{place}.x"] == f"UPSTREAM_STALE({place}.v)"


def test_whoever_loses_a_race_for_the_properties_decides_anew(mills: Mills) -> None:
    mill = mills(Interrupted)
    mill.lake.create("orders").append(orders(1))
    mill.run(MAKE)

    def others() -> None:
        mill.run("ALTER MATERIALIZED VIEW v SET (priority = 7)")

    mill.catalog.before = others
    mill.run("ALTER MATERIALIZED VIEW v SET (comment = 'x')")
    policy = json.loads(mill.table("v").properties["flightlake.mv.policy"])
    assert (policy["priority"], policy["comment"]) == (7, "x")


def test_a_view_gets_another_name(mill: Mill) -> None:
    mill.run(MAKE)
    mill.run("CREATE MATERIALIZED VIEW w AS SELECT id FROM orders")
    row = mill.one("ALTER MATERIALIZED VIEW v RENAME TO u")
    assert row["view"] == f"{mill.lake.name}.{mill.lake.root}.u"
    assert mill.one("REFRESH MATERIALIZED VIEW u")["strategy"] == "NOOP"
    with pytest.raises(NotFound):
        mill.run("REFRESH MATERIALIZED VIEW v")
    with pytest.raises(AlreadyExists):
        mill.run("ALTER MATERIALIZED VIEW u RENAME TO w")
    with pytest.raises(InvalidSql, match="stays in its catalog"):
        mill.run("ALTER MATERIALIZED VIEW u RENAME TO annex.shop.u")


def test_all_views_of_a_schema_are_refreshed_in_order(mill: Mill) -> None:
    mill.run("CREATE MATERIALIZED VIEW z AS SELECT id FROM orders")
    mill.run("CREATE MATERIALIZED VIEW y AS SELECT id FROM z")
    mill.run("CREATE MATERIALIZED VIEW a AS SELECT id FROM y")
    mill.table("orders").append(orders(3))
    rows = mill.run(f"REFRESH MATERIALIZED VIEWS IN {mill.lake.root}")
    assert [row["view"].rpartition(".")[2] for row in rows] == ["z", "y", "a"]
    assert [row["rows"] for row in rows] == [3, 3, 3]
    with pytest.raises(NotFound):
        mill.run("REFRESH MATERIALIZED VIEWS IN nowhere")


def test_a_view_goes_with_all_that_read_it(mill: Mill) -> None:
    mill.run("CREATE MATERIALIZED VIEW z AS SELECT id FROM orders")
    mill.run("CREATE MATERIALIZED VIEW y AS SELECT id FROM z")
    mill.run("CREATE MATERIALIZED VIEW a AS SELECT id FROM y")
    mill.run("CREATE MATERIALIZED VIEW kept AS SELECT id FROM orders")
    rows = mill.run("DROP MATERIALIZED VIEW z CASCADE")
    assert [row["view"].rpartition(".")[2] for row in rows] == ["a", "y", "z"]
    (left,) = mill.run("SHOW MATERIALIZED VIEWS")
    assert left["view"].endswith("kept")


def test_no_pattern_holds_the_server_up(mill: Mill) -> None:
    mill.run(MAKE.replace(" v ", f" {'a' * 60} "))
    assert mill.run(f"SHOW MATERIALIZED VIEWS LIKE '{'%a' * 30}b'") == []


@pytest.mark.parametrize(
    ("like", "shown"), [("%", 2), ("v_1", 1), ("v%", 2), ("V%", 0), ("v", 0), ("v\\_1", 1)]
)
def test_views_are_shown_by_name_and_schema(mill: Mill, like: str, shown: int) -> None:
    mill.run(MAKE.replace(" v ", " v_1 "))
    mill.run(MAKE.replace(" v ", " v22 "))
    root = mill.lake.root
    assert len(mill.run(f"SHOW MATERIALIZED VIEWS LIKE '{like}'")) == shown
    assert len(mill.run(f"SHOW MATERIALIZED VIEWS IN {root} LIKE '{like}'")) == shown
    with pytest.raises(NotFound):
        mill.run("SHOW MATERIALIZED VIEWS IN nowhere")


def test_an_asynchronous_refresh_answers_at_once_and_can_be_cancelled(mill: Mill) -> None:
    mill.run(MAKE)
    mill.table("orders").append(orders(3))
    runs, views = mill.views.jobs.runs, mill.views.jobs.views
    ended: list[Any] = []
    runs.listen(ended.append)
    view = next(iter(views.all())).identifier
    # Somebody else refreshes the view, so this one waits for its turn.
    with runs._turn(runs.queued(Wanted(view, STATEMENT), mill.call)):
        row = mill.one("REFRESH MATERIALIZED VIEW v ASYNC")
        assert (row["state"], row["rows"]) == ("QUEUED", None)
        assert row["refresh_id"] in {run.id for run in runs.under_way()}
        told = mill.one(f"CANCEL REFRESH '{row['refresh_id']}'")
        assert told["state"] == "CANCELLED"
        eventually(lambda: ended, "the end of the refresh")
    assert ended[0].failure.message == "the refresh was cancelled by ada"
    assert len(mill.stored("v")) == 2
    again = mill.one("REFRESH MATERIALIZED VIEW v ASYNC")["refresh_id"]
    eventually(lambda: len(ended) == 2, "the end of the second refresh")
    assert ended[1].outcome.refresh_id == again
    assert len(mill.stored("v")) == 3
    with pytest.raises(NotFound, match="no refresh"):
        mill.run(f"CANCEL REFRESH '{again}'")


def test_a_refresh_that_is_cancelled_while_its_store_hangs_holds_up_no_other(mills: Mills) -> None:
    mill = mills(Hanging)
    mill.lake.create("orders").append(orders(1, 2))
    mill.run(MAKE)
    mill.run(MAKE.replace("VIEW v", "VIEW w"))
    mill.table("orders").append(orders(3))
    mill.catalog.hang = True
    row = mill.one("REFRESH MATERIALIZED VIEW v ASYNC")
    eventually(lambda: mill.catalog.hangs, "a refresh that hangs")
    mill.run("REFRESH MATERIALIZED VIEW w ASYNC")
    assert mill.views.jobs.background.free == 0
    mill.run(f"CANCEL REFRESH '{row['refresh_id']}'")
    eventually(lambda: len(mill.stored("w")) == 3, "the refresh of the other view")
    assert not mill.catalog.released.is_set()
    mill.catalog.released.set()
    eventually(lambda: not mill.views.jobs.runs.under_way(), "the end of what hung")
    assert mill.views.jobs.background.free == 1


def test_what_a_refresh_would_do_is_told_and_not_done(mill: Mill) -> None:
    mill.run(MAKE)
    mill.table("orders").append(orders(3))
    rows = mill.run("EXPLAIN REFRESH MATERIALIZED VIEW v")
    told = {row["property"]: row["value"] for row in rows}
    assert told["strategy"] == "APPEND"
    assert "1 rows in 1 files" in told["change"]
    assert any(row["value"].startswith("NOOP: ") for row in rows if row["property"] == "candidate")
    assert len(mill.stored("v")) == 2
    rows = mill.run("EXPLAIN REFRESH MATERIALIZED VIEW v FULL")
    assert rows[1]["value"] == "FULL"


@pytest.mark.parametrize("broken", ["", "nonsense", "[]", '{"target-lag": -1}'])
def test_a_policy_that_cannot_be_read_is_said_and_can_be_written_anew(
    mill: Mill, broken: str
) -> None:
    mill.run(MAKE)
    with mill.table("v").transaction() as change:
        change.set_properties({"flightlake.mv.policy": broken})
    assert mill.one("SHOW MATERIALIZED VIEWS")["state"] == ("INVALID(its policy cannot be read)")
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
    with pytest.raises(FlightlakeError, match="target_lag = NONE"):
        mill.run("ALTER MATERIALIZED VIEW v SET (priority = 1)")
    mill.run("ALTER MATERIALIZED VIEW v SET (target_lag = NONE)")
    assert mill.one("SHOW MATERIALIZED VIEWS")["state"] == "READY"
