"""Facts as lines of JSON."""

import io
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flightlake.clock import ManualClock
from flightlake.names import TableIdentifier
from flightlake.telemetry import (
    Admission,
    AuthenticationFinished,
    InternalFailure,
    QueryFinished,
    RefreshFinished,
    Refreshing,
    RpcFinished,
)
from flightlake.telemetry.logs import JsonLog, take_over_logging

CLOCK = ManualClock(datetime(2026, 1, 2, 3, 4, 5, 678000, UTC))
MS = timedelta(milliseconds=1)
QUERY = QueryFinished(
    "q1", "s1", "alice", "select", "OK", 10, 800, 1.5 * MS, 20 * MS, 300 * MS, "SELECT 'canary'"
)


class Log:
    def __init__(self, **settings: Any) -> None:
        self.stream = io.StringIO()
        self.log = JsonLog(self.stream, clock=CLOCK, **settings)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


def test_a_statement_has_one_line_with_everything_but_its_text() -> None:
    log = Log()
    log.log.observe(replace(QUERY, trace_id="abc"))
    assert log.lines() == [
        {
            "time": "2026-01-02T03:04:05.678+00:00",
            "level": "INFO",
            "event": "statement",
            "user": "alice",
            "session": "s1",
            "query_id": "q1",
            "kind": "select",
            "status": "OK",
            "rows": 10,
            "bytes": 800,
            "queue_ms": 1.5,
            "planning_ms": 20.0,
            "total_ms": 300.0,
            "trace_id": "abc",
        }
    ]


def test_the_text_is_written_only_where_configured() -> None:
    log = Log(sql_text=True)
    log.log.observe(QUERY)
    assert log.lines()[0]["sql"] == "SELECT 'canary'"


def test_refused_logins_and_internal_failures_are_written() -> None:
    log = Log(level="WARNING")
    log.log.observe(QUERY)
    log.log.observe(AuthenticationFinished("password", True, "alice", "1.2.3.4"))
    log.log.observe(AuthenticationFinished("password", False, "alice", "1.2.3.4"))
    log.log.observe(InternalFailure("DoGet", "q1", "Traceback\n  line 2"))
    refused, failure = log.lines()
    assert (refused["event"], refused["user"], refused["peer"]) == (
        "login refused",
        "alice",
        "1.2.3.4",
    )
    assert failure["level"] == "ERROR"
    assert failure["detail"] == "Traceback\n  line 2"


def test_single_rpcs_and_accepted_logins_are_for_debugging() -> None:
    quiet, chatty = Log(), Log(level="DEBUG")
    for log in (quiet, chatty):
        log.log.observe(RpcFinished("DoGet", "", "OK", MS))
        log.log.observe(AuthenticationFinished("jwt", True, "carol", "1.2.3.4"))
        log.log.observe(Admission(1, 2))
    assert quiet.lines() == []
    assert [line["event"] for line in chatty.lines()] == ["rpc", "login accepted"]


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    "value",
    ["\ud800", "line\nbreak\x00\x1b[31m", "x" * 200_000, b"bytes", Unprintable(), {1, 2}],
    ids=["surrogate", "control", "long", "bytes", "unprintable", "set"],
)
def test_strange_values_still_make_one_line(value: Any) -> None:
    log = Log()
    log.log.observe(replace(QUERY, subject=value))
    assert log.stream.getvalue().count("\n") == 1
    assert len(log.stream.getvalue()) < 100_000
    assert log.lines()[0]["query_id"] == "q1"


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_broken_stream_does_not_break_the_server() -> None:
    JsonLog(Broken(), clock=CLOCK).observe(QUERY)


def test_a_circular_value_does_not_break_the_server() -> None:
    circle: list[Any] = []
    circle.append(circle)
    JsonLog(io.StringIO(), clock=CLOCK).observe(replace(QUERY, subject=circle))  # type: ignore[arg-type]


def test_lines_of_many_threads_do_not_mix() -> None:
    log = Log()
    threads = [
        threading.Thread(target=lambda: [log.log.observe(QUERY) for _ in range(100)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log.lines()) == 800


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("flightlake")
    before = list(root.handlers), root.level, ours.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


@pytest.mark.usefixtures("logging_as_before")
def test_what_libraries_log_is_json_too() -> None:
    log = Log()
    take_over_logging(log.log)
    logging.getLogger("flightlake.auth.keys").info("rotated %s", "now")
    logging.getLogger("somebody.else").info("not of interest")
    try:
        raise ValueError("inner")
    except ValueError:
        logging.getLogger("somebody.else").critical("broken", exc_info=True)
    logging.getLogger("flightlake").warning("wrong %d", "arguments")
    first, second = log.lines()
    assert (first["message"], first["logger"]) == ("rotated now", "flightlake.auth.keys")
    assert second["level"] == "ERROR"
    assert "ValueError: inner" in second["detail"]


REFRESH = RefreshFinished(
    "r1", TableIdentifier("lake", "shop", "v"), "lag", "", "OK", CLOCK.now(), 250 * MS,
    strategy="APPEND", reason="orders got rows", snapshot_id=7, rows=90, rows_written=10,
    bytes_written=700, lag=2000 * MS,
)  # fmt: skip


def test_a_refresh_has_one_line() -> None:
    log = Log()
    log.log.observe(REFRESH)
    log.log.observe(Refreshing(1, 0))
    assert log.lines() == [
        {
            "time": "2026-01-02T03:04:05.678+00:00", "level": "INFO", "event": "refresh",
            "view": "lake.shop.v", "refresh_id": "r1", "trigger": "lag", "status": "OK",
            "strategy": "APPEND", "reason": "orders got rows", "rows": 90, "rows_written": 10,
            "bytes_written": 700, "snapshot": 7, "attempt": 1, "lag_ms": 2000.0, "late": False,
            "total_ms": 250.0,
        }
    ]  # fmt: skip


def test_that_there_was_nothing_to_refresh_is_no_news_and_a_failure_is() -> None:
    log = Log()
    log.log.observe(replace(REFRESH, strategy="NOOP"))
    assert log.lines() == []
    log.log.observe(replace(REFRESH, strategy="NOOP", trigger="statement", subject="ada"))
    log.log.observe(replace(REFRESH, strategy=None, status="NOT_FOUND", error="gone"))
    asked, failed = log.lines()
    assert (asked["level"], asked["user"]) == ("INFO", "ada")
    assert (failed["level"], failed["status"], failed["error"]) == ("WARNING", "NOT_FOUND", "gone")
