"""A statement from its text to its last row: always ended, observed, its slot always back."""

import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flightlake.auth import Identity, Session
from flightlake.cancellation import Cancellation
from flightlake.clock import ManualClock
from flightlake.errors import (
    Cancelled,
    DamagedData,
    FlightlakeError,
    InvalidRequest,
    InvalidSql,
    NotFound,
    TimedOut,
)
from flightlake.flightsql.payloads import Statement
from flightlake.query.parameters import encode_rows
from tests.fix_catalogs import Lake
from tests.fix_engine import MOMENT, Served, Services, data_files, in_thread, small_lake
from tests.fix_server import eventually
from tests.fix_slow_catalog import HeldCatalog

# Runs for ever, and gives no row before its end.
ENDLESS = "SELECT count(*) FROM generate_series(1, 1000000000000)"
# Gives rows for a very long time.
LONG = "SELECT a.id FROM big a, big b, big c, big d"


@pytest.fixture
def served(lake: Lake, services: Services) -> Served:
    return services(lake)


@pytest.fixture
def held(lake: Lake, services: Services) -> tuple[Served, HeldCatalog]:
    catalog = HeldCatalog(lake.open())
    return services(lake, more={lake.name: catalog}), catalog


def all_free(served: Served) -> None:
    eventually(lambda: (served.running, served.waiting) == (0, 0), "all slots are free")


def idle() -> None:
    """Wait until this process uses next to no CPU."""

    def quiet() -> bool:
        begun, used = time.monotonic(), time.process_time()
        time.sleep(0.2)
        return time.process_time() - used < 0.3 * (time.monotonic() - begun)

    eventually(quiet, "the engine has stopped working")


def bound(statement: Statement, *columns: list[Any]) -> Statement:
    """Return *statement* with one bound row for each place of *columns*."""
    arrays = [pa.array(column) for column in columns]
    batch = pa.RecordBatch.from_arrays(arrays, names=[""] * len(arrays))
    return replace(statement, parameters=encode_rows(batch.schema, [batch]))


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


def test_cancel_stops_a_statement_that_has_given_nothing_yet(served: Served) -> None:
    statement = served.describe(ENDLESS).statement
    stream = served.execute(statement)
    reading = in_thread(lambda: list(stream))
    assert served.service.cancel(statement, served.identity) is True
    with pytest.raises(Cancelled):
        reading.result()
    all_free(served)
    assert served.finished[-1].status == "CANCELLED"
    idle()


@pytest.mark.parametrize("how", ["call", "close", "cancel"])
def test_statement_stops_between_batches(served: Served, how: str) -> None:
    statement = served.describe(LONG).statement
    call = Cancellation()
    stream = served.execute(statement, call)
    batches = iter(stream)
    for _ in range(3):
        next(batches)
    {
        "call": lambda: call.cancel(Cancelled("went away")),
        "close": stream.close,
        "cancel": lambda: served.service.cancel(statement, served.identity),
    }[how]()
    all_free(served)  # before anybody asks for another batch
    with pytest.raises(Cancelled):
        list(batches)
    stream.close()
    idle()
    assert [fact.status for fact in served.finished] == ["CANCELLED"]


def test_stalled_reader_holds_neither_cpu_nor_after_cancel_a_slot(served: Served) -> None:
    call = Cancellation()
    stream = served.execute(served.describe(LONG).statement, call)
    batches = iter(stream)
    next(batches)
    idle()  # back-pressure
    assert served.running == 1
    call.cancel()
    all_free(served)
    stream.close()


def test_stream_that_is_never_iterated_is_ended_by_close(served: Served) -> None:
    stream = served.execute(served.describe(LONG).statement)
    assert served.running == 1
    stream.close()
    stream.close()
    all_free(served)
    assert [fact.status for fact in served.finished] == ["CANCELLED"]
    with pytest.raises(Cancelled):
        list(stream)


def test_close_from_another_thread_ends_the_iteration(served: Served) -> None:
    stream = served.execute(served.describe(ENDLESS).statement)
    reading = in_thread(lambda: list(stream))
    closing = in_thread(stream.close)
    closing.result()
    with pytest.raises(Cancelled):
        reading.result()
    all_free(served)


def test_close_after_the_last_row_stays_a_success(served: Served) -> None:
    statement = served.describe("SELECT id FROM few").statement
    stream = served.execute(statement)
    assert sum(batch.num_rows for batch in stream) == 6
    stream.close()
    assert [fact.status for fact in served.finished] == ["OK"]


def test_cancel_while_planning_frees_the_caller_and_the_slot_at_once(
    held: tuple[Served, HeldCatalog],
) -> None:
    served, catalog = held
    catalog.hold()
    call = Cancellation()
    planning = in_thread(lambda: served.describe("SELECT * FROM few", call))
    assert catalog.waiting.wait(10)
    call.cancel(Cancelled("went away"))
    with pytest.raises(Cancelled, match="went away"):
        planning.result()
    all_free(served)
    assert served.rows("SELECT 1") == [(1,)]
    catalog.let_go()
    assert served.rows("SELECT count(*) FROM few") == [(6,)]


def test_cancel_while_a_ticket_is_planned_frees_the_slot_at_once(
    held: tuple[Served, HeldCatalog],
) -> None:
    served, catalog = held
    statement = served.describe("SELECT * FROM few").statement
    other = replace(statement, id="of another process")  # whose plan is not kept here
    catalog.hold()
    reading = in_thread(lambda: served.execute(other))
    assert catalog.waiting.wait(10)
    assert served.service.cancel(other, served.identity)
    with pytest.raises(Cancelled):
        reading.result()
    all_free(served)
    catalog.let_go()


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


