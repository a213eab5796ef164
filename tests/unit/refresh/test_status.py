"""How a view fares, in a word; failures are counted, suspend, and are forgotten."""

from datetime import UTC, datetime

import pytest

from flightlake.errors import (
    Cancelled,
    Conflict,
    DamagedData,
    FlightlakeError,
    InternalError,
    InvalidSql,
    NotFound,
    NotPermitted,
    NotReady,
    Overloaded,
    PreconditionFailed,
    TimedOut,
)
from flightlake.names import TableIdentifier
from flightlake.refresh.status import (
    BY_ERRORS,
    BY_USER,
    STATUS,
    WELL,
    Status,
    failed,
    is_permanent,
    resumed,
    status_json,
    status_of,
    succeeded,
    suspended,
    word,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SOURCE = TableIdentifier("lake", "shop", "u")


def after(*failures: FlightlakeError, suspend_after: int = 5) -> Status:
    status = WELL
    for failure in failures:
        status = failed(status, failure, NOW, suspend_after, "seen")
    return status


@pytest.mark.parametrize(
    ("failure", "permanent"),
    [
        (NotReady("x"), False),
        (Conflict("x"), False),
        (Overloaded("x"), False),
        (TimedOut("x"), False),
        (Cancelled("x"), False),
        (InternalError("x"), False),
        (InvalidSql("x"), True),
        (NotFound("x"), True),
        (NotPermitted("x"), True),
        (PreconditionFailed("x"), True),
        (DamagedData("x"), True),
    ],
)
def test_what_may_pass_is_told_from_what_comes_again(
    failure: FlightlakeError, permanent: bool
) -> None:
    assert is_permanent(failure) is permanent


def test_five_failures_that_come_again_suspend_a_view() -> None:
    gone = NotFound("table t does not exist")
    assert word(after(*[gone] * 4)) == "INVALID(table t does not exist)"
    five = after(*[gone] * 5)
    assert five.suspended == BY_ERRORS
    assert word(five) == "SUSPENDED(errors: table t does not exist)"
    assert word(after(gone, gone, suspend_after=2)).startswith("SUSPENDED(")
    assert succeeded(five) == WELL


def test_what_may_pass_never_suspends_a_view() -> None:
    many = after(*[NotReady("the catalog does not answer")] * 1000)
    assert (many.failures, many.suspended) == (1000, "")
    assert word(many) == "RETRYING(the catalog does not answer)"


def test_only_a_user_ends_what_a_user_suspended() -> None:
    status = suspended(after(NotFound("x")))
    assert word(status) == "SUSPENDED(by a user)"
    assert succeeded(status) == Status(suspended=BY_USER)
    assert resumed(status) == WELL


def test_a_reader_of_a_stuck_view_says_which() -> None:
    assert word(WELL, SOURCE) == "UPSTREAM_STALE(lake.shop.u)"
    # What the view itself does not get done says more.
    assert word(after(NotFound("x")), SOURCE) == "INVALID(x)"
    assert word(WELL) == "READY"


@pytest.mark.parametrize(
    "status", [WELL, suspended(WELL), after(NotFound("x")), after(*[NotFound("ü\n")] * 7)]
)
def test_a_status_is_read_as_it_was_written(status: Status) -> None:
    assert status_of({STATUS: status_json(status)}) == status


@pytest.mark.parametrize(
    "broken",
    ["", "x", "[]", '{"last": {}}', '{"failures": "many"}', '{"failures": 1e999}',
     '{"failures": 1, "attempted": "2026-11-20T12:00:00"}', "[" * 100_000],
)  # fmt: skip
def test_a_status_that_is_none_is_well(broken: str) -> None:
    assert status_of({STATUS: broken}) == WELL
