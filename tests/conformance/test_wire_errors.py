"""Every status code and every bad input, over raw gRPC."""

import grpc
import pytest

from flightlake import errors
from flightlake._proto import Flight_pb2, FlightSql_pb2
from flightlake.errors import DamagedData, FlightlakeError, InvalidSql
from flightlake.flightsql.messages import pack
from flightlake.telemetry import InternalFailure
from tests.fix_results import NUMBERS, failing, result_of
from tests.fix_server import Running, command, descriptor, status, ticket

KINDS = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, FlightlakeError) and kind.code.name != "INTERNAL"
}
INVALID, UNSUPPORTED = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED


class Panic(BaseException):
    """As pyo3 raises them: not an Exception."""


def raising(error: BaseException):
    def plan(call):
        raise error

    return plan


@pytest.mark.parametrize("code", KINDS, ids=lambda code: code.name)
def test_an_error_arrives_with_its_code_and_sentence(wire: Running, code):
    error = KINDS[code]("the column 'x' is not there")
    wire.results["plan"] = result_of(NUMBERS, plan=raising(error))
    wire.results["read"] = failing(error)
    wire.results["mid-stream"] = failing(error, after=NUMBERS)
    expected = (getattr(grpc.StatusCode, code.name), "the column 'x' is not there")
    for method in ("GetFlightInfo", "PollFlightInfo", "GetSchema"):
        assert status(lambda m=method: wire.unary(m, descriptor("plan"))) == expected
    assert status(lambda: list(wire.stream("DoGet", ticket("read")))) == expected
    assert status(lambda: list(wire.stream("DoGet", ticket("mid-stream")))) == expected


def test_rows_before_an_error_arrive(wire: Running):
    wire.results["mid-stream"] = failing(DamagedData("a data file is broken"), after=NUMBERS)
    messages = []
    code, _ = status(
        lambda: [messages.append(m) for m in wire.stream("DoGet", ticket("mid-stream"))]
    )
    assert code is grpc.StatusCode.DATA_LOSS
    assert len(messages) == 2  # the schema, the rows


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("/secret"), Panic("/secret")], ids=["bug", "panic"]
)
def test_a_defect_tells_the_client_only_a_reference(wire: Running, error):
    wire.results["plan"] = result_of(NUMBERS, plan=raising(error))
    wire.results["mid-stream"] = failing(error, after=NUMBERS)
    for call in (
        lambda: wire.unary("GetFlightInfo", descriptor("plan")),
        lambda: list(wire.stream("DoGet", ticket("mid-stream"))),
    ):
        code, message = status(call)
        assert code is grpc.StatusCode.INTERNAL
        assert message.startswith("internal error: ")
        assert "secret" not in message
        assert "Traceback" not in message
    failures = wire.observed.of(InternalFailure)
    assert [failure.where for failure in failures] == ["GetFlightInfo", "DoGet"]
    assert all("/secret" in failure.detail for failure in failures)
    assert wire.read("numbers").equals(NUMBERS)


@pytest.mark.parametrize("leaving", [SystemExit(1), KeyboardInterrupt()], ids=repr)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_handler_that_wants_to_leave_does_not_leave_its_client_waiting(wire: Running, leaving):
    wire.results["plan"] = result_of(NUMBERS, plan=raising(leaving))
    code, _ = status(lambda: wire.unary("GetFlightInfo", descriptor("plan")))
    assert code is grpc.StatusCode.CANCELLED
    assert wire.read("numbers").equals(NUMBERS)


def test_a_message_of_any_length_and_language_arrives(wire: Running):
    wire.results["plan"] = result_of(
        NUMBERS, plan=raising(InvalidSql("größer\n  als ✓ \ud800" * 5000))
    )
    code, message = status(lambda: wire.unary("GetFlightInfo", descriptor("plan")))
    assert code is INVALID
    assert message.startswith("größer als ✓ ?größer")
    assert message.endswith("…")


def cmd(data: bytes) -> bytes:
    return Flight_pb2.FlightDescriptor(
        type=Flight_pb2.FlightDescriptor.CMD, cmd=data
    ).SerializeToString()


query = FlightSql_pb2.CommandStatementQuery(query="numbers")
BAD_DESCRIPTORS = {
    "no protobuf": (b"\xff\xff", INVALID, "descriptor is not a whole FlightDescriptor"),
    "truncated": (descriptor("numbers")[:-3], INVALID, "not a whole FlightDescriptor"),
    "nothing": (b"", INVALID, "not a Flight SQL message"),
    "a path": (
        Flight_pb2.FlightDescriptor(type=1, path=["a"]).SerializeToString(),
        INVALID,
        "descriptor is a path",
    ),
    "not an Any": (cmd(query.SerializeToString()), INVALID, "command is not a Flight SQL message"),
    "a truncated command": (cmd(command("numbers")[:-3]), INVALID, "not a Flight SQL message"),
    "another protocol's message": (
        cmd(pack(Flight_pb2.Ticket(ticket=b"x"))),
        UNSUPPORTED,
        "which Flight SQL does not have",
    ),
    "a ticket": (
        cmd(pack(FlightSql_pb2.TicketStatementQuery(statement_handle=b"numbers"))),
        INVALID,
        "belongs in a ticket",
    ),
    "a refused command": (
        cmd(pack(FlightSql_pb2.CommandStatementSubstraitPlan())),
        UNSUPPORTED,
        "Substrait plans are not run: send SQL",
    ),
    "a command of no row": (
        cmd(pack(FlightSql_pb2.CommandGetCatalogs())),
        UNSUPPORTED,
        "CommandGetCatalogs cannot be queried",
    ),
    "too large": (
        descriptor("x" * 5_000_000),
        INVALID,
        "the limit is 4194304",
    ),
}


