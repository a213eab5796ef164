"""What every RPC has in common: an end that is observed, and nothing left behind."""

import gc
import weakref

import grpc
import pytest

from flightlake.errors import Cancelled
from flightlake.telemetry import RpcFinished
from tests.fix_results import NUMBERS, Result, Stream, failing
from tests.fix_server import Running, descriptor, eventually, status, ticket


@pytest.fixture
def no_collector():
    """What is only freed by the cycle collector is not freed in time: a query runs on."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_the_duration_of_a_call_is_observed(wire: Running):
    wire.unary("GetFlightInfo", descriptor("numbers"))
    eventually(lambda: wire.observed.of(RpcFinished), "the call is observed")
    (fact,) = wire.observed.of(RpcFinished)
    assert 0 < fact.duration.total_seconds() < 10


def streams_of(wire: Running, result: Result) -> list[weakref.ref]:
    """Watch the streams that reading the result ``watched`` makes, without holding them."""
    made: list[weakref.ref] = []

    def opened(call):
        stream = result.open(call)
        made.append(weakref.ref(stream))
        return stream

    wire.results["watched"] = Result(result.schema, opened)
    return made


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("error", [None, ZeroDivisionError(), Cancelled("gone")], ids=repr)
def test_a_stream_is_freed_as_soon_as_its_call_has_ended(wire: Running, error):
    good = Result(NUMBERS.schema, lambda call: Stream(NUMBERS.schema, NUMBERS.to_batches()))
    made = streams_of(wire, failing(error, after=NUMBERS) if error else good)
    try:
        assert len(list(wire.stream("DoGet", ticket("watched")))) == 2
    except grpc.RpcError:
        assert error
    wire.results.clear()  # they hold the error, whose traceback is the test's own affair
    wire.calls.clear()
    eventually(lambda: made[0]() is None, "the stream is freed")


@pytest.mark.usefixtures("no_collector")
def test_a_cancelled_stream_is_freed(wire: Running):
    def endless():
        while True:
            yield from NUMBERS.to_batches()

    made = streams_of(wire, Result(NUMBERS.schema, lambda call: Stream(NUMBERS.schema, endless())))
    call = wire.stream("DoGet", ticket("watched"))
    next(call)
    call.cancel()
    wire.calls.clear()
    eventually(lambda: made[0]() is None, "the stream is freed")


def test_a_call_to_be_is_counted_while_it_runs(wire: Running):
    seen = []
    wire.results["numbers"].plan = lambda call: seen.append(wire.traffic.running)
    wire.unary("GetFlightInfo", descriptor("numbers"))
    assert seen == [1]
    eventually(lambda: wire.traffic.running == 0, "no call runs")
    status(lambda: wire.unary("GetFlightInfo", descriptor("missing")))
    eventually(lambda: wire.traffic.running == 0, "no call runs")
