"""A statement from its text to its last row: always ended, observed, its slot always back."""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from flightlake.auth import Identity, Session
from flightlake.cancellation import Cancellation
from flightlake.clock import ManualClock
from flightlake.errors import Cancelled, FlightlakeError, InvalidRequest, InvalidSql, NotFound
from tests.fix_catalogs import Lake
from tests.fix_engine import MOMENT, Served, Services, in_thread, small_lake
from tests.fix_query import ENDLESS, LONG, all_free, idle
from tests.fix_server import eventually


def test_rows_come_and_the_fact_tells_of_them(served: Served) -> None:
    assert served.rows("SELECT count(*), sum(id) FROM big") == [(120, 7140)]
    assert served.rows("SELECT id FROM few ORDER BY id LIMIT 2") == [(0,), (1,)]
    all_free(served)
    assert [(fact.status, fact.rows, fact.kind) for fact in served.finished] == [
        ("OK", 1, "select"),
        ("OK", 2, "select"),
    ]


def test_wrong_statement_is_refused_observed_and_frees_its_slot(served: Served) -> None:
    for sql, kind in (("SELECT nope FROM few", "select"), ("SELEC", "unknown")):
        with pytest.raises(InvalidSql):
            served.describe(sql)
        assert (served.finished[-1].status, served.finished[-1].kind) == ("INVALID_ARGUMENT", kind)
    all_free(served)


def test_error_does_not_hold_itself_as_its_cause(served: Served) -> None:
    with pytest.raises(InvalidSql) as caught:
        served.describe("SELECT nope FROM few")
    assert caught.value.__cause__ is not caught.value


def test_long_text_is_refused(lake: Lake, services: Services) -> None:
    served = services(lake, sql_bytes=20)
    assert served.rows("SELECT 1") == [(1,)]
    with pytest.raises(InvalidRequest, match=r"23 bytes .*limits\.statement_bytes"):
        served.describe("SELECT 'éé' AS column")


def test_ticket_is_used_up_by_reading_to_the_end(served: Served) -> None:
    statement = served.describe("SELECT id FROM few").statement
    assert len(served.read(statement)) == 6
    with pytest.raises(NotFound, match="has been read; run the statement again"):
        served.execute(statement)
    with pytest.raises(NotFound, match="has been read"):
        served.service.extended(statement, served.identity)
    assert served.service.cancel(statement, served.identity) is False
    all_free(served)


def test_broken_reading_can_be_begun_anew(served: Served) -> None:
    statement = served.describe("SELECT id FROM big").statement
    for _ in range(3):
        stream = served.execute(statement)
        assert next(iter(stream)).num_rows > 0
        stream.close()
        assert served.finished[-1].status == "CANCELLED"
        all_free(served)
    assert len(served.read(statement)) == 120


def test_plan_that_is_no_longer_kept_is_made_again_on_the_same_snapshot(
    tmp_path: Path, services: Services
) -> None:
    lake, clock = small_lake(tmp_path), ManualClock(MOMENT)
    served = services(lake, clock=clock)
    statement = served.describe("SELECT count(*), now() FROM few").statement
    lake.writer.load_table((lake.root, "few")).append(
        pa.table(
            {"id": [7], "name": ["new"]}, pa.schema([("id", pa.int64()), ("name", pa.string())])
        )
    )
    clock.advance(timedelta(minutes=5))
    [(count, moment)] = served.read(statement)
    assert count == 6
    assert str(moment) == "2026-01-02 03:04:05.678901"  # of the statement, not of the reading


@pytest.mark.parametrize("use", ["execute", "cancel", "extended"])
def test_ticket_of_another_identity_is_not_known(served: Served, use: str) -> None:
    statement = served.describe("SELECT 1").statement
    mallory = Identity("mallory")
    uses: dict[str, Callable[[], object]] = {
        "execute": lambda: served.service.execute(statement, mallory, Cancellation()),
        "cancel": lambda: served.service.cancel(statement, mallory),
        "extended": lambda: served.service.extended(statement, mallory),
    }
    with pytest.raises(NotFound, match="not one that was issued to you"):
        uses[use]()
    assert served.read(statement) == [(1,)]


def test_cancelled_statement_cannot_be_read(served: Served) -> None:
    statement = served.describe("SELECT id FROM few").statement
    assert served.service.cancel(statement, served.identity) is True
    assert served.service.cancel(statement, served.identity) is False
    with pytest.raises(NotFound, match="was cancelled"):
        served.execute(statement)


def test_cancel_while_waiting_for_a_slot(lake: Lake, services: Services) -> None:
    served = services(lake, running=1)
    running = served.execute(served.describe(LONG).statement)
    call = Cancellation()
    waiting = in_thread(lambda: served.describe("SELECT 1", call))
    eventually(lambda: served.waiting == 1, "it waits")
    call.cancel(Cancelled("went away"))
    with pytest.raises(Cancelled, match="went away"):
        waiting.result()
    assert (served.running, served.waiting) == (1, 0)
    running.close()
    all_free(served)


def test_service_that_is_closed_wakes_its_readers(lake: Lake, services: Services) -> None:
    served = services(lake)
    stream = served.execute(served.describe(ENDLESS).statement)
    reading = in_thread(lambda: list(stream))
    eventually(lambda: served.running == 1, "it runs")
    served.service.close()
    with pytest.raises(FlightlakeError):
        reading.result()
    all_free(served)


def test_slots_and_threads_survive_cancels_at_random_moments(
    lake: Lake, services: Services
) -> None:
    served = services(lake, running=3, queued=100)
    statements = [
        "SELECT count(*) FROM big WHERE id > 50",
        LONG,
        ENDLESS,
        "SELECT nope FROM few",
        "SELECT a.id FROM big a JOIN few b ON a.id = b.id",
    ]

    def work(seed: int) -> None:
        source = random.Random(seed)  # noqa: S311 - the same each time
        for _ in range(25):
            call = Cancellation()
            canceller = in_thread(
                lambda call=call: (time.sleep(source.random() * 0.05), call.cancel())
            )
            try:
                described = served.describe(source.choice(statements), call)
                stream = served.execute(described.statement, call)
                try:
                    for _ in stream:
                        if source.random() < 0.2:
                            break
                finally:
                    stream.close()
            except FlightlakeError:
                pass
            canceller.result()

    threads = [in_thread(lambda seed=seed: work(seed)) for seed in range(8)]
    for thread in threads:
        thread.result(600)
    all_free(served)
    idle()
    assert served.rows("SELECT count(*) FROM big") == [(120,)]
    ids = [fact.query_id for fact in served.finished]
    assert len(ids) == len(set(ids))  # one fact for each


def test_session_says_what_names_mean(served: Served, lake: Lake) -> None:
    statement = served.service.new_statement(
        "SELECT count(*) FROM few", served.identity, Session("s", {"schema": "other"})
    )
    with pytest.raises(NotFound, match="schema 'other' does not exist"):
        served.service.describe(statement, Cancellation())
    assert served.service.session_defaults(Session("s")) == {
        "catalog": lake.name,
        "schema": lake.root,
    }
    # The configured schema is of the configured catalog.
    assert served.service.session_defaults(Session("s", {"catalog": "b"})) == {"catalog": "b"}
