"""``queries`` and ``sessions``: each sees what is theirs, through whole statements."""

from typing import Any

import pyarrow as pa
import pytest

from flightlake.auth import ANONYMOUS, Identity, Session
from flightlake.cancellation import Cancellation
from flightlake.clock import SystemClock
from flightlake.engine.engine import Defaults
from flightlake.errors import FlightlakeError
from flightlake.query.activity import Activity
from flightlake.query.admission import Slots
from flightlake.query.planning import Planning
from flightlake.query.service import QueryService, StatementLimits
from flightlake.query.system_tables import ADMIN, ProcessTables
from flightlake.query.workers import Workers
from tests.fix_catalogs import Lake
from tests.fix_engine import engine_on, timedelta, tuples
from tests.fix_query import LONG
from tests.fix_server import Recorder

ADA, BOB = Identity("ada"), Identity("bob", frozenset({"writer"}))
ROOT = Identity("root", frozenset({ADMIN}))
NOBODY = Identity(ANONYMOUS, frozenset(), ANONYMOUS)
QUERIES = "SELECT user_name, kind, state, status FROM flightlake_system.queries"


class Office:
    """A query service that shows what it does."""

    def __init__(self, lake: Lake, folder: Any, sql_text: bool = False) -> None:
        clock, observed = SystemClock(), Recorder()
        activity = Activity(clock, sql_text=sql_text)
        tables = ProcessTables(activity, "mill-1", clock.now)
        engine = engine_on({lake.name: lake.open()}, folder / "spill")
        self.service = QueryService(
            Planning(engine, Workers(4), system=tables.of),
            Slots(4, 10, timedelta(seconds=30), clock, observed),
            StatementLimits(timedelta(hours=1), 1_000_000),
            Defaults(lake.name, lake.root),
            clock,
            observed,
            activity,
        )

    def begin(self, who: Identity, sql: str) -> Any:
        statement = self.service.new_statement(sql, who, Session(f"session of {who.subject}"))
        described = self.service.describe(statement, Cancellation())
        return self.service.execute(described.statement, who, Cancellation())

    def rows(self, who: Identity, sql: str) -> list[tuple[Any, ...]]:
        stream = self.begin(who, sql)
        try:
            return tuples(pa.Table.from_batches(list(stream), schema=stream.schema))
        finally:
            stream.close()


@pytest.fixture
def office(lake: Lake, tmp_path: Any) -> Any:
    made = Office(lake, tmp_path)
    yield made
    made.service.close()


def test_users_see_their_own_and_admins_see_all(office: Office) -> None:
    for who in (ADA, BOB, NOBODY):
        office.rows(who, "SELECT 1")
    mine = [("ada", "select", "ENDED", "OK"), ("ada", "select", "PLANNING", None)]
    assert sorted(office.rows(ADA, QUERIES)) == mine
    assert {row[0] for row in office.rows(BOB, QUERIES)} == {"bob"}
    assert office.rows(NOBODY, QUERIES) == []
    assert {row[0] for row in office.rows(ROOT, QUERIES)} == {"ada", "bob", "root", ANONYMOUS}
    # The same text means something else for each; no plan of it is used for another.
    assert {row[0] for row in office.rows(ADA, QUERIES)} == {"ada"}
    sessions = "SELECT user_name FROM flightlake_system.sessions"
    assert office.rows(ADA, sessions) == [("ada",)]
    assert office.rows(NOBODY, sessions) == []
    assert len(office.rows(ROOT, sessions)) == 4


def test_nothing_in_a_statement_shows_others(office: Office, lake: Lake) -> None:
    office.rows(BOB, "SELECT 1")
    for sql in (
        "SELECT user_name FROM flightlake_system.queries WHERE user_name = 'bob' OR true",
        "SELECT user_name FROM flightlake_system.sessions",
        f'SELECT user_name FROM "{lake.name}"."flightlake_system"."queries"',
        "WITH queries AS (SELECT * FROM flightlake_system.queries) SELECT user_name FROM queries",
        "SELECT (SELECT max(user_name) FROM flightlake_system.queries)",
    ):
        assert {row[0] for row in office.rows(ADA, sql)} <= {"ada"}, sql


def test_a_role_that_was_taken_away_counts_no_more(office: Office) -> None:
    office.rows(BOB, "SELECT 1")
    statement = office.service.new_statement(QUERIES, ROOT, Session("s"))
    described = office.service.describe(statement, Cancellation())
    office.service.registry.plan(described.statement, described.expires_at)  # is forgotten
    stream = office.service.execute(described.statement, Identity("root"), Cancellation())
    assert {row["user_name"] for batch in stream for row in batch.to_pylist()} == {"root"}


def test_what_runs_shows_its_progress(office: Office) -> None:
    stream = office.begin(ADA, LONG)
    batches = iter(stream)
    first = next(batches)
    sql = "SELECT state, rows, total_seconds >= 0, ended, server FROM flightlake_system.queries"
    try:
        found = office.rows(ADA, f"{sql} WHERE state = 'RUNNING'")
        assert found == [("RUNNING", first.num_rows, True, None, "mill-1")]
    finally:
        stream.close()
    assert office.rows(ADA, f"{QUERIES} WHERE status = 'CANCELLED'") == [
        ("ada", "select", "ENDED", "CANCELLED")
    ]


def test_failures_are_told_to_who_met_them(office: Office) -> None:
    with pytest.raises(FlightlakeError):
        office.rows(ADA, "SELECT * FROM absent")
    sql = "SELECT status, error LIKE '%absent%', sql_text FROM flightlake_system.queries"
    assert office.rows(ADA, f"{sql} WHERE error IS NOT NULL") == [("NOT_FOUND", True, None)]


def test_text_is_shown_where_it_may_be_logged(lake: Lake, tmp_path: Any) -> None:
    office = Office(lake, tmp_path, sql_text=True)
    try:
        office.rows(ADA, "SELECT 41 + 1")
        sql = "SELECT sql_text FROM flightlake_system.queries WHERE state = 'ENDED'"
        assert office.rows(ADA, sql) == [("SELECT 41 + 1",)]
    finally:
        office.service.close()


def test_preparing_leaves_nothing_behind(office: Office) -> None:
    statement = office.service.new_statement("SELECT 1", ADA, Session("s"))
    office.service.prepare(statement, Cancellation())
    assert [row[2] for row in office.rows(ADA, QUERIES)] == ["PLANNING"]
