"""What the engine makes is handed on whole, or the reader is told: no early end in silence."""

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest
from datafusion import ExecutionPlan, SessionConfig, SessionContext

from flightlake.engine.pump import EngineLoop, LoopPump
from flightlake.errors import NotReady
from tests.fix_server import eventually

PARTITIONS = 3
ROWS = 1_200


@pytest.fixture
def loop() -> Iterator[EngineLoop]:
    made = EngineLoop()
    yield made
    made.stop()


@pytest.fixture
def context() -> SessionContext:
    return SessionContext(SessionConfig().with_batch_size(100).with_target_partitions(PARTITIONS))


def planned(context: SessionContext, expression: str = "value") -> ExecutionPlan:
    """Return a plan of several partitions with *ROWS* rows, *expression* of 0, 1, …."""
    share = ROWS // PARTITIONS
    parts = [
        f"SELECT {expression} AS v FROM range({number * share}, {(number + 1) * share})"
        for number in range(PARTITIONS)
    ]
    return context.sql(" UNION ALL ".join(parts)).execution_plan()


def endless(context: SessionContext) -> ExecutionPlan:
    return context.sql("SELECT value AS v FROM range(0, 1000000000000)").execution_plan()


def values(batches: list[pa.RecordBatch]) -> list[int]:
    return sorted(value for batch in batches for value in batch["v"].to_pylist())


def test_all_batches_of_all_partitions_come(loop: EngineLoop, context: SessionContext) -> None:
    plan = planned(context)
    assert plan.partition_count == PARTITIONS
    pump = LoopPump(loop, context, plan)
    assert values(list(pump)) == list(range(ROWS))
    assert pump.ended


def test_an_error_in_the_middle_is_raised(loop: EngineLoop, context: SessionContext) -> None:
    pump = LoopPump(loop, context, planned(context, f"10 / ({ROWS - 1} - value)"))
    with pytest.raises(Exception, match="Divide by zero"):
        list(pump)
    assert not pump.ended


def test_close_from_another_thread_ends_the_iteration(
    loop: EngineLoop, context: SessionContext
) -> None:
    pump = LoopPump(loop, context, endless(context))
    begun = threading.Event()

    def read() -> None:
        for _ in pump:
            begun.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert begun.wait(120)
    pump.close()
    reader.join(120)
    assert not reader.is_alive()
    assert not pump.ended


def test_nobody_who_reads_is_left_waiting_or_told_of_an_end_when_the_loop_stops(
    context: SessionContext,
) -> None:
    loop = EngineLoop()
    pump = LoopPump(loop, context, endless(context))
    batches = iter(pump)
    next(batches)
    loop.stop()
    with pytest.raises(NotReady, match="has not sent all rows"):
        list(batches)
    assert not pump.ended


def test_a_loop_that_has_stopped_says_so(context: SessionContext) -> None:
    loop = EngineLoop()
    loop.stop()
    with pytest.raises(NotReady, match="is stopping"):
        list(LoopPump(loop, context, planned(context)))


def test_no_more_than_a_few_batches_are_made_ahead(
    loop: EngineLoop, context: SessionContext
) -> None:
    pump = LoopPump(loop, context, planned(context))
    eventually(lambda: pump.waiting() == 2 * PARTITIONS, "two of each partition's four are made")
    assert values(list(pump)) == list(range(ROWS))
