"""The ten RPCs, over raw gRPC and with pyarrow's own Flight client."""

import base64
import threading

import grpc
import pyarrow as pa
import pyarrow.flight as flight
import pytest

from flightlake._proto import Flight_pb2, FlightSql_pb2
from flightlake.flightsql.messages import pack
from flightlake.telemetry import RpcFinished
from tests.fix_results import NUMBERS, result_of
from tests.fix_server import BEARER, Running, command, descriptor, eventually, status, ticket

KNOWN = flight.FlightCallOptions(headers=[(b"authorization", BEARER.encode())])


def basic(padded: bool) -> str:
    encoded = base64.b64encode(b"ada:lovelace").decode()
    return "Basic " + (encoded if padded else encoded.rstrip("="))


def test_a_query_is_described_and_read(wire: Running):
    assert wire.read("numbers").equals(NUMBERS)


def test_flight_info_has_schema_ticket_and_no_location(wire: Running):
    wire.results["numbers"].total_records = 1000
    info = Flight_pb2.FlightInfo.FromString(wire.unary("GetFlightInfo", descriptor("numbers")))
    assert pa.ipc.read_schema(pa.py_buffer(info.schema)).equals(NUMBERS.schema)
    assert info.flight_descriptor.cmd == command("numbers")
    (endpoint,) = info.endpoint
    assert list(endpoint.location) == []
    assert not endpoint.HasField("expiration_time")
    assert endpoint.ticket.SerializeToString() == ticket("numbers")
    assert (info.total_records, info.total_bytes, info.ordered) == (1000, -1, True)


def test_a_ticket_that_expires_says_when(wire: Running):
    wire.results["numbers"].expires_at_seconds = 1_800_000_000.25
    info = Flight_pb2.FlightInfo.FromString(wire.unary("GetFlightInfo", descriptor("numbers")))
    assert info.endpoint[0].expiration_time.ToJsonString() == "2027-01-15T08:00:00.250Z"


def test_polling_is_complete_at_once(wire: Running):
    wire.results["numbers"].expires_at_seconds = 1_800_000_000
    poll = Flight_pb2.PollInfo.FromString(wire.unary("PollFlightInfo", descriptor("numbers")))
    info = Flight_pb2.FlightInfo.FromString(wire.unary("GetFlightInfo", descriptor("numbers")))
    assert poll.info == info
    assert poll.progress == 1.0
    assert not poll.HasField("flight_descriptor")
    assert poll.expiration_time == info.endpoint[0].expiration_time


def test_the_schema_alone(wire: Running):
    answer = Flight_pb2.SchemaResult.FromString(wire.unary("GetSchema", descriptor("numbers")))
    assert pa.ipc.read_schema(pa.py_buffer(answer.schema)).equals(NUMBERS.schema)


def test_views_are_announced_and_sent_as_plain_columns(wire: Running):
    table = pa.table(
        {
            "s": pa.array(["a", "b" * 50], pa.string_view()),
            "l": pa.array([[b"x"], []], pa.list_(pa.binary_view())),
        }
    )
    wire.results["views"] = result_of(table)
    expected = pa.schema([("s", pa.string()), ("l", pa.list_(pa.binary()))])
    with wire.client() as client:
        info = client.get_flight_info(flight.FlightDescriptor.for_command(command("views")), KNOWN)
    assert info.schema.equals(expected)
    assert wire.read("views").schema.equals(expected)
    assert wire.read("views").to_pylist() == table.to_pylist()


@pytest.mark.parametrize("rows", [0, 1, 7, 100_000])
def test_results_of_any_length(wire: Running, rows):
    table = pa.table(
        {"n": pa.array(range(rows), pa.int64()), "s": pa.array(["x" * 50] * rows, pa.string())}
    )
    wire.results["some"] = result_of(table)
    assert wire.read("some").equals(table)


def test_dictionaries_that_are_replaced_between_batches(wire: Running):
    batches = [
        pa.record_batch({"d": pa.array(values).dictionary_encode()})
        for values in (["a", "b"], ["b", "c", None], ["a"] * 50, ["z"])
    ]
    wire.results["d"] = result_of(pa.Table.from_batches(batches))
    expected = [value for batch in batches for value in batch.column(0).to_pylist()]
    assert wire.read("d").column("d").to_pylist() == expected


def test_a_dictionary_larger_than_a_message(wire: Running):
    values = [f"{number}-" + "x" * 5000 for number in range(2000)]  # 10 MB
    wire.results["d"] = result_of(pa.table({"d": pa.array(values).dictionary_encode()}))
    messages = list(wire.stream("DoGet", ticket("d")))  # grpcio's own limit is 4 MiB
    assert len(messages) > 4
    assert wire.read("d").column("d").to_pylist() == values


def test_a_union_reaches_pyarrow(wire: Running):
    union = pa.UnionArray.from_dense(
        pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array(["a"]), pa.array([1])]
    )
    wire.results["u"] = result_of(pa.table({"u": union}))
    assert wire.read("u").to_pylist() == [{"u": "a"}, {"u": 1}]


def test_an_upload_reaches_its_command(wire: Running):
    with wire.client() as client:
        update = pack(FlightSql_pb2.CommandStatementUpdate(query="insert"))
        to = flight.FlightDescriptor.for_command(update)
        writer, reader = client.do_put(to, NUMBERS.schema, KNOWN)
        with writer:
            for batch in NUMBERS.to_batches(max_chunksize=100):
                writer.write_batch(batch)
            writer.done_writing()
            answer = FlightSql_pb2.DoPutUpdateResult.FromString(reader.read().to_pybytes())
    assert answer.record_count == 1000
    assert wire.uploads[0].equals(NUMBERS)


