"""Flight SQL beyond running a statement, over raw gRPC against a whole server."""

import grpc
import pyarrow as pa
import pytest

from flightlake._proto import Flight_pb2
from flightlake._proto import FlightSql_pb2 as pb
from flightlake.flightsql.messages import pack, unpack_as
from tests.e2e.conftest import Shop
from tests.fix_raw_client import RawClient, bearer, descriptor, raw, upload

ENDLESS = "SELECT a.n, b.noise FROM shop.numbers a CROSS JOIN shop.numbers b"
METADATA = [
    pb.CommandGetCatalogs(),
    pb.CommandGetDbSchemas(catalog="lake"),
    pb.CommandGetTables(catalog="lake", db_schema_filter_pattern="shop", include_schema=True),
    pb.CommandGetTableTypes(),
    pb.CommandGetPrimaryKeys(catalog="lake", db_schema="shop", table="orders"),
    pb.CommandGetExportedKeys(catalog="lake", db_schema="shop", table="orders"),
    pb.CommandGetImportedKeys(catalog="lake", db_schema="shop", table="orders"),
    pb.CommandGetCrossReference(
        pk_catalog="lake", pk_db_schema="shop", pk_table="orders",
        fk_catalog="lake", fk_db_schema="shop", fk_table="empty",
    ),
    pb.CommandGetXdbcTypeInfo(),
    pb.CommandGetSqlInfo(),
]  # fmt: skip


def schema_of(data: bytes) -> pa.Schema:
    return pa.ipc.read_schema(pa.py_buffer(data))


@pytest.mark.parametrize("command", METADATA, ids=lambda command: type(command).__name__)
def test_metadata_has_the_schema_it_announces(client: RawClient, command):
    announced = Flight_pb2.SchemaResult.FromString(client.unary("GetSchema", descriptor(command)))
    info = client.info(command)
    found = client.get(info.endpoint[0].ticket.SerializeToString())
    assert schema_of(announced.schema).equals(found.schema, check_metadata=True)
    assert schema_of(info.schema).equals(found.schema, check_metadata=True)


def test_all_codes_of_sql_info_come(client: RawClient):
    found = client.read(pb.CommandGetSqlInfo())
    assert len(found) == 91
    assert set(found["info_name"].to_pylist()) == set(pb.SqlInfo.values())


def test_table_schemas_are_those_of_the_tables(client: RawClient):
    command = pb.CommandGetTables(
        catalog="lake",
        db_schema_filter_pattern="shop",
        table_name_filter_pattern="orders",
        include_schema=True,
    )
    (row,) = client.read(command).to_pylist()
    assert schema_of(row["table_schema"]).names == ["id", "item", "price"]


def test_poll_is_complete_at_once(client: RawClient):
    answer = client.unary("PollFlightInfo", descriptor("SELECT 1 AS x"))
    polled = Flight_pb2.PollInfo.FromString(answer)
    assert not polled.HasField("flight_descriptor")
    ticket = polled.info.endpoint[0].ticket.SerializeToString()
    assert client.get(ticket).to_pydict() == {"x": [1]}


@pytest.mark.parametrize("way", ["CancelFlightInfo", "CancelQuery"])
def test_a_running_statement_is_cancelled_from_another_connection(shop: Shop, client, way):
    info = client.info(ENDLESS)
    stream = client.stream("DoGet", info.endpoint[0].ticket.SerializeToString())
    next(stream)
    shop.server.wait_for_running(1)
    with raw(shop.server) as other:
        assert cancel(other, way, info)
        shop.server.wait_for_running(0)
        assert client.refused(lambda: list(stream))[0] is grpc.StatusCode.CANCELLED
        assert not cancel(other, way, info)
        ticket = info.endpoint[0].ticket.SerializeToString()
        code, message = other.refused(lambda: other.get(ticket))
        assert (code, "was cancelled" in message) == (grpc.StatusCode.NOT_FOUND, True)


def cancel(client: RawClient, way: str, info: Flight_pb2.FlightInfo) -> bool:
    """Cancel; return whether the server says that it did."""
    if way == "CancelFlightInfo":
        request = Flight_pb2.CancelFlightInfoRequest(info=info).SerializeToString()
        (body,) = client.action(way, request)
        status = Flight_pb2.CancelFlightInfoResult.FromString(body).status
        return bool(status == Flight_pb2.CANCEL_STATUS_CANCELLED)
    (body,) = client.action(way, pack(pb.ActionCancelQueryRequest(info=info.SerializeToString())))
    result = unpack_as(body, pb.ActionCancelQueryResult).result
    return bool(result == pb.ActionCancelQueryResult.CANCEL_RESULT_CANCELLED)


