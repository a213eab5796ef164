"""Plans that only read: whole, bounded, stoppable; and only those are drawn that way."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datafusion import ExecutionPlan, SessionConfig, SessionContext

from flightlake.engine.scan_pump import ScanPump, ScanThreads, is_steady
from flightlake.errors import NotReady
from tests.fix_server import eventually

FILES = 5
ROWS = 1_000


@pytest.fixture
def threads() -> Iterator[ScanThreads]:
    made = ScanThreads(2)
    yield made
    made.stop()


@pytest.fixture
def context(tmp_path: Path) -> SessionContext:
    for number in range(FILES):
        values = pa.table({"v": range(number * ROWS, (number + 1) * ROWS)})
        pq.write_table(values, tmp_path / f"{number}.parquet", row_group_size=100)
    config = SessionConfig().with_batch_size(100).with_target_partitions(FILES)
    context = SessionContext(config)
    context.register_parquet("t", str(tmp_path))
    return context


def planned(context: SessionContext, sql: str = "SELECT v FROM t") -> ExecutionPlan:
    return context.sql(sql).execution_plan()


def values(batches: list[pa.RecordBatch]) -> list[int]:
    return sorted(value for batch in batches for value in batch[0].to_pylist())


@pytest.mark.parametrize(
    "sql",
    ["SELECT * FROM t", "SELECT v + 1, v FROM t", "SELECT v FROM t UNION ALL SELECT 2 * v FROM t"],
)
def test_what_only_reads_is_steady(context: SessionContext, sql: str) -> None:
    assert is_steady(planned(context, sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT v FROM t WHERE v % 7 = 8",
        "SELECT sum(v) FROM t",
        "SELECT v FROM t ORDER BY v",
        "SELECT a.v FROM t AS a JOIN t AS b ON a.v = b.v",
        "SELECT v FROM t UNION ALL SELECT sum(v) FROM t",
        "SELECT value FROM range(0, 1000000000000)",
    ],
)
def test_what_looks_for_rows_is_not_steady(context: SessionContext, sql: str) -> None:
    assert not is_steady(planned(context, sql))


def test_a_scan_that_filters_is_not_steady(tmp_path: Path, context: SessionContext) -> None:
    pushing = SessionConfig().set("datafusion.execution.parquet.pushdown_filters", "true")
    session = SessionContext(pushing)
    session.register_parquet("t", str(tmp_path))
    plan = planned(session, "SELECT v FROM t WHERE v = 77")
    assert "FilterExec" not in plan.display_indent()
    assert not is_steady(plan)


def test_all_batches_of_all_partitions_come(threads: ScanThreads, context: SessionContext) -> None:
    plan = planned(context)
    assert plan.partition_count == FILES
    pump = ScanPump(threads, context, plan)
    assert values(list(pump)) == list(range(FILES * ROWS))
    assert pump.ended


def test_an_error_in_the_middle_is_raised(threads: ScanThreads, context: SessionContext) -> None:
    plan = planned(context, f"SELECT 10 / ({FILES * ROWS - 1} - v) FROM t")
    assert is_steady(plan)
    pump = ScanPump(threads, context, plan)
    with pytest.raises(Exception, match="Divide by zero"):
        list(pump)
    assert not pump.ended


def test_no_more_than_a_few_batches_are_made_ahead(
    threads: ScanThreads, context: SessionContext
) -> None:
    pump = ScanPump(threads, context, planned(context))
    eventually(lambda: pump.waiting() >= 2, "two of the first partition are made")
    batches = iter(pump)
    first = [next(batches) for _ in range(3)]
    assert pump.waiting() <= 4
    assert values(first + list(batches)) == list(range(FILES * ROWS))


def test_a_reader_who_pauses_gets_all_rows(
    threads: ScanThreads, context: SessionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without patience, the thread lets go before each batch is taken, and is asked for again.
    monkeypatch.setattr("flightlake.engine.scan_pump._PATIENCE", 0.0)
    pump = ScanPump(threads, context, planned(context))
    assert values(list(pump)) == list(range(FILES * ROWS))


def test_close_from_another_thread_ends_the_iteration(
    threads: ScanThreads, context: SessionContext
) -> None:
    pump = ScanPump(threads, context, planned(context))
    begun, go_on = threading.Event(), threading.Event()

    def read() -> None:
        for _ in pump:
            begun.set()
            go_on.wait(120)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert begun.wait(120)
    pump.close()
    go_on.set()
    reader.join(120)
    assert not reader.is_alive()
    assert not pump.ended
    eventually(
        lambda: all(partition._stream is None for partition in pump._partitions),
        "all streams have been let go",
    )


def test_nobody_is_told_of_an_end_when_the_threads_stop(context: SessionContext) -> None:
    threads = ScanThreads(2)
    pump = ScanPump(threads, context, planned(context))
    batches = iter(pump)
    next(batches)
    threads.stop()
    with pytest.raises(NotReady, match="has not sent all rows"):
        list(batches)
    assert not pump.ended
