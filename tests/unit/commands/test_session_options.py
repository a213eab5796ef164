"""Session options: set, read and forgotten, in the session's own credentials."""

from typing import Any

import pytest

from flightlake._proto import Flight_pb2
from flightlake.commands.command import Call
from tests.fix_sessions import Desk, desk, query_services

__all__ = ["desk", "query_services"]

Value = Flight_pb2.SessionOptionValue


def set_(desk: Desk, call: Call, **options: Any) -> dict[str, str]:
    """Set *options*; return the errors by name."""
    request = Flight_pb2.SetSessionOptionsRequest(session_options=options)
    [body] = desk.act("SetSessionOptions", request, call)
    result = Flight_pb2.SetSessionOptionsResult.FromString(body)
    names = Flight_pb2.SetSessionOptionsResult.ErrorValue
    return {name: names.Name(error.value) for name, error in result.errors.items()}


def get(desk: Desk, call: Call) -> dict[str, str]:
    [body] = desk.act("GetSessionOptions", Flight_pb2.GetSessionOptionsRequest(), call)
    result = Flight_pb2.GetSessionOptionsResult.FromString(body)
    return {name: value.string_value for name, value in result.session_options.items()}


def test_new_session_has_the_defaults(desk: Desk) -> None:
    assert get(desk, desk.call()) == {"catalog": desk.catalog, "schema": desk.db_schema}


def test_option_that_is_set_comes_with_new_credentials(desk: Desk) -> None:
    call = desk.call()
    assert set_(desk, call, schema=Value(string_value="other")) == {}
    assert call.response_headers == [("authorization", "Bearer for session of alice")]
    [session] = desk.gate.sessions
    assert (session.id, dict(session.options)) == ("session of alice", {"schema": "other"})
    assert get(desk, desk.call(options=dict(session.options)))["schema"] == "other"


@pytest.mark.parametrize("empty", [Value(string_value=""), Value()])
def test_empty_value_unsets(desk: Desk, empty: Value) -> None:
    call = desk.call(options={"schema": "other"})
    assert set_(desk, call, schema=empty) == {}
    assert dict(desk.gate.sessions[-1].options) == {}


def test_what_cannot_be_set_is_named_and_the_rest_is_set(desk: Desk) -> None:
    call = desk.call()
    errors = set_(
        desk,
        call,
        catalog=Value(string_value="nowhere"),
        schema=Value(string_value="other"),
        colour=Value(string_value="red"),
    )
    assert errors == {"catalog": "INVALID_VALUE", "colour": "INVALID_NAME"}
    assert dict(desk.gate.sessions[-1].options) == {"schema": "other"}
    assert set_(desk, desk.call(), schema=Value(int64_value=1)) == {"schema": "INVALID_VALUE"}


def test_nothing_changed_gives_no_new_credentials(desk: Desk) -> None:
    call = desk.call(options={"schema": "other"})
    assert set_(desk, call, schema=Value(string_value="other")) == {}
    assert set_(desk, call, colour=Value(string_value="red")) == {"colour": "INVALID_NAME"}
    assert (desk.gate.sessions, call.response_headers) == ([], [])


def test_closed_session_has_forgotten_its_options(desk: Desk) -> None:
    call = desk.call(options={"schema": "other"})
    [body] = desk.act("CloseSession", Flight_pb2.CloseSessionRequest(), call)
    status = Flight_pb2.CloseSessionResult.FromString(body).status
    assert status == Flight_pb2.CloseSessionResult.CLOSED
    assert dict(desk.gate.sessions[-1].options) == {}
