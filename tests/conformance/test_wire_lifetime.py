"""A call that nobody wants any more ends at once, and frees what it holds."""

import threading
from collections.abc import Callable, Iterator

import grpc
import pyarrow as pa
import pyarrow.flight as flight
import pytest

from flightlake._proto import Flight_pb2, FlightSql_pb2
from flightlake.clock import SystemClock
from flightlake.commands.command import Call
from flightlake.errors import Cancelled, FlightlakeError, TimedOut
from flightlake.flightsql.messages import pack
from flightlake.server.codec import encode_stream
from flightlake.telemetry import InternalFailure, RpcFinished
from tests.fix_results import NUMBERS, Result, Stream, failing, result_of
from tests.fix_server import BEARER, DEADLINE, Running, descriptor, eventually, status, ticket

LATER = (0.3, 2, 20)
"""Seconds of a deadline: on a busy machine the shorter ones may pass before a call arrives."""

BATCH = pa.record_batch({"n": pa.array(range(250_000))})  # 2 MB, one message


class Waiting:
    """A plan or a stream that waits for its cancellation, and keeps what it was told."""

    def __init__(self, first: int = 0) -> None:
        self.first = first
        self.entered = threading.Event()
        self.reasons: list[FlightlakeError] = []
        self.streams: list[Stream] = []

    def plan(self, call: Call) -> None:
        cancelled = threading.Event()
        call.cancellation.on_cancel(cancelled.set)
        self.entered.set()
        assert cancelled.wait(DEADLINE)
        self.reasons.append(call.cancellation.reason)
        call.cancellation.check()

    def open(self, call: Call) -> Stream:
        def batches() -> Iterator[pa.RecordBatch]:
            for _ in range(self.first):
                yield BATCH
            self.plan(call)

        self.streams.append(Stream(BATCH.schema, batches()))
        return self.streams[-1]