def test_a_ticket_is_renewed(client: RawClient):
    endpoint = client.info("SELECT 1 AS x").endpoint[0]
    request = Flight_pb2.RenewFlightEndpointRequest(endpoint=endpoint).SerializeToString()
    (body,) = client.action("RenewFlightEndpoint", request)
    renewed = Flight_pb2.FlightEndpoint.FromString(body)
    assert renewed.expiration_time.ToMicroseconds() >= endpoint.expiration_time.ToMicroseconds()
    assert client.get(renewed.ticket.SerializeToString()).to_pydict() == {"x": [1]}
    assert client.refused(lambda: client.get(endpoint.ticket.SerializeToString()))[0] is (
        grpc.StatusCode.NOT_FOUND
    )


@pytest.mark.parametrize("sign", ["?", "$1"])
def test_a_prepared_statement_tells_its_types_and_takes_rows(client: RawClient, sign):
    made = client.prepare(f"SELECT item FROM shop.orders WHERE id = {sign}")
    assert schema_of(made.parameter_schema).types == [pa.int64()]
    assert schema_of(made.dataset_schema).names == ["item"]
    # By position, whatever the columns are called; cast to the parameter's type.
    bound = client.bind(
        made.prepared_statement_handle, pa.table({"z": pa.array([2, 1], pa.int8())})
    )
    found = client.read(pb.CommandPreparedStatementQuery(prepared_statement_handle=bound))
    assert found["item"].to_pylist() == ["bread", "ale"]
    close = pb.ActionClosePreparedStatementRequest(
        prepared_statement_handle=made.prepared_statement_handle
    )
    assert client.action("ClosePreparedStatement", pack(close)) == []


def test_parameters_that_are_bound_to_nothing_of_ours_are_refused(client: RawClient):
    command = pb.CommandPreparedStatementQuery(prepared_statement_handle=b"made up")
    for call in (
        lambda: client.info(command),
        lambda: list(client.duplex("DoPut", upload(command, pa.table({"x": [1]})))),
    ):
        assert client.refused(call)[0] is grpc.StatusCode.NOT_FOUND


def test_a_session_is_set_read_and_closed(client: RawClient):
    metadata = bearer(client.login())

    def options(metadata) -> dict[str, str]:
        (body,) = client.action("GetSessionOptions", metadata=metadata)
        found = Flight_pb2.GetSessionOptionsResult.FromString(body).session_options
        return {name: value.string_value for name, value in found.items()}

    def call(kind: str, body: bytes, metadata) -> tuple[bytes, tuple[tuple[str, str], ...]]:
        request = Flight_pb2.Action(type=kind, body=body).SerializeToString()
        call = client.stream("DoAction", request, metadata=metadata)
        sent = dict(call.initial_metadata())
        (answer,) = call
        renewed = (("authorization", sent["authorization"]),) if "authorization" in sent else ()
        return Flight_pb2.Result.FromString(answer).body, renewed or metadata

    assert options(metadata) == {"catalog": "lake"}
    wanted = Flight_pb2.SetSessionOptionsRequest()
    wanted.session_options["schema"].string_value = "shop"
    wanted.session_options["catalog"].string_value = "nowhere"
    wanted.session_options["colour"].string_value = "red"
    body, metadata = call("SetSessionOptions", wanted.SerializeToString(), metadata)
    errors = Flight_pb2.SetSessionOptionsResult.FromString(body).errors
    assert {name: error.value for name, error in errors.items()} == {
        "catalog": Flight_pb2.SetSessionOptionsResult.INVALID_VALUE,
        "colour": Flight_pb2.SetSessionOptionsResult.INVALID_NAME,
    }
    assert options(metadata) == {"catalog": "lake", "schema": "shop"}
    assert client.read("SELECT count(*) AS n FROM orders", metadata=metadata)["n"].to_pylist() == [
        4
    ]
    body, metadata = call("CloseSession", b"", metadata)
    assert Flight_pb2.CloseSessionResult.FromString(body).status == (
        Flight_pb2.CloseSessionResult.CLOSED
    )
    assert options(metadata) == {"catalog": "lake"}
