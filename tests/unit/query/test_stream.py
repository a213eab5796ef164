"""The rows of a running statement: bounded in time, stopped at any moment, always ended."""

from datetime import timedelta
from pathlib import Path

import pytest

from flightlake.cancellation import Cancellation
from flightlake.clock import ManualClock
from flightlake.errors import Cancelled, DamagedData, TimedOut
from tests.fix_catalogs import Lake
from tests.fix_engine import MOMENT, Served, Services, data_files, in_thread, small_lake
from tests.fix_query import ENDLESS, LONG, all_free, idle, passes
from tests.fix_server import eventually


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