def passes(clock: ManualClock, done: Callable[[], bool]) -> Callable[[], bool]:
    def advance() -> bool:
        clock.advance(timedelta(hours=2))
        return done()

    return advance


def test_statement_that_runs_too_long_is_ended(lake: Lake, services: Services) -> None:
    clock = ManualClock(MOMENT)
    served = services(lake, clock=clock)
    stream = served.execute(served.describe(ENDLESS).statement)
    reading = in_thread(lambda: list(stream))
    eventually(passes(clock, lambda: reading.done), "the statement is ended")
    with pytest.raises(TimedOut, match=r"longer than 3600 s \(limits\.statement_timeout\)"):
        reading.result()
    all_free(served)
    assert served.finished[-1].status == "DEADLINE_EXCEEDED"
    idle()


def test_planning_that_takes_too_long_is_ended(lake: Lake, services: Services) -> None:
    clock, catalog = ManualClock(MOMENT), HeldCatalog(lake.open())
    served = services(lake, clock=clock, more={lake.name: catalog})
    catalog.hold()
    planning = in_thread(lambda: served.describe("SELECT * FROM few"))
    assert catalog.waiting.wait(10)
    eventually(passes(clock, lambda: planning.done), "the planning is ended")
    with pytest.raises(TimedOut):
        planning.result()
    all_free(served)
    catalog.let_go()


def test_error_while_reading_comes_through_and_frees_the_slot(
    tmp_path: Path, services: Services
) -> None:
    lake = small_lake(tmp_path)
    served = services(lake)
    statement = served.describe("SELECT a.id FROM big a, big b").statement
    for file in data_files(tmp_path, "big")[1:]:
        content = bytearray(file.read_bytes())
        content[4:200] = b"\xff" * 196
        file.write_bytes(content)
    stream = served.execute(statement)
    with pytest.raises(DamagedData, match="not a readable Parquet file"):
        list(stream)
    all_free(served)
    assert served.finished[-1].status == "DATA_LOSS"
    with pytest.raises(DamagedData):  # the ticket still holds
        list(served.execute(statement))


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
        thread.result(120)
    all_free(served)
    idle()
    assert served.rows("SELECT count(*) FROM big") == [(120,)]
    ids = [fact.query_id for fact in served.finished]
    assert len(ids) == len(set(ids))  # one fact for each


def test_rows_of_parameters_are_executed_one_after_the_other(served: Served) -> None:
    statement = bound(served.statement("SELECT id, ? FROM few WHERE id >= ? ORDER BY id"),
                      ["a", "b", "c"], [11, 20, 99])  # fmt: skip
    described = served.service.describe(statement, Cancellation())
    expected = [(11, "a"), (20, "a"), (21, "a"), (20, "b"), (21, "b")]
    assert served.read(described.statement) == expected
    all_free(served)
    assert len(served.finished) == 1
    assert served.finished[0].rows == 5


def test_no_row_of_parameters_gives_no_row(served: Served) -> None:
    empty = pa.RecordBatch.from_arrays([pa.array([], pa.int64())], names=["n"])
    statement = replace(
        served.statement("SELECT id FROM few WHERE id = ?"),
        parameters=encode_rows(empty.schema, [empty]),
    )
    described = served.service.describe(statement, Cancellation())
    assert described.schema.names == ["id"]
    assert served.read(described.statement) == []
    all_free(served)


def test_parameters_that_are_not_bound_are_asked_for(served: Served) -> None:
    with pytest.raises(InvalidRequest, match="has 2 parameters and none are bound"):
        served.describe("SELECT ?, ?")
    with pytest.raises(InvalidRequest, match="has 1 parameters and 2 are bound"):
        served.service.describe(bound(served.statement("SELECT ?"), [1], [2]), Cancellation())
    all_free(served)


def test_null_in_a_later_row_of_parameters_fits_the_promised_schema(served: Served) -> None:
    statement = bound(served.statement("SELECT ?"), [1, None])
    assert served.read(served.service.describe(statement, Cancellation()).statement) == [
        (1,),
        (None,),
    ]
    all_free(served)


def test_later_rows_of_parameters_read_the_same_snapshot_and_stop_with_the_reader(
    tmp_path: Path, services: Services
) -> None:
    lake = small_lake(tmp_path)
    catalog = HeldCatalog(lake.open())
    served = services(lake, more={lake.name: catalog})
    statement = bound(served.statement("SELECT count(*) FROM few WHERE id >= ?"), [0] * 200)
    described = served.service.describe(statement, Cancellation())
    stream = served.execute(described.statement)
    batches = iter(stream)
    assert next(batches).column(0).to_pylist() == [6]
    lake.writer.load_table((lake.root, "few")).append(
        pa.table(
            {"id": [7], "name": ["new"]}, pa.schema([("id", pa.int64()), ("name", pa.string())])
        )
    )
    assert next(batches).column(0).to_pylist() == [6]
    stream.close()
    loads = catalog.loads
    with pytest.raises(Cancelled):
        list(batches)
    assert catalog.loads <= loads + 4  # the row that was being planned, and no other
    all_free(served)


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


def test_client_that_does_not_come_back_does_not_keep_others_out(
    lake: Lake, services: Services
) -> None:
    clock = ManualClock(MOMENT)
    served = services(lake, running=1, clock=clock)
    stream = served.execute(served.describe("SELECT * FROM big").statement)
    batches = iter(stream)
    next(batches)
    assert served.running == 1
    clock.advance(timedelta(seconds=3))
    eventually(lambda: served.running == 0, "the slot rests")
    assert served.rows("SELECT 1") == [(1,)]
    rest = sum(batch.num_rows for batch in batches)
    assert rest > 0
    assert served.running == 0
    assert served.finished[-1].rows == 120
