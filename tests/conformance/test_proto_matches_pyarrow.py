"""Our Flight messages and pyarrow's C++ ones understand each other's bytes."""

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.flight as fl

from flightlake._proto import Flight_pb2

SCHEMA = pa.schema([("x", pa.int32())])


def test_a_flight_info_of_ours_is_read_by_pyarrow() -> None:
    info = Flight_pb2.FlightInfo(
        schema=SCHEMA.serialize().to_pybytes(),
        flight_descriptor=Flight_pb2.FlightDescriptor(
            type=Flight_pb2.FlightDescriptor.CMD, cmd=b"command"
        ),
        total_records=7,
        total_bytes=-1,
        ordered=True,
        app_metadata=b"mark",
    )
    endpoint = info.endpoint.add(app_metadata=b"part")
    endpoint.ticket.ticket = b"ticket"
    endpoint.location.add(uri="grpc://127.0.0.1:1")
    endpoint.expiration_time.FromDatetime(datetime(2030, 1, 2, tzinfo=UTC))

    read = fl.FlightInfo.deserialize(info.SerializeToString())

    assert read.schema == SCHEMA
    assert read.descriptor.command == b"command"
    assert (read.total_records, read.total_bytes) == (7, -1)
    assert read.ordered is True
    assert read.app_metadata == b"mark"
    assert read.endpoints[0].ticket.ticket == b"ticket"
    assert read.endpoints[0].locations == [fl.Location("grpc://127.0.0.1:1")]
    assert read.endpoints[0].app_metadata == b"part"
    assert read.endpoints[0].expiration_time.as_py().timestamp() == 1893542400


def test_a_flight_info_of_pyarrow_is_read_by_us() -> None:
    info = fl.FlightInfo(
        SCHEMA,
        fl.FlightDescriptor.for_path("a", "b"),
        [fl.FlightEndpoint(fl.Ticket(b"t"), [], None, b"part")],
        total_records=3,
    )

    read = Flight_pb2.FlightInfo.FromString(info.serialize())

    assert list(read.flight_descriptor.path) == ["a", "b"]
    assert read.flight_descriptor.type == Flight_pb2.FlightDescriptor.PATH
    assert [endpoint.ticket.ticket for endpoint in read.endpoint] == [b"t"]
    assert read.endpoint[0].app_metadata == b"part"
    assert read.total_records == 3


def test_an_action_of_pyarrow_is_read_by_us() -> None:
    read = Flight_pb2.Action.FromString(fl.Action("CloseSession", b"body").serialize())
    assert (read.type, read.body) == ("CloseSession", b"body")
