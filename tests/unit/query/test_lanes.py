"""Who looks at what runs gets through; nobody else does by looking like it."""

import pytest

from flightlake.cancellation import Cancellation
from flightlake.clock import ManualClock
from flightlake.errors import Overloaded
from flightlake.flightsql.payloads import Statement
from flightlake.query.lanes import is_quick
from tests.fix_catalogs import Lake
from tests.fix_engine import MOMENT, Services, services

__all__ = ["services"]

ENDLESS = "SELECT count(*) FROM generate_series(1, 1000000000000)"


def quick(sql: str, db_schema: str = "s") -> bool:
    return is_quick(Statement("1", sql, "c", db_schema, "ada", "session"))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM flightlake_system.queries",
        "select query_id, count(*) from c.flightlake_system.sessions;",
        'SELECT q.kind FROM "flightlake_system"."queries" AS q WHERE q.state = \'RUNNING\' -- all',
        "SELECT kind, count(*) FROM Flightlake_System.Queries q GROUP BY kind ORDER BY 2 LIMIT 5",
        "SELECT * FROM flightlake_system.queries ORDER BY started",
        "SELECT 'FROM x' FROM flightlake_system.queries WHERE sql_text LIKE '%JOIN%'",
    ],
)
def test_one_table_of_what_runs_is_quick(sql: str) -> None:
    assert quick(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM queries",
        "SELECT * FROM flightlake_system.refresh_history",
        "SELECT * FROM flightlake_system.queries, big",
        "SELECT * FROM flightlake_system.queries q, flightlake_system.queries r",
        "SELECT * FROM flightlake_system.queries q JOIN big ON true",
        "SELECT * FROM flightlake_system.queries AS q CROSS JOIN big",
        "SELECT * FROM flightlake_system.queries UNION ALL TABLE big",
        "SELECT * FROM flightlake_system.queries WHERE kind IN (SELECT item FROM big)",
        "WITH q AS (SELECT * FROM flightlake_system.queries) SELECT * FROM q",
        "SELECT generate_series(1, 1000000000) FROM flightlake_system.queries",
        'SELECT "repeat"(kind, 1000000000) FROM flightlake_system.queries',
        "SELECT * FROM other.queries",
        'SELECT * FROM "Flightlake_System".queries',
        "SELECT * FROM flightlake_system.queries.files",
        "SELECT * FROM flightlake_system.queries q (a, b), big",
        "SELECT * FROM flightlake_system.",
        "SELECT * FROM",
        "SELECT 1",
        "EXPLAIN SELECT * FROM flightlake_system.queries",
        "SHOW TABLES",
        ";",
    ],
)
def test_whatever_may_take_longer_is_not(sql: str) -> None:
    assert not quick(sql)


def test_names_may_mean_the_session_s_schema() -> None:
    assert quick("SELECT * FROM queries", "flightlake_system")


def test_a_full_server_tells_what_it_runs(lake: Lake, services: Services) -> None:
    # By a clock that stands still, a client that reads slowly does not give its slot up.
    served = services(lake, running=1, queued=0, clock=ManualClock(MOMENT))
    stream = served.execute(served.describe(ENDLESS).statement)
    with pytest.raises(Overloaded):
        served.describe("SELECT 1")
    asked = "SELECT count(*) FROM flightlake_system.queries"
    served.service.prepare(served.statement(asked), Cancellation())
    assert served.rows(asked) == [(0,)]  # whose rows a caller sees is not the point here
    assert (served.running, served.waiting) == (1, 0)
    stream.close()
