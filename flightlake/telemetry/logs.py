"""Facts as lines of JSON: one line per statement, refresh, refused login, and internal failure."""

import json
import logging
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TextIO

from flightlake.clock import Clock
from flightlake.telemetry import (
    Admission,
    AuthenticationFinished,
    Fact,
    InternalFailure,
    MaintenanceFinished,
    QueryFinished,
    RefreshFinished,
    Refreshing,
    RpcFinished,
    ViewsSurveyed,
)

_MAX_TEXT = 64 * 1024  # characters of one field
_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}


class JsonLog:
    """Writes facts, and what libraries log, as JSON lines.  Thread-safe; never raises.

    Every line has ``time`` (UTC), ``level`` and ``event``.  Statements and internal failures
    are always worth a line at INFO; accepted logins and single RPCs are DEBUG.

    Args:
        stream: Where to; ``sys.stderr`` if None.
        level: The least important lines to write: DEBUG, INFO, WARNING or ERROR.
        sql_text: Whether the text of statements is written.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        clock: Clock,
        level: str = "INFO",
        sql_text: bool = False,
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._level = _LEVELS[level]
        self._sql_text = sql_text
        self._lock = threading.Lock()

    def observe(self, fact: Fact) -> None:
        fields: dict[str, object]
        match fact:
            case QueryFinished():
                self.write("INFO", "statement", self._statement(fact))
            case AuthenticationFinished():
                fields = {"method": fact.method, "user": fact.subject, "peer": fact.peer}
                if fact.accepted:
                    self.write("DEBUG", "login accepted", fields)
                else:
                    self.write("WARNING", "login refused", fields)
            case InternalFailure():
                fields = {"where": fact.where, "query_id": fact.query_id, "detail": fact.detail}
                self.write("ERROR", "internal failure", fields)
            case RpcFinished():
                fields = {
                    "method": fact.method,
                    "command": fact.command,
                    "status": fact.status,
                    "total_ms": _milliseconds(fact.duration),
                }
                self.write("DEBUG", "rpc", fields)
            case RefreshFinished():
                self.write(_refresh_level(fact), "refresh", _refresh(fact))
            case MaintenanceFinished():
                level = "INFO" if fact.status == "OK" else "WARNING"
                self.write(level, "upkeep", _upkeep(fact))
            case Admission() | Refreshing() | ViewsSurveyed():
                pass  # gauges, of no use in a log

    def write(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        """Write one line; fields that are None are left out."""
        if _LEVELS.get(level, 40) < self._level:
            return
        # A log that fails must not fail what is logged, whatever the values or the stream are.
        with suppress(Exception):
            line: dict[str, object] = {
                "time": self._clock.now().isoformat(timespec="milliseconds"),
                "level": level,
                "event": event,
            }
            line |= {name: _short(value) for name, value in fields.items() if value is not None}
            text = json.dumps(line, default=_described) + "\n"
            stream = self._stream or sys.stderr
            with self._lock:
                stream.write(text)
                stream.flush()

    def _statement(self, fact: QueryFinished) -> dict[str, object]:
        return {
            "user": fact.subject,
            "session": fact.session_id,
            "query_id": fact.query_id,
            "kind": fact.kind,
            "status": fact.status,
            "rows": fact.rows,
            "bytes": fact.bytes,
            "queue_ms": _milliseconds(fact.queue),
            "planning_ms": _milliseconds(fact.planning),
            "total_ms": _milliseconds(fact.total),
            "trace_id": fact.trace_id,
            "error": fact.error,
            "sql": fact.sql if self._sql_text else None,
        }


class LibraryLog(logging.Handler):
    """Passes what ``logging`` gets, from flightlake and from libraries, on to a ``JsonLog``."""

    def __init__(self, log: JsonLog) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(Exception):
            fields: dict[str, object] = {
                "logger": record.name,
                "message": record.getMessage(),
            }
            if record.exc_info is not None:
                fields["detail"] = logging.Formatter().formatException(record.exc_info)
            level = "ERROR" if record.levelname == "CRITICAL" else record.levelname
            self._log.write(level, "message", fields)


def take_over_logging(log: JsonLog, *, level: str = "INFO") -> None:
    """Make *log* the only place where the root logger writes; libraries write warnings."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.addHandler(LibraryLog(log))
    root.setLevel(max(_LEVELS[level], logging.WARNING))
    logging.getLogger("flightlake").setLevel(_LEVELS[level])


def _refresh_level(fact: RefreshFinished) -> str:
    """Return how important the end of a refresh is: that there was nothing to do is not."""
    if fact.status != "OK":
        return "WARNING"
    return "DEBUG" if fact.strategy == "NOOP" and not fact.subject else "INFO"


def _refresh(fact: RefreshFinished) -> dict[str, object]:
    return {
        "view": str(fact.view),
        "refresh_id": fact.refresh_id,
        "trigger": fact.trigger,
        "user": fact.subject or None,
        "status": fact.status,
        "strategy": fact.strategy,
        "reason": fact.reason,
        "rows": fact.rows,
        "rows_written": fact.rows_written,
        "bytes_written": fact.bytes_written,
        "snapshot": fact.snapshot_id,
        "attempt": fact.attempt,
        "lag_ms": None if fact.lag is None else _milliseconds(fact.lag),
        "late": fact.late,
        "total_ms": _milliseconds(fact.duration),
        "error": fact.error,
    }


def _upkeep(fact: MaintenanceFinished) -> dict[str, object]:
    return {
        "view": str(fact.view),
        "status": fact.status,
        "snapshots": fact.snapshots,
        "files": fact.files,
        "bytes": fact.bytes,
        "unreferenced": fact.unreferenced,
        "unreferenced_bytes": fact.unreferenced_bytes,
        "failed": fact.failed,
        "compacted": fact.compacted,
        "compacted_into": fact.compacted_into,
        "compacted_bytes": fact.compacted_bytes,
        "manifests": fact.manifests,
        "dropped": fact.dropped,
        "dropped_bytes": fact.dropped_bytes,
        "total_ms": _milliseconds(fact.duration),
        "error": fact.error,
    }


def _milliseconds(duration: timedelta) -> float:
    return round(duration.total_seconds() * 1000, 3)


def _short(value: object) -> object:
    if isinstance(value, str) and len(value) > _MAX_TEXT:
        return value[:_MAX_TEXT] + "…"
    return value


def _described(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 (a value without text still gets a line)
        return f"({type(value).__name__})"
