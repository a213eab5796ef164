"""How a view fares: whether it is suspended, what failed last, and the word for all that.

Kept in ``flightlake.mv.status``, which is written only when something fails, or is well again,
or somebody suspends or resumes: a view that fares well costs no commits but those of its rows.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from flightlake.errors import (
    Cancelled,
    Code,
    Conflict,
    FlightlakeError,
    InternalError,
    NotInitialized,
    NotReady,
    Overloaded,
    TimedOut,
)
from flightlake.lake.materialized import PREFIX
from flightlake.names import TableIdentifier
from flightlake.refresh.records import moment

STATUS = f"{PREFIX}status"
READY = "READY"
INITIALIZING = "INITIALIZING"
TRANSIENT = (
    NotReady, Conflict, Overloaded, TimedOut, Cancelled, InternalError, NotInitialized,
)  # fmt: skip
"""Errors that may be gone the next time, without anybody's doing."""
BY_USER = "by a user"
BY_ERRORS = "errors"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a refresh failed: ``code`` is a gRPC code name, ``permanent`` if it will fail again."""

    code: str
    message: str
    at: datetime
    permanent: bool


@dataclass(frozen=True, slots=True)
class Status:
    """``suspended`` says by whom or what, empty if the view is not.

    ``failures`` counts failed refreshes since the last that succeeded, ``permanent`` those of
    them that would fail again; ``last`` is the latest.  ``attempted`` is when the last refresh
    that failed began, and ``seen`` stands for what it saw: if that changes, it is worth another
    attempt.
    """

    suspended: str = ""
    failures: int = 0
    permanent: int = 0
    last: Failure | None = None
    attempted: datetime | None = None
    seen: str = ""


WELL = Status()


def is_permanent(failure: FlightlakeError) -> bool:
    """Return whether what failed so fails again until somebody changes something."""
    return not isinstance(failure, TRANSIENT)


def failed(
    status: Status, failure: FlightlakeError, now: datetime, suspend_after: int, seen: str = ""
) -> Status:
    """Return *status* after one more failure; suspends after so many permanent ones in a row."""
    permanent = is_permanent(failure)
    count = status.permanent + 1 if permanent else status.permanent
    suspended = status.suspended
    if not suspended and count >= suspend_after:
        suspended = BY_ERRORS
    last = Failure(code_name(failure), failure.message, now, permanent)
    return Status(suspended, status.failures + 1, count, last, now, seen)


def succeeded(status: Status) -> Status:
    """Return *status* after a refresh that went well: what errors suspended goes on by itself.

    What a user suspended stays so.
    """
    return Status(suspended=status.suspended if status.suspended == BY_USER else "")


def suspended(status: Status) -> Status:
    """Return *status* of a view that a user suspends."""
    return replace(status, suspended=BY_USER)


def resumed(status: Status) -> Status:
    """Return *status* of a view that a user lets go on; its failures are forgotten."""
    return Status()


def code_name(failure: FlightlakeError) -> str:
    """Return the gRPC code name of *failure*."""
    return Code(failure.code).name


def word(status: Status, stale: TableIdentifier | None = None, waiting: bool = False) -> str:
    """Return what is said of a view: ``READY``, ``SUSPENDED(…)``, ``INVALID(…)``,
    ``RETRYING(…)`` or ``UPSTREAM_STALE(name)``; of one that is *waiting* for its first rows and
    fares well otherwise, ``INITIALIZING`` or ``INITIALIZING(waits for name)``.

    *stale* is a view that this one reads and that is not brought up to date.
    """
    if status.suspended:
        reason = status.suspended
        if status.suspended == BY_ERRORS and status.last is not None:
            reason = f"{status.suspended}: {status.last.message}"
        return f"SUSPENDED({reason})"
    if status.last is not None and status.last.permanent:
        return f"INVALID({status.last.message})"
    if stale is not None:
        return f"{INITIALIZING}(waits for {stale})" if waiting else f"UPSTREAM_STALE({stale})"
    if status.last is not None:
        return f"RETRYING({status.last.message})"
    return INITIALIZING if waiting else READY


def is_stuck(status: Status) -> bool:
    """Return whether views that read this one go stale with it."""
    return bool(status.suspended) or status.failures > 0


def status_json(status: Status) -> str:
    """Return *status* as it is kept in ``flightlake.mv.status``."""
    told: dict[str, object] = {}
    if status.suspended:
        told["suspended"] = status.suspended
    if status.failures:
        told["failures"] = status.failures
        told["permanent"] = status.permanent
    if status.last is not None:
        told["last"] = {
            "code": status.last.code,
            "message": status.last.message,
            "at": status.last.at.isoformat(),
            "permanent": status.last.permanent,
        }
    if status.attempted is not None:
        told["attempted"] = status.attempted.isoformat()
    if status.seen:
        told["seen"] = status.seen
    return json.dumps(told)


def status_of(properties: Mapping[str, str]) -> Status:
    """Return the status in the *properties* of a view's table; one that cannot be read is well.

    Nothing is lost by that: what fails, fails again and is written down anew.
    """
    try:
        found = json.loads(properties.get(STATUS, "{}"))
        last, attempted = found.get("last"), found.get("attempted")
        return Status(
            str(found.get("suspended", "")),
            int(found.get("failures", 0)),
            int(found.get("permanent", 0)),
            None
            if last is None
            else Failure(
                str(last["code"]),
                str(last["message"]),
                moment(last["at"]),
                bool(last["permanent"]),
            ),
            None if attempted is None else moment(attempted),
            str(found.get("seen", "")),
        )
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError):
        return WELL