@pytest.mark.parametrize("name", BAD_DESCRIPTORS)
@pytest.mark.parametrize("method", ["GetFlightInfo", "PollFlightInfo", "GetSchema"])
def test_a_bad_descriptor_is_refused_in_a_sentence(wire: Running, method, name):
    request, code, sentence = BAD_DESCRIPTORS[name]
    found, message = status(lambda: wire.unary(method, request))
    assert (found, sentence in message) == (code, True), message
    assert wire.calls == []


BAD_TICKETS = {
    "no protobuf": (b"\xff\xff", INVALID, "ticket is not a whole Ticket"),
    "truncated": (ticket("numbers")[:-3], INVALID, "ticket is not a whole Ticket"),
    "nothing": (b"", INVALID, "ticket is not a Flight SQL message"),
    "a foreign ticket": (
        Flight_pb2.Ticket(ticket=b"SELECT 1").SerializeToString(),
        INVALID,
        "ticket is not a Flight SQL message",
    ),
    "a command": (
        Flight_pb2.Ticket(ticket=command("numbers")).SerializeToString(),
        UNSUPPORTED,
        "send it to GetFlightInfo",
    ),
    "unknown": (ticket("missing"), grpc.StatusCode.NOT_FOUND, "there is no result 'missing'"),
    "too large": (ticket("x" * 5_000_000), INVALID, "the limit is 4194304"),
}


@pytest.mark.parametrize("name", BAD_TICKETS)
def test_a_bad_ticket_is_refused_in_a_sentence(wire: Running, name):
    request, code, sentence = BAD_TICKETS[name]
    found, message = status(lambda: list(wire.stream("DoGet", request)))
    assert (found, sentence in message) == (code, True), message


def test_a_ticket_of_64_megabytes_hurts_nobody(wire: Running):
    code, _ = status(lambda: list(wire.stream("DoGet", ticket("x" * 64_000_000), timeout=60)))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert wire.calls == []
    assert wire.read("numbers").equals(NUMBERS)


BAD_UPLOADS = {
    "nothing": ([], INVALID, "holds no message"),
    "no protobuf": ([b"\xff"], INVALID, "not a whole FlightData message"),
    "no descriptor": ([b"\x12\x01x"], INVALID, "must hold a FlightDescriptor"),
    "a refused command": (
        [
            Flight_pb2.FlightData(
                flight_descriptor={"type": 2, "cmd": pack(FlightSql_pb2.CommandStatementIngest())}
            ).SerializeToString()
        ],
        UNSUPPORTED,
        "uploads are not stored yet",
    ),
    "a query": (
        [
            Flight_pb2.FlightData(
                flight_descriptor={"type": 2, "cmd": command("numbers")}
            ).SerializeToString()
        ],
        UNSUPPORTED,
        "takes no upload",
    ),
    "no Arrow": (
        [
            Flight_pb2.FlightData(
                flight_descriptor={"type": 2, "cmd": pack(FlightSql_pb2.CommandStatementUpdate())},
                data_header=b"garbage",
            ).SerializeToString()
        ],
        INVALID,
        "not a whole Arrow IPC stream",
    ),
}


@pytest.mark.parametrize("name", BAD_UPLOADS)
def test_a_bad_upload_is_refused_in_a_sentence(wire: Running, name):
    messages, code, sentence = BAD_UPLOADS[name]
    found, message = status(lambda: list(wire.duplex("DoPut", messages)))
    assert (found, sentence in message) == (code, True), message
    assert wire.uploads == []


def action(kind: str, body: bytes = b"") -> bytes:
    return Flight_pb2.Action(type=kind, body=body).SerializeToString()


@pytest.mark.parametrize(
    ("request_bytes", "code", "sentence"),
    [
        (b"\xff", INVALID, "action is not a whole Action"),
        (action("Dance"), UNSUPPORTED, "no action 'Dance'"),
        (action(""), UNSUPPORTED, "no action ''"),
        (action("BeginTransaction"), UNSUPPORTED, "leave autocommit on"),
        (action("CreatePreparedStatement", b"\xff"), INVALID, "action body"),
        (action("Echo", b"x" * 5_000_000), INVALID, "the limit is 4194304"),
    ],
    ids=["no protobuf", "unknown", "nameless", "refused", "a bad body", "too large"],
)
def test_a_bad_action_is_refused_in_a_sentence(wire: Running, request_bytes, code, sentence):
    found, message = status(lambda: list(wire.stream("DoAction", request_bytes)))
    assert (found, sentence in message) == (code, True), message


def test_do_exchange_is_refused_with_what_to_use_instead(wire: Running):
    found, message = status(lambda: list(wire.duplex("DoExchange", [])))
    assert found is UNSUPPORTED
    assert "use GetFlightInfo and DoGet" in message


def test_an_unknown_method_is_unimplemented(wire: Running):
    assert status(lambda: wire.unary("DoDance", b""))[0] is UNSUPPORTED
