"""The facts flightlake emits, with their units, and who may listen.

Core code emits facts; metrics and logs subscribe.  A fact is a frozen value; durations are
``timedelta``, sizes are bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from flightlake.names import TableIdentifier


@dataclass(frozen=True, slots=True)
class QueryFinished:
    """One statement has ended, however it ended.

    ``status`` is a gRPC code name (``OK``, ``CANCELLED``, …); ``kind`` the statement kind
    (``select``, ``explain``, ``show``, ``describe``, …); ``rows`` and ``bytes`` what left for
    the client (Arrow buffers, before framing).  ``queue`` is the time spent waiting for a slot,
    ``planning`` and ``total`` what they say.  ``sql`` is the statement text; whether it is
    written anywhere is the listener's decision.
    """

    query_id: str
    session_id: str
    subject: str
    kind: str
    status: str
    rows: int
    bytes: int
    queue: timedelta
    planning: timedelta
    total: timedelta
    sql: str
    trace_id: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RpcFinished:
    """One RPC has ended; ``command`` is the Flight SQL command or action, if any."""

    method: str
    command: str
    status: str
    duration: timedelta


@dataclass(frozen=True, slots=True)
class AuthenticationFinished:
    """Somebody showed credentials; ``method`` is password, token, jwt or none."""

    method: str
    accepted: bool
    subject: str | None
    peer: str


@dataclass(frozen=True, slots=True)
class Admission:
    """How many statements run and wait at this moment."""

    running: int
    queued: int


@dataclass(frozen=True, slots=True)
class Refreshing:
    """How many refreshes run and wait at this moment, in this process."""

    running: int
    queued: int


@dataclass(frozen=True, slots=True)
class ViewsSurveyed:
    """How the materialized views that this process looks after stand at this moment.

    ``lags`` says of each whose lag is known how far it is behind its sources; ``suspended`` how
    many are not refreshed until somebody resumes them, or they are probed.
    """

    lags: Mapping[TableIdentifier, timedelta]
    suspended: int


@dataclass(frozen=True, slots=True)
class RefreshFinished:
    """One refresh of a materialized view has ended, however it ended.

    ``trigger`` says what began it: ``create``, ``statement``, ``lag``, ``schedule``, ``change``
    or ``probe``; ``subject`` who did, empty for the scheduler.  ``status`` is a gRPC code name,
    ``error`` the message of a failure.  ``strategy``, ``reason``, ``snapshot_id`` and ``as_of``
    are those of the view's new state, None if there is none.  ``rows`` are the view's after it;
    ``rows_written`` and ``bytes_written`` (Parquet) what this refresh added.  ``candidates`` are
    the strategies that were considered, each with why it was taken or not; ``sources`` what was
    read, each as ``(name, snapshot before, snapshot now)``.  ``lag`` is how far behind its
    sources the view was when it began, and ``late`` whether that was beyond its target.
    """

    refresh_id: str
    view: TableIdentifier
    trigger: str
    subject: str
    status: str
    started: datetime
    duration: timedelta
    attempt: int = 1
    strategy: str | None = None
    reason: str | None = None
    error: str | None = None
    snapshot_id: int | None = None
    as_of: datetime | None = None
    rows: int | None = None
    rows_written: int = 0
    bytes_written: int = 0
    candidates: tuple[tuple[str, str], ...] = ()
    sources: tuple[tuple[str, int | None, int | None], ...] = ()
    lag: timedelta | None = None
    late: bool = False


@dataclass(frozen=True, slots=True)
class MaintenanceFinished:
    """The upkeep of a materialized view has ended, and found something to do, or failed.

    ``status`` is a gRPC code name, ``error`` the message of a failure.  ``snapshots`` expired,
    and with them ``files`` of ``bytes`` were deleted; ``unreferenced`` files, of
    ``unreferenced_bytes``, were of refreshes that never ended; ``failed`` files could not be
    deleted.  ``compacted`` small files of ``compacted_bytes`` became ``compacted_into``, and the
    view has ``manifests`` fewer.  ``dropped`` files of ``dropped_bytes`` were of a view that is not
    there any more.
    """

    view: TableIdentifier
    status: str
    snapshots: int
    files: int
    bytes: int
    unreferenced: int
    unreferenced_bytes: int
    failed: int
    duration: timedelta
    error: str | None = None
    compacted: int = 0
    compacted_into: int = 0
    compacted_bytes: int = 0
    manifests: int = 0
    dropped: int = 0
    dropped_bytes: int = 0


@dataclass(frozen=True, slots=True)
class InternalFailure:
    """A defect was met; *detail* (traceback and all) is for the log only."""

    where: str
    query_id: str | None
    detail: str


Fact = (
    QueryFinished
    | RpcFinished
    | AuthenticationFinished
    | Admission
    | Refreshing
    | ViewsSurveyed
    | RefreshFinished
    | MaintenanceFinished
    | InternalFailure
)


class Observer(Protocol):
    """Receives facts.  Thread-safe; returns quickly; never raises."""

    def observe(self, fact: Fact) -> None:
        """Take note of *fact*."""
        ...


class Observers:
    """Several observers as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def observe(self, fact: Fact) -> None:
        for observer in self._observers:
            observer.observe(fact)
