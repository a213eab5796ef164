"""From the engine's asynchronous streams to one synchronous, bounded, cancellable iterator.

The only place with asyncio.  All partitions of a plan are drawn from at the same time (joins
wait for each other's partitions).  Cancelling a task is not enough to stop the engine: the last
reference to its stream has to go.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from datafusion import ExecutionPlan, SessionContext

from flightlake.engine.outlet import AHEAD, Outlet, stopping


class EngineLoop:
    """One thread with an event loop, on which all streams are drawn."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def call(self, function: Callable[..., object], *arguments: Any) -> bool:
        """Call *function* on the loop soon; return False once the loop has stopped."""
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            return False
        return True

    def stop(self) -> None:
        """Stop the loop; streams that are still drawn are dropped, and end with an error."""
        self.call(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.run_until_complete(self._drop())
        self._loop.close()

    async def _drop(self) -> None:
        drawn = asyncio.all_tasks() - {asyncio.current_task()}
        for task in drawn:
            task.cancel()
        await asyncio.gather(*drawn, return_exceptions=True)


class _Credits:
    """How many batches of one partition may still be made before one is taken."""

    def __init__(self, loop: EngineLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._left = AHEAD
        self._waiting: asyncio.Future[None] | None = None

    async def use(self) -> None:
        """Use one, when there is one."""
        with self._lock:
            if self._left:
                self._left -= 1
                return
            self._waiting = waiting = asyncio.get_running_loop().create_future()
        await waiting

    def give(self) -> None:
        """Give one back; from any thread, which wakes the loop only if it has to."""
        with self._lock:
            waiting, self._waiting = self._waiting, None
            if waiting is None:
                self._left += 1
        if waiting is not None:
            self._loop.call(_resolve, waiting)


def _resolve(waiting: "asyncio.Future[None]") -> None:
    if not waiting.done():
        waiting.set_result(None)


class LoopPump(Outlet):
    """Draws any plan on the loop: it can be stopped at every point where the engine yields."""

    def __init__(self, loop: EngineLoop, engine: SessionContext, plan: ExecutionPlan) -> None:
        super().__init__(plan.partition_count)
        self._loop = loop
        self._tasks: list[asyncio.Task[None]] = []
        # Here and not on the loop: this waits for the engine's threads, and while statements
        # that do not yield keep those busy, the loop would stand still for everybody.
        try:
            streams = [engine.execute(plan, number) for number in range(plan.partition_count)]
        except BaseException as error:  # noqa: BLE001 - the engine panics with a BaseException
            self.end(error)
            return
        if not loop.call(self._begin, streams):
            self.end(stopping())

    def _begin(self, streams: list[Any]) -> None:
        while streams and not self.closed:
            drawing = self._draw(streams.pop())
            self._tasks.append(asyncio.get_running_loop().create_task(drawing))
        streams.clear()

    async def _draw(self, stream: Any) -> None:
        credits_ = _Credits(self._loop)
        error: BaseException | None = None
        try:
            while True:
                await credits_.use()
                batch = await stream.__anext__()
                self.put(batch, credits_)
                del batch
        except StopAsyncIteration:
            pass
        except asyncio.CancelledError:
            # Nobody reads any more, or the server stops: then this must not look like the end.
            error = None if self.closed else stopping()
        except BaseException as failure:  # noqa: BLE001 - the engine panics with a BaseException
            error = failure
        finally:
            del stream
            self.end(error)

    def _stop(self) -> None:
        self._loop.call(self._cancel)

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
