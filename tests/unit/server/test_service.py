"""Details of the RPCs that the conformance tests of the wire do not look at."""

import pytest

from flightlake._proto import Flight_pb2
from flightlake.auth import Grant, Identity, Session
from flightlake.server.service import NAME, FlightService
from tests.fix_server import Running, descriptor


def test_the_service_has_every_method_of_the_protocol():
    declared = Flight_pb2.DESCRIPTOR.services_by_name["FlightService"]
    assert declared.full_name == NAME
    served = {name for name in vars(FlightService) if not name.startswith("_")} - {"handler"}
    assert {method.name.lower() for method in declared.methods} == {
        name.replace("_", "") for name in served
    }


def test_a_handshake_where_everybody_is_welcome_has_an_empty_answer(wire: Running):
    wire.gate.handshake = lambda headers, peer: Grant(Identity("anonymous"), Session("s"))
    assert list(wire.duplex("Handshake", [], metadata=())) == []


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, "1970-01-01T00:00:00Z"),
        (1_800_000_000.1, "2027-01-15T08:00:00.100Z"),
        (4_000_000_000.999999, "2096-10-02T07:06:40.999999Z"),
    ],
)
def test_an_expiry_is_exact_to_the_microsecond(wire: Running, seconds, expected):
    wire.results["numbers"].expires_at_seconds = seconds
    info = Flight_pb2.FlightInfo.FromString(wire.unary("GetFlightInfo", descriptor("numbers")))
    assert info.endpoint[0].expiration_time.ToJsonString() == expected


def test_the_descriptor_comes_back_as_it_was_sent(wire: Running):
    sent = descriptor("numbers")
    info = Flight_pb2.FlightInfo.FromString(wire.unary("GetFlightInfo", sent))
    assert info.flight_descriptor.SerializeToString() == sent
