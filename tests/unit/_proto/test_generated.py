"""The committed protocol code is what the .proto files say."""

import importlib.util
from pathlib import Path

from flightlake._proto import Flight_pb2, FlightSql_pb2

ROOT = Path(__file__).parents[3]


def test_the_committed_code_is_current() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "proto" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)

    assert generate.stale() == []


def test_the_packages_are_those_of_the_specification() -> None:
    assert Flight_pb2.DESCRIPTOR.package == "arrow.flight.protocol"
    assert FlightSql_pb2.DESCRIPTOR.package == "arrow.flight.protocol.sql"


def test_the_service_has_the_ten_calls_of_the_specification() -> None:
    service = Flight_pb2.DESCRIPTOR.services_by_name["FlightService"]
    streams = {
        method.name: (method.client_streaming, method.server_streaming)
        for method in service.methods
    }
    assert streams == {
        "Handshake": (True, True),
        "ListFlights": (False, True),
        "GetFlightInfo": (False, False),
        "PollFlightInfo": (False, False),
        "GetSchema": (False, False),
        "DoGet": (False, True),
        "DoPut": (True, True),
        "DoExchange": (True, True),
        "DoAction": (False, True),
        "ListActions": (False, True),
    }
