"""The facts flightlake emits, with their units, and who may listen.

Core code emits facts; metrics and logs subscribe.  A fact is a frozen value; durations are
``timedelta``, sizes are bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


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
class InternalFailure:
    """A defect was met; *detail* (traceback and all) is for the log only."""

    where: str
    query_id: str | None
    detail: str


Fact = QueryFinished | RpcFinished | AuthenticationFinished | Admission | InternalFailure


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
