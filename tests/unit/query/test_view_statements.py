"""Statements about views are described without being run, and a ticket runs one once."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flightlake.auth import Identity, Session
from flightlake.cancellation import Cancellation
from flightlake.clock import ManualClock
from flightlake.engine.engine import Defaults
from flightlake.errors import Cancelled, NotFound, PreconditionFailed, TimedOut, Unsupported
from flightlake.flightsql.payloads import Statement
from flightlake.query.admission import Slots
from flightlake.query.planning import Planning
from flightlake.query.service import QueryService, StatementLimits
from flightlake.query.view_statements import ViewStatements
from flightlake.query.workers import Workers
from flightlake.refresh.outcomes import OUTCOMES
from tests.fix_catalogs import orders
from tests.fix_engine import MOMENT, in_thread
from tests.fix_materialized import WRITER, Interrupted, Mill, Mills, mills
from tests.fix_server import Recorder, eventually

__all__ = ["mills"]

SESSION = Session("s")
# Computes for ever, and can be stopped at any time.
ENDLESS = (
    "CREATE MATERIALIZED VIEW e AS SELECT count(*) AS n FROM generate_series(1, 1000000000000)"
)


@dataclass
class Bench:
    mill: Mill
    query: QueryService
    views: ViewStatements
    observed: Recorder
    clock: ManualClock

    def statement(self, sql: str) -> Statement:
        return self.query.new_statement(sql, WRITER, SESSION)

    def ticket(self, sql: str) -> Statement:
        return self.views.describe(self.statement(sql)).statement

    def read(self, ticket: Statement, call: Cancellation | None = None) -> list[Any]:
        stream = self.views.execute(ticket, WRITER, call or Cancellation())
        return [row for batch in stream for row in batch.to_pylist()]


@pytest.fixture
def bench(mills: Mills, tmp_path: Path) -> Iterator[Bench]:
    mill = mills(Interrupted)
    mill.lake.create("orders").append(orders(1, 2))
    clock, observed = ManualClock(MOMENT), Recorder()
    slots = Slots(1, 4, timedelta(seconds=30), clock, observed)
    limits = StatementLimits(timedelta(hours=1), 10_000)
    planning = Planning(mill.engine, Workers(1))
    defaults = Defaults(mill.lake.name, mill.lake.root)
    query = QueryService(planning, slots, limits, defaults, clock, observed)
    views = ViewStatements(mill.views, query, slots, limits, clock, observed)
    yield Bench(mill, query, views, observed, clock)
    query.close()


def test_describing_and_preparing_run_nothing(bench: Bench) -> None:
    statement = bench.statement("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    assert bench.views.knows(statement)
    assert bench.views.prepare(statement).schema == OUTCOMES
    assert bench.views.describe(statement).schema == OUTCOMES
    assert bench.mill.run("SHOW MATERIALIZED VIEWS") == []


def test_what_is_not_there_is_refused_when_it_is_prepared(bench: Bench) -> None:
    statement = bench.statement("REFRESH MATERIALIZED VIEW v WAIT '1 s'")
    for ask in (bench.views.prepare, bench.views.describe):
        with pytest.raises(Unsupported, match="use ASYNC"):
            ask(statement)


def test_a_ticket_runs_its_statement_once_and_only_for_whom_it_is(bench: Bench) -> None:
    ticket = bench.ticket("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    with pytest.raises(NotFound, match="issued to you"):
        bench.views.execute(ticket, Identity("eve", WRITER.roles), Cancellation())
    assert bench.read(ticket)[0]["rows"] == 2
    with pytest.raises(NotFound, match="has been read"):
        bench.read(ticket)


def test_a_ticket_that_is_being_run_is_not_run_a_second_time(bench: Bench) -> None:
    ticket = bench.ticket("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    refusals: list[BaseException] = []

    def again() -> None:
        with pytest.raises(PreconditionFailed, match="being run already") as caught:
            bench.read(ticket)
        refusals.append(caught.value)

    bench.mill.catalog.before = again
    assert bench.read(ticket)[0]["state"] == "READY"
    assert len(refusals) == 1


def test_a_running_statement_is_cancelled_by_its_ticket(bench: Bench) -> None:
    ticket = bench.ticket(ENDLESS)
    work = in_thread(lambda: bench.read(ticket))
    eventually(lambda: bench.query.registry._running, "the statement runs")
    assert bench.query.cancel(ticket, WRITER)
    with pytest.raises(Cancelled):
        work.result()
    assert bench.mill.run("SHOW MATERIALIZED VIEWS") == []
    # Its slot is free again.
    assert bench.read(bench.ticket("CREATE MATERIALIZED VIEW v AS SELECT 1 AS n"))


def test_a_statement_takes_no_longer_than_all_may(bench: Bench) -> None:
    ticket = bench.ticket(ENDLESS)
    work = in_thread(lambda: bench.read(ticket))

    def later() -> bool:
        bench.clock.advance(timedelta(hours=2))
        return work.done

    eventually(later, "the statement is over")
    with pytest.raises(TimedOut, match="statement_timeout"):
        work.result()


def test_an_update_tells_how_many_rows_the_views_hold(bench: Bench) -> None:
    def update(sql: str) -> int:
        return bench.views.update(bench.statement(sql), WRITER, Cancellation())

    assert update("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders") == 2
    assert update("CREATE MATERIALIZED VIEW w AS SELECT id FROM v") == 2
    assert update("REFRESH MATERIALIZED VIEW v, w") == 4
    assert update("DESCRIBE MATERIALIZED VIEW v") == -1
    assert update("DROP MATERIALIZED VIEW v") == -1


def test_each_statement_is_told_of_once(bench: Bench) -> None:
    bench.read(bench.ticket("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders"))
    with pytest.raises(NotFound):
        bench.read(bench.ticket("REFRESH MATERIALIZED VIEW w"))
    told = [(fact.kind, fact.status) for fact in bench.observed.facts if hasattr(fact, "kind")]
    assert told == [("materialized view", "OK"), ("materialized view", "NOT_FOUND")]


def test_a_refresh_that_holds_the_last_slot_and_hangs_can_be_cancelled(bench: Bench) -> None:
    bench.read(bench.ticket("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders"))
    bench.mill.table("orders").append(orders(3))
    released, hangs = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        released.wait(60)

    bench.mill.catalog.before = hang
    work = in_thread(lambda: bench.read(bench.ticket("REFRESH MATERIALIZED VIEW v")))
    assert hangs.wait(60)
    (run,) = bench.mill.views.jobs.runs.under_way()
    (told,) = bench.read(bench.ticket(f"CANCEL REFRESH '{run.id}'"))
    assert told["state"] == "CANCELLED"
    # Its slot is free, although its catalog has not answered yet.
    assert len(bench.read(bench.ticket("SHOW MATERIALIZED VIEWS"))) == 1
    assert bench.mill.views.jobs.runs.under_way()
    released.set()
    assert work.result()[0]["rows"] == 3  # what was on its way by then was done