class Endless:
    """Batches without end."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []

    def open(self, call: Call) -> Stream:
        def batches() -> Iterator[pa.RecordBatch]:
            while True:
                yield BATCH

        self.streams.append(Stream(BATCH.schema, batches()))
        return self.streams[-1]


def statuses(wire: Running) -> list[str]:
    return [fact.status for fact in wire.observed.of(RpcFinished)]


@pytest.mark.parametrize("method", ["GetFlightInfo", "PollFlightInfo", "GetSchema"])
def test_a_cancel_reaches_planning(wire: Running, method):
    waiting = Waiting()
    wire.results["slow"] = result_of(NUMBERS, plan=waiting.plan)
    call = wire.method("unary_unary", method).future(
        descriptor("slow"), metadata=(("authorization", BEARER),)
    )
    assert waiting.entered.wait(DEADLINE)
    call.cancel()
    eventually(lambda: statuses(wire) == ["CANCELLED"], "the call ended")
    assert isinstance(waiting.reasons[0], Cancelled)


def test_the_clients_deadline_reaches_planning(wire: Running):
    waiting = Waiting()
    wire.results["slow"] = result_of(NUMBERS, plan=waiting.plan)
    for seconds in LATER:
        code, _ = status(
            lambda s=seconds: wire.unary("GetFlightInfo", descriptor("slow"), timeout=s)
        )
        assert code is grpc.StatusCode.DEADLINE_EXCEEDED
        if waiting.entered.is_set():
            break
    eventually(lambda: waiting.reasons, "planning has ended")
    eventually(lambda: set(statuses(wire)) == {"DEADLINE_EXCEEDED"}, "the call ended")
    assert isinstance(waiting.reasons[0], TimedOut)


@pytest.mark.parametrize("first", [0, 1], ids=["before the first batch", "after it"])
def test_a_cancel_ends_a_stream_that_computes(wire: Running, first):
    waiting = Waiting(first)
    wire.results["slow"] = Result(BATCH.schema, waiting.open)
    call = wire.stream("DoGet", ticket("slow"))
    messages = [next(call) for _ in range(1 + first)]
    assert len(messages) == 1 + first
    assert waiting.entered.wait(DEADLINE)
    call.cancel()
    eventually(waiting.streams[0].closed.is_set, "the stream is closed")
    eventually(lambda: statuses(wire) == ["CANCELLED"], "the call ended")
    assert isinstance(waiting.reasons[0], Cancelled)


def test_the_clients_deadline_ends_a_stream(wire: Running):
    waiting = Waiting(first=1)
    wire.results["slow"] = Result(BATCH.schema, waiting.open)
    for seconds in LATER:
        code, _ = status(lambda s=seconds: list(wire.stream("DoGet", ticket("slow"), timeout=s)))
        assert code is grpc.StatusCode.DEADLINE_EXCEEDED
        if waiting.entered.is_set():
            break
    eventually(lambda: waiting.streams and waiting.streams[0].closed.is_set(), "it is closed")
    eventually(lambda: set(statuses(wire)) == {"DEADLINE_EXCEEDED"}, "the call ended")


def test_a_reader_that_stops_holds_little_and_frees_it_when_it_goes(wire: Running):
    endless = Endless()
    wire.results["endless"] = Result(BATCH.schema, endless.open)
    call = wire.stream("DoGet", ticket("endless"))
    next(call)
    eventually(lambda: _at_rest(endless.streams[0]), "the server stopped producing")
    assert endless.streams[0].pulled * BATCH.nbytes < 40 * 2**20
    call.cancel()
    eventually(endless.streams[0].closed.is_set, "the stream is closed")
    eventually(lambda: statuses(wire) == ["CANCELLED"], "the call ended")


def _at_rest(stream: Stream) -> bool:
    before = stream.pulled
    threading.Event().wait(0.3)
    return stream.pulled == before


def test_a_client_whose_connection_breaks_frees_its_stream(wire: Running):
    endless = Endless()
    wire.results["endless"] = Result(BATCH.schema, endless.open)
    with grpc.insecure_channel(f"127.0.0.1:{wire.port}") as channel:
        method = channel.unary_stream("/arrow.flight.protocol.FlightService/DoGet")
        call = method(ticket("endless"), metadata=(("authorization", BEARER),))
        next(call)
    eventually(endless.streams[0].closed.is_set, "the stream is closed")


def test_pyarrow_cancelling_a_reader_frees_the_stream(wire: Running):
    endless = Endless()
    wire.results["endless"] = Result(BATCH.schema, endless.open)
    options = flight.FlightCallOptions(headers=[(b"authorization", BEARER.encode())])
    with wire.client() as client:
        held = Flight_pb2.Ticket.FromString(ticket("endless")).ticket
        reader = client.do_get(flight.Ticket(held), options)
        reader.read_chunk()
        reader.cancel()
        eventually(endless.streams[0].closed.is_set, "the stream is closed")


def test_a_stream_is_closed_after_its_last_row(wire: Running):
    streams: list[Stream] = []

    def opened(call: Call) -> Stream:
        streams.append(Stream(NUMBERS.schema, NUMBERS.to_batches()))
        return streams[-1]

    wire.results["kept"] = Result(NUMBERS.schema, opened)
    assert wire.read("kept").equals(NUMBERS)
    eventually(streams[0].closed.is_set, "the stream is closed")


def test_a_stream_is_closed_after_an_error(wire: Running):
    result = failing(ZeroDivisionError(), after=NUMBERS)
    streams: list[Stream] = []

    def opened(call: Call) -> Stream:
        streams.append(result.open(call))
        return streams[-1]

    wire.results["failing"] = Result(NUMBERS.schema, opened)
    status(lambda: list(wire.stream("DoGet", ticket("failing"))))
    assert streams[0].closed.is_set()


def test_a_call_that_ended_well_is_not_cancelled(wire: Running):
    assert wire.read("numbers").equals(NUMBERS)
    list(wire.stream("DoAction", Flight_pb2.Action(type="Echo").SerializeToString()))
    # The next call's end shows that the ends of these have been dealt with.
    waiting = Waiting(first=1)
    wire.results["slow"] = Result(BATCH.schema, waiting.open)
    call = wire.stream("DoGet", ticket("slow"))
    next(call)
    call.cancel()
    eventually(waiting.streams[0].closed.is_set, "the cancelled stream is closed")
    *ended_well, _ = wire.calls
    assert [one.cancellation.reason for one in ended_well] == [None] * len(ended_well)


def test_a_library_that_fails_because_its_input_was_closed_is_no_defect(wire: Running):
    entered = threading.Event()
    closed_while_reading: list[bool] = []

    def opened(call: Call) -> Stream:
        def batches() -> Iterator[pa.RecordBatch]:
            yield BATCH
            entered.set()
            closed_while_reading.append(stream.closed.wait(DEADLINE / 2))
            raise OSError("closed under my feet")

        stream = Stream(BATCH.schema, batches())
        return stream

    wire.results["fragile"] = Result(BATCH.schema, opened)
    call = wire.stream("DoGet", ticket("fragile"))
    next(call)
    assert entered.wait(DEADLINE)
    call.cancel()
    eventually(lambda: statuses(wire) == ["CANCELLED"], "the call ended")
    assert closed_while_reading == [True]
    assert wire.observed.of(InternalFailure) == []


def test_an_upload_that_is_cancelled_does_not_look_complete(wire: Running):
    update = Flight_pb2.FlightDescriptor(
        type=Flight_pb2.FlightDescriptor.CMD, cmd=pack(FlightSql_pb2.CommandStatementUpdate())
    )
    first = Flight_pb2.FlightData(flight_descriptor=update)
    schema, batch = _messages(NUMBERS)
    over = threading.Event()

    def messages() -> Iterator[bytes]:
        yield first.SerializeToString()
        yield schema
        yield batch
        over.wait(DEADLINE)

    call = wire.duplex("DoPut", messages())
    eventually(lambda: wire.calls, "the upload has begun")
    call.cancel()
    eventually(lambda: statuses(wire) == ["CANCELLED"], "the call ended")
    over.set()
    assert wire.uploads == []


def _messages(table: pa.Table) -> list[bytes]:
    return list(encode_stream(table.schema, table.to_batches(), SystemClock()))


def test_many_calls_cancelled_at_once_leave_nothing_behind(wire: Running):
    endless = Endless()
    wire.results["endless"] = Result(BATCH.schema, endless.open)
    calls = [wire.stream("DoGet", ticket("endless")) for _ in range(30)]
    for call in calls:
        next(call)
    for call in calls:
        call.cancel()
    eventually(lambda: all(stream.closed.is_set() for stream in endless.streams), "all are closed")
    eventually(lambda: wire.traffic.running == 0, "no call runs")
    assert wire.read("numbers").equals(NUMBERS)


def test_more_calls_than_allowed_are_refused_and_the_others_served(
    start: Callable[..., Running],
):
    wire = start(concurrent_rpcs=3)
    endless = Endless()
    wire.results["endless"] = Result(BATCH.schema, endless.open)
    calls = [wire.stream("DoGet", ticket("endless")) for _ in range(3)]
    for call in calls:
        next(call)
    code, _ = status(lambda: wire.unary("GetFlightInfo", descriptor("numbers")))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    for call in calls:
        assert len(next(call)) > BATCH.nbytes
        call.cancel()
