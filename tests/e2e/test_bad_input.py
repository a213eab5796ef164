"""Every bad input over raw gRPC: the right status, one sentence, nothing else; life goes on."""

import secrets
import subprocess
import sys
from collections.abc import Iterator

import grpc
import pyarrow as pa
import pytest

from flightlake._proto import Flight_pb2
from flightlake._proto import FlightSql_pb2 as pb
from flightlake.flightsql.messages import pack, unpack_as
from tests.e2e.conftest import Shop, one_sentence, secrets_in
from tests.fix_raw_client import RawClient, basic, bearer, descriptor, upload

ONE = [{"x": 1}]
INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
UNSUPPORTED = grpc.StatusCode.UNIMPLEMENTED
DENIED = grpc.StatusCode.PERMISSION_DENIED
UNKNOWN_CALLER = grpc.StatusCode.UNAUTHENTICATED
DOWN = grpc.StatusCode.UNAVAILABLE
DAMAGED = grpc.StatusCode.DATA_LOSS


@pytest.fixture(autouse=True)
def lives_on(client: RawClient) -> Iterator[None]:
    """The server answers after each bad input, and tells nobody a secret."""
    yield
    assert client.read("SELECT 1 AS x").to_pylist() == ONE


CREDENTIALS = {
    "none": ((), "no credentials"),
    "wrong password": (basic(password="canary-wrong"), ""),
    "unknown user": (basic(user="eve"), ""),
    "no base64": ((("authorization", "Basic !!"),), "cannot be understood"),
    "another scheme": ((("authorization", "Digest x"),), "cannot be understood"),
    "no token": (bearer("nonsense"), ""),
    "no JWT": (bearer("a.b.c"), ""),
    "half a JWT": (bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ."), ""),
}


@pytest.mark.parametrize("name", CREDENTIALS)
def test_credentials_that_do_not_hold_are_refused(client: RawClient, name):
    metadata, part = CREDENTIALS[name]
    for call in (
        lambda: client.read("SELECT 1", metadata=metadata),
        lambda: list(client.duplex("Handshake", [], metadata=metadata)),
        lambda: client.action("CloseSession", metadata=metadata),
        lambda: list(client.stream("ListActions", b"", metadata=metadata)),
        lambda: list(client.duplex("DoPut", [], metadata=metadata)),
    ):
        code, message = client.refused(call)
        assert code is UNKNOWN_CALLER
        one_sentence(message)
        assert part in message


@pytest.mark.parametrize("method", ["GetFlightInfo", "GetSchema", "PollFlightInfo"])
def test_a_truncated_descriptor_is_refused(client: RawClient, method):
    whole = descriptor("SELECT 1")
    for length in range(1, len(whole)):
        code, message = client.refused(lambda cut=whole[:length]: client.unary(method, cut))
        assert code is INVALID, message
        one_sentence(message)


def test_noise_in_the_place_of_a_message_is_refused(client: RawClient):
    for method in ("DoGet", "DoAction"):
        for size in (1, 7, 100, 5000):
            code, message = client.refused(
                lambda m=method, n=size: list(client.stream(m, b"\xff" + secrets.token_bytes(n)))
            )
            assert code in (INVALID, UNSUPPORTED, NOT_FOUND), message
            one_sentence(message)


def changed(ticket: bytes, position: int) -> bytes:
    outer = Flight_pb2.Ticket.FromString(ticket)
    message = unpack_as(outer.ticket, pb.TicketStatementQuery)
    handle = bytearray(message.statement_handle)
    handle[position % len(handle)] ^= 1
    message.statement_handle = bytes(handle)
    return Flight_pb2.Ticket(ticket=pack(message)).SerializeToString()


def test_a_ticket_that_was_tampered_with_is_refused(client: RawClient):
    ticket = client.ticket("SELECT 1 AS x")
    for position in (0, 5, 20, 40, 60, -1, -20, -40):
        code, message = client.refused(lambda p=position: client.get(changed(ticket, p)))
        assert code is NOT_FOUND, message
        one_sentence(message)
    assert client.get(ticket).to_pylist() == ONE


def test_a_used_ticket_is_refused(client: RawClient):
    ticket = client.ticket("SELECT 1 AS x")
    client.get(ticket)
    code, message = client.refused(lambda: client.get(ticket))
    assert (code, "has been read" in message) == (NOT_FOUND, True)
    one_sentence(message)


def test_the_ticket_of_another_user_is_refused(shop: Shop, client: RawClient):
    command = [sys.executable, "-m", "flightlake", "token", "--config", str(shop.server.config)]
    token = subprocess.run(
        [*command, "--subject", "mallory"], capture_output=True, text=True, check=True
    ).stdout.strip()
    ticket = client.ticket("SELECT 1 AS x")
    code, message = client.refused(lambda: client.get(ticket, metadata=bearer(token)))
    assert code is NOT_FOUND
    one_sentence(message)
    assert client.get(ticket).to_pylist() == ONE


@pytest.mark.parametrize("method", ["DoGet", "GetFlightInfo", "DoAction", "DoPut", "Handshake"])
def test_a_message_of_64_mb_is_refused_without_being_kept(client: RawClient, method):
    huge = Flight_pb2.Ticket(ticket=b"\0" * (64 << 20)).SerializeToString()
    calls = {
        "GetFlightInfo": lambda: client.unary(method, huge),
        "DoPut": lambda: list(client.duplex(method, [huge])),
        "Handshake": lambda: list(client.duplex(method, [huge])),
    }
    if method == "Handshake":
        # Its messages are not looked at, nor waited for; what is read is bounded all the same.
        client.duplex(method, [huge], timeout=10).cancel()
        return
    code, message = client.refused(calls.get(method, lambda: list(client.stream(method, huge))))
    assert code in (INVALID, grpc.StatusCode.RESOURCE_EXHAUSTED), message
    one_sentence(message)


ROWS = pa.table({"a": [1]})
LATER = {
    "update": lambda c: c.info(pb.CommandStatementUpdate(query="DELETE FROM shop.orders")),
    "update by DoPut": lambda c: list(
        c.duplex("DoPut", upload(pb.CommandStatementUpdate(query="DELETE FROM x"), ROWS))
    ),
    "prepared update": lambda c: c.action(
        "CreatePreparedStatement",
        pack(pb.ActionCreatePreparedStatementRequest(query="DELETE FROM shop.orders")),
    ),
    "ingest": lambda c: list(
        c.duplex("DoPut", upload(pb.CommandStatementIngest(table="orders"), ROWS))
    ),
    "Substrait": lambda c: c.info(pb.CommandStatementSubstraitPlan()),
    "Substrait prepared": lambda c: c.action("CreatePreparedSubstraitPlan"),
    "begin": lambda c: c.action("BeginTransaction", pack(pb.ActionBeginTransactionRequest())),
    "end": lambda c: c.action("EndTransaction", pack(pb.ActionEndTransactionRequest())),
    "savepoint": lambda c: c.action("BeginSavepoint"),
    "end savepoint": lambda c: c.action("EndSavepoint"),
    "in a transaction": lambda c: c.info(
        pb.CommandStatementQuery(query="SELECT 1", transaction_id=b"x")
    ),
    "exchange": lambda c: list(c.duplex("DoExchange", upload(pb.CommandGetCatalogs(), ROWS))),
    "unknown action": lambda c: c.action("Reboot"),
}


@pytest.mark.parametrize("name", LATER)
def test_what_is_not_there_says_so(client: RawClient, name):
    code, message = client.refused(lambda: LATER[name](client))
    assert code is UNSUPPORTED, message
    one_sentence(message)


def test_parameters_that_do_not_fit_are_refused(client: RawClient):
    handle = client.prepare("SELECT id FROM shop.orders WHERE id = ?").prepared_statement_handle
    for rows in (
        pa.table({"a": [1], "b": [2]}),
        pa.table({"a": [[1, 2]]}),
        pa.table({"a": ["not a number"]}),
    ):
        code, message = client.refused(lambda r=rows: client.bind(handle, r))
        assert code is INVALID, message
        one_sentence(message)


def test_dead_catalogs_do_not_hinder_the_others(client: RawClient):
    found = client.read(pb.CommandGetTables(db_schema_filter_pattern="shop"))
    assert {"lake", "annex"} <= set(found["catalog_name"].to_pylist())
    assert client.read("SELECT count(*) AS n FROM annex.shop.orders")["n"].to_pylist() == [4]
    for sql in ("SHOW TABLES", "SELECT * FROM lake.information_schema.tables"):
        assert "orders" in client.read(sql)["table_name"].to_pylist()


def test_nothing_that_is_secret_is_in_the_log_or_the_metrics(shop: Shop, client: RawClient):
    client.read("SELECT 'canary-in-a-statement'")
    client.refused(lambda: client.read("SELECT * FROM shop.missing_file"))
    client.refused(lambda: client.read("SELECT 1", metadata=basic(password="canary-wrong")))
    assert secrets_in(shop.server) == []
