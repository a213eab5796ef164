"""Errors become statuses, and tell clients nothing else."""

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlake import errors
from flightlake.errors import FlightlakeError, InternalError, InvalidSql
from flightlake.server.boundary import header_text, status_of
from flightlake.telemetry import InternalFailure
from tests.fix_server import Recorder

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, FlightlakeError)
]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.code != 13])
def test_our_errors_keep_their_code_and_message(kind):
    observed = Recorder()
    status = status_of(kind("the column 'x' is not there"), "DoGet", observed)
    assert status.code is getattr(grpc.StatusCode, kind.code.name)
    assert status.message == "the column 'x' is not there"
    assert observed.facts == []


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("/secret/path"),
        InternalError("/secret/path"),
        BaseException("/secret/path"),
    ],
    ids=["a bug", "InternalError", "a panic"],
)
def test_a_defect_shows_a_reference_and_no_more(error):
    observed = Recorder()
    status = status_of(error, "DoGet", observed, reference=lambda: "abc123")
    assert status.code is grpc.StatusCode.INTERNAL
    assert "secret" not in status.message
    assert "abc123" in status.message
    (failure,) = observed.of(InternalFailure)
    assert failure.where == "DoGet"
    assert "abc123" in failure.detail
    assert "/secret/path" in failure.detail


def test_the_log_has_the_traceback():
    observed = Recorder()
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        status_of(error, "DoGet", observed)
    assert "test_boundary.py" in observed.of(InternalFailure)[0].detail


def test_a_message_is_one_line():
    assert header_text("line 1,\r\n  column 2\tis\x00wrong") == "line 1, column 2 is wrong"


@given(message=st.text(st.characters(), max_size=6000))
def test_a_message_fits_in_a_header_and_is_unicode(message):
    line = header_text(message)
    plain = set(range(0x20, 0x7F)) - {ord("%")}
    assert sum(1 if byte in plain else 3 for byte in line.encode("utf-8")) <= 3000
    assert "\n" not in line


def test_a_long_message_is_cut_with_an_ellipsis():
    assert status_of(InvalidSql("x" * 9000), "DoGet", Recorder()).message.endswith("xxx…")


def test_half_a_character_does_not_break_the_answer():
    assert header_text("bad \ud800 name") == "bad ? name"
