"""Facts as Prometheus metrics.  ``docs/metrics.md`` describes each one; a test compares.

Labels have few values: never a user, a statement, or anything else that a client may make up.
"""

import threading
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from flightlake.telemetry import (
    Admission,
    AuthenticationFinished,
    Fact,
    InternalFailure,
    QueryFinished,
    RpcFinished,
)

_SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0),
)
_MAX_VALUES = 50  # of one label; what comes later is counted as `other`


@dataclass(slots=True)
class _Few:
    """The values of a label that were seen; a defect elsewhere must not fill the memory."""

    seen: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, value: str) -> str:
        if value in self.seen:
            return value
        with self.lock:
            if len(self.seen) >= _MAX_VALUES:
                return "other"
            self.seen.add(value)
        return value


class Metrics:
    """Observes facts and renders them for a scrape.  Thread-safe.

    It has a registry of its own: several servers in one process do not share metrics.
    """

    def __init__(self, version: str) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._methods, self._statuses, self._kinds = _Few(), _Few(), _Few()
        self._rpc_requests = self._counter(
            "rpc_requests_total", "RPCs answered, by method and gRPC status.", "method", "status"
        )
        self._rpc_duration = self._histogram(
            "rpc_duration_seconds", "Time from the first to the last byte of an RPC.", "method"
        )
        self._queries = self._counter(
            "queries_total", "Statements ended, by gRPC status and kind.", "status", "kind"
        )
        self._query_duration = self._histogram(
            "query_duration_seconds", "Time from a statement's arrival to its last row.", "kind"
        )
        self._planning = self._histogram("planning_seconds", "Time a statement was planned.")
        self._queue = self._histogram("queue_seconds", "Time a statement waited for a slot.")
        self._running = self._gauge("queries_running", "Statements that hold a slot now.")
        self._queued = self._gauge("queries_queued", "Statements that wait for a slot now.")
        self._rows = self._counter("rows_sent_total", "Rows sent to clients.")
        self._bytes = self._counter("bytes_sent_total", "Bytes of Arrow data sent to clients.")
        self._attempts = self._counter(
            "auth_attempts_total",
            "Credentials shown, by method and outcome.",
            "method",
            "outcome",
        )
        self._failures = self._counter(
            "internal_failures_total", "Defects met; the log has the details."
        )
        self._gauge("build_info", "Always 1; the version is a label.", "version").labels(
            version
        ).set(1)

    def observe(self, fact: Fact) -> None:
        match fact:
            case RpcFinished():
                method = self._methods.of(fact.method)
                self._rpc_requests.labels(method, self._statuses.of(fact.status)).inc()
                self._rpc_duration.labels(method).observe(fact.duration.total_seconds())
            case QueryFinished():
                kind = self._kinds.of(fact.kind)
                self._queries.labels(self._statuses.of(fact.status), kind).inc()
                self._query_duration.labels(kind).observe(fact.total.total_seconds())
                self._planning.observe(fact.planning.total_seconds())
                self._queue.observe(fact.queue.total_seconds())
                self._rows.inc(max(fact.rows, 0))
                self._bytes.inc(max(fact.bytes, 0))
            case AuthenticationFinished():
                outcome = "accepted" if fact.accepted else "refused"
                self._attempts.labels(self._methods.of(fact.method), outcome).inc()
            case Admission():
                self._running.set(fact.running)
                self._queued.set(fact.queued)
            case InternalFailure():
                self._failures.inc()

    def render(self) -> tuple[bytes, str]:
        """Return all metrics in the text format, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"flightlake_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"flightlake_{name}", text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(
            f"flightlake_{name}", text, labels, registry=self._registry, buckets=_SECONDS
        )
