"""Session options: ``catalog``, ``schema`` and ``branch``, kept in the client's own credentials.

Each change answers with new credentials (an ``authorization`` header, a cookie); ADBC and JDBC
take them for their next call.
"""

from collections.abc import Iterable

from flightlake._proto import Flight_pb2
from flightlake.auth import OptionValue, Session
from flightlake.commands.command import Action, Call
from flightlake.flightsql.messages import parse

_ERRORS = Flight_pb2.SetSessionOptionsResult
_NAMES = ("catalog", "schema", "branch")


def set_options(body: bytes, call: Call) -> Iterable[bytes]:
    """Set ``catalog``, ``schema`` and ``branch``; an empty value erases.

    Options that cannot be set are named in the result; the others are set.
    """
    request = parse(body, Flight_pb2.SetSessionOptionsRequest)
    options = dict(call.session.options)
    errors: dict[str, Flight_pb2.SetSessionOptionsResult.Error] = {}
    for name, value in request.session_options.items():
        problem = _problem(name, value, call)
        if problem is not None:
            errors[name] = _ERRORS.Error(value=problem)
        elif value.string_value:
            options[name] = value.string_value
        else:
            options.pop(name, None)
    if options != dict(call.session.options):
        session = Session(call.session.id, options)
        call.response_headers.extend(call.services.gate.with_session(call.grant, session))
    yield _ERRORS(errors=errors).SerializeToString()


def get_options(body: bytes, call: Call) -> Iterable[bytes]:
    """Return the options that are set, and those a new session begins with."""
    parse(body, Flight_pb2.GetSessionOptionsRequest)
    query = call.services.query
    options: dict[str, OptionValue] = {
        **query.session_defaults(call.session),
        **call.session.options,
    }
    yield Flight_pb2.GetSessionOptionsResult(
        session_options={name: _message(value) for name, value in options.items()}
    ).SerializeToString()


def close(body: bytes, call: Call) -> Iterable[bytes]:
    """Forget the session's options.

    The credentials hold until they expire: nothing of a session is kept here that could end.
    """
    parse(body, Flight_pb2.CloseSessionRequest)
    if call.session.options:
        session = Session(call.session.id)
        call.response_headers.extend(call.services.gate.with_session(call.grant, session))
    yield Flight_pb2.CloseSessionResult(
        status=Flight_pb2.CloseSessionResult.CLOSED
    ).SerializeToString()


def _problem(
    name: str, value: Flight_pb2.SessionOptionValue, call: Call
) -> "Flight_pb2.SetSessionOptionsResult.ErrorValue | None":
    if name not in _NAMES:
        return _ERRORS.INVALID_NAME
    kind = value.WhichOneof("option_value")
    if kind not in (None, "string_value"):
        return _ERRORS.INVALID_VALUE
    if name == "catalog" and value.string_value not in ("", *call.services.catalogs):
        return _ERRORS.INVALID_VALUE
    return None


def _message(value: OptionValue) -> Flight_pb2.SessionOptionValue:
    if isinstance(value, bool):
        return Flight_pb2.SessionOptionValue(bool_value=value)
    if isinstance(value, int):
        return Flight_pb2.SessionOptionValue(int64_value=value)
    if isinstance(value, float):
        return Flight_pb2.SessionOptionValue(double_value=value)
    if isinstance(value, str):
        return Flight_pb2.SessionOptionValue(string_value=value)
    strings = Flight_pb2.SessionOptionValue.StringListValue(values=value)
    return Flight_pb2.SessionOptionValue(string_list_value=strings)


ACTIONS = (
    Action(
        "SetSessionOptions",
        "Set the session's catalog, schema and branch. Body: SetSessionOptionsRequest;"
        " result: SetSessionOptionsResult.",
        set_options,
    ),
    Action(
        "GetSessionOptions",
        "Return the session's options. Body: GetSessionOptionsRequest;"
        " result: GetSessionOptionsResult.",
        get_options,
    ),
    Action(
        "CloseSession",
        "Forget the session's options. Body: CloseSessionRequest; result: CloseSessionResult.",
        close,
    ),
)