def test_an_upload_without_schema_is_one(wire: Running):
    update = Flight_pb2.FlightDescriptor(
        type=Flight_pb2.FlightDescriptor.CMD,
        cmd=pack(FlightSql_pb2.CommandStatementUpdate(query="insert")),
    )
    message = Flight_pb2.FlightData(flight_descriptor=update).SerializeToString()
    (answer,) = wire.duplex("DoPut", [message])
    metadata = Flight_pb2.PutResult.FromString(answer).app_metadata
    assert FlightSql_pb2.DoPutUpdateResult.FromString(metadata).record_count == -1
    assert wire.uploads == [None]


def test_an_action_is_run_with_its_raw_body(wire: Running):
    with wire.client() as client:
        results = list(client.do_action(("Echo", b"\x00raw"), KNOWN))
    assert [result.body.to_pybytes() for result in results] == [b"\x00raw"] * 2


def test_actions_are_listed(wire: Running):
    with wire.client() as client:
        listed = {action.type: action.description for action in client.list_actions(KNOWN)}
    assert listed["Echo"] == "answers twice with the body"
    assert "BeginTransaction" not in listed


def test_no_flights_are_listed(wire: Running):
    with wire.client() as client:
        assert list(client.list_flights(options=KNOWN)) == []


@pytest.mark.parametrize("padded", [True, False])
def test_a_handshake_with_basic_gives_a_bearer_token(wire: Running, padded):
    call = wire.duplex("Handshake", [], metadata=(("authorization", basic(padded)),))
    assert ("authorization", BEARER) in call.initial_metadata()
    assert list(call) == []


def test_a_handshake_with_a_bearer_token_and_a_message(wire: Running):
    hello = Flight_pb2.HandshakeRequest(payload=b"whatever").SerializeToString()
    call = wire.duplex("Handshake", [hello])
    assert ("authorization", BEARER) in call.initial_metadata()
    assert list(call) == []


def test_a_handshake_does_not_wait_for_the_client_to_finish(wire: Running):
    over = threading.Event()

    def open_end():
        over.wait(120)
        yield from ()

    call = wire.duplex("Handshake", open_end())
    assert list(call) == []
    over.set()


def test_pyarrows_basic_handshake(wire: Running):
    with wire.client() as client:
        name, value = client.authenticate_basic_token("ada", "lovelace")
    assert (name, value) == (b"authorization", BEARER.encode())


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("unary", "GetFlightInfo"),
        ("unary", "PollFlightInfo"),
        ("unary", "GetSchema"),
        ("stream", "DoGet"),
        ("stream", "DoAction"),
        ("stream", "ListActions"),
        ("stream", "ListFlights"),
        ("duplex", "DoPut"),
        ("duplex", "DoExchange"),
        ("duplex", "Handshake"),
    ],
)
def test_nothing_is_answered_to_a_stranger(wire: Running, kind, method):
    request = [] if kind == "duplex" else descriptor("numbers")
    for metadata in ((), (("authorization", "Bearer bad"),), (("authorization", "Basic %%%"),)):
        code, message = status(
            lambda given=metadata: _all(getattr(wire, kind)(method, request, metadata=given))
        )
        assert (code, message) == (grpc.StatusCode.UNAUTHENTICATED, "wrong user name or password")
    assert wire.calls == []


def _all(answer):
    return answer if isinstance(answer, bytes) else list(answer)


def test_headers_of_the_grant_and_of_the_call_are_sent_once(wire: Running):
    wire.gate.granted = (("authorization", "Bearer fresh"),)
    action = Flight_pb2.Action(type="Echo", body=b"x").SerializeToString()
    call = wire.stream("DoAction", action)
    assert len(list(call)) == 2
    headers = [
        pair for pair in call.initial_metadata() if pair[0] in ("authorization", "x-session")
    ]
    assert sorted(headers) == [("authorization", "Bearer fresh"), ("x-session", "new")]
    for method, request in (
        ("DoGet", ticket("numbers")),
        ("ListActions", b""),
        ("ListFlights", b""),
    ):
        call = wire.stream(method, request)
        list(call)
        assert ("authorization", "Bearer fresh") in call.initial_metadata()


def test_a_call_knows_its_peer_and_its_trace(wire: Running):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    metadata = (
        ("authorization", BEARER),
        ("traceparent", f"00-{trace}-00f067aa0ba902b7-01"),
        ("cookie", "arrow_flight_session_id=abc"),
    )
    wire.unary("GetFlightInfo", descriptor("numbers"), metadata=metadata)
    (call,) = wire.calls
    assert (call.peer, call.trace_id, call.identity.subject) == ("127.0.0.1", trace, "ada")
    assert wire.gate.peers[0].secure
    assert wire.gate.headers[0]["cookie"] == "arrow_flight_session_id=abc"


def test_every_call_is_observed(wire: Running):
    wire.read("numbers")
    status(lambda: wire.unary("GetFlightInfo", descriptor("missing")))
    eventually(lambda: len(wire.observed.of(RpcFinished)) == 3, "three calls observed")
    seen = {(fact.method, fact.command, fact.status) for fact in wire.observed.of(RpcFinished)}
    assert seen == {
        ("GetFlightInfo", "CommandStatementQuery", "OK"),
        ("DoGet", "TicketStatementQuery", "OK"),
        ("GetFlightInfo", "CommandStatementQuery", "NOT_FOUND"),
    }
