"""From the engine's asynchronous streams to one synchronous, bounded, cancellable iterator.

The only place with asyncio.  All partitions of a plan are drawn from at the same time (joins
wait for each other's partitions), each with at most one batch that nobody has taken yet.
Cancelling a task is not enough to stop the engine: the last reference to its stream has to go.
"""

import asyncio
import queue
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import pyarrow as pa
from datafusion import ExecutionPlan, SessionContext

from flightlake.errors import NotReady


class EngineLoop:
    """One thread with an event loop, on which all streams are drawn."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="engine", daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run *work* on the loop.

        Raises:
            NotReady: The loop has stopped.
        """
        try:
            asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            raise NotReady("the server is stopping; run the statement again elsewhere") from None

    def call(self, function: Any, *arguments: Any) -> None:
        """Call *function* on the loop soon; does nothing once the loop has stopped."""
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            return

    def stop(self) -> None:
        """Stop the loop; streams that are still drawn are dropped, and whoever reads one wakes."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        self._thread.join(5)
        if not self._thread.is_alive():
            self._loop.close()

    async def _end(self) -> None:
        drawing = asyncio.all_tasks() - {asyncio.current_task()}
        for task in drawing:
            task.cancel()
        await asyncio.gather(*drawing, return_exceptions=True)
        self._loop.stop()


class _End:
    """Marks the end of one partition, and the error it ended with."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Pump:
    """The batches of an execution, in the order they come; ends at the first error.

    Iterate in one thread; ``close`` may be called from any, and wakes it.
    """

    def __init__(self, loop: EngineLoop, engine: SessionContext, plan: ExecutionPlan) -> None:
        self._loop = loop
        self._queue: queue.SimpleQueue[tuple[pa.RecordBatch, asyncio.Semaphore] | _End] = (
            queue.SimpleQueue()
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._open = plan.partition_count
        self._closed = False
        loop.start(self._begin(engine, plan))

    async def _begin(self, engine: SessionContext, plan: ExecutionPlan) -> None:
        for partition in range(plan.partition_count):
            if self._closed:
                self._queue.put(_End(None))
                continue
            try:
                stream = engine.execute(plan, partition)
            except BaseException as error:  # noqa: BLE001 - the engine panics with a BaseException
                self._queue.put(_End(error))
                continue
            self._tasks.append(asyncio.ensure_future(self._draw(stream)))
            del stream

    async def _draw(self, stream: Any) -> None:
        credit = asyncio.Semaphore(1)
        error: BaseException | None = None
        try:
            while True:
                await credit.acquire()
                batch = (await stream.__anext__()).to_pyarrow()
                self._queue.put((batch, credit))
                del batch
        except StopAsyncIteration:
            pass
        except asyncio.CancelledError:
            pass
        except BaseException as failure:  # noqa: BLE001 - the engine panics with a BaseException
            # Its traceback would keep this frame, and so the stream, alive.
            error = failure.with_traceback(None)
        finally:
            del stream
            self._queue.put(_End(error))

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield batches; raise what the engine raised; just end after ``close``."""
        while self._open and not self._closed:
            item = self._queue.get()
            if isinstance(item, _End):
                self._open -= 1
                if item.error is not None:
                    self.close()
                    raise item.error
                continue
            batch, credit = item
            del item
            # Asked for before this batch is used: the next one is made meanwhile.
            self._loop.call(credit.release)
            yield batch

    def close(self) -> None:
        """Stop the engine's work and let go of its streams."""
        if self._closed:
            return
        self._closed = True
        self._loop.call(self._cancel)
        self._queue.put(_End(None))

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
