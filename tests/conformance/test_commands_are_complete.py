"""Every command and action of Flight SQL is answered, or refused with a reason."""

import re

import pytest

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands import ACTIONS, COMMANDS, REFUSED, UPLOADS
from flightlake.flightsql.messages import MESSAGES

COMMAND_MESSAGES = {
    message.__name__: message
    for message in MESSAGES.values()
    if message.__name__.startswith(("Command", "Ticket"))
}

ACTION_TYPES = {
    re.sub("^Action|Request$", "", message.__name__)
    for message in MESSAGES.values()
    if message.__name__.startswith("Action") and message.__name__.endswith("Request")
} | {
    # Flight's own; their bodies are messages of Flight.proto.
    "CancelFlightInfo",
    "RenewFlightEndpoint",
    "SetSessionOptions",
    "GetSessionOptions",
    "CloseSession",
}


def test_the_specification_is_what_is_checked() -> None:
    assert len(COMMAND_MESSAGES) == 17
    assert len(ACTION_TYPES) == 13


@pytest.mark.parametrize("name", sorted(COMMAND_MESSAGES))
def test_a_command_is_answered_or_refused(name: str) -> None:
    message = COMMAND_MESSAGES[name]
    answered = message in COMMANDS or message in UPLOADS
    assert answered != (message in REFUSED)


@pytest.mark.parametrize("name", sorted(ACTION_TYPES))
def test_an_action_is_answered_or_refused(name: str) -> None:
    assert (name in ACTIONS) != (name in REFUSED)


def test_a_prepared_query_can_be_bound_and_read() -> None:
    assert pb.CommandPreparedStatementQuery in UPLOADS
    assert pb.CommandPreparedStatementQuery in COMMANDS


def test_a_statement_ticket_is_read_and_never_described() -> None:
    assert COMMANDS[pb.TicketStatementQuery].read is not None
    assert COMMANDS[pb.TicketStatementQuery].describe is None


def test_nothing_outside_the_specification_is_answered() -> None:
    known = set(MESSAGES.values())
    assert set(COMMANDS) | set(UPLOADS) <= known
    assert set(ACTIONS) <= ACTION_TYPES
    assert {key for key in REFUSED if not isinstance(key, str)} <= known
    assert {key for key in REFUSED if isinstance(key, str)} <= ACTION_TYPES


def test_actions_describe_themselves() -> None:
    for name, action in ACTIONS.items():
        assert action.type == name
        assert len(action.description) > 10


@pytest.mark.parametrize("sentence", sorted(set(REFUSED.values())))
def test_a_refusal_says_when_it_comes_and_what_to_do_instead(sentence: str) -> None:
    assert "later release" in sentence
    assert re.search(r"\b(use|send|until then)\b", sentence)
