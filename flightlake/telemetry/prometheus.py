"""Facts as Prometheus metrics.  ``docs/metrics.md`` describes each one; a test compares.

Labels have few values: never a user, a statement, or anything else that a client may make up.
The names of views are such, so only those of some views are shown, and of no others.
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
    MaintenanceFinished,
    QueryFinished,
    RefreshFinished,
    Refreshing,
    RpcFinished,
    ViewsSurveyed,
)

_SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0),
)
MAX_VIEWS = 100
"""The views whose lag is told: those that are farthest behind."""
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
        self._views = _ViewMetrics(self._registry)
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
            case _:
                self._views.observe(fact)

    def render(self) -> tuple[bytes, str]:
        """Return all metrics in the text format, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return _counter(self._registry, name, text, *labels)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return _gauge(self._registry, name, text, *labels)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return _histogram(self._registry, name, text, *labels)


class _ViewMetrics:
    """The metrics of materialized views."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._strategies, self._statuses, self._triggers = _Few(), _Few(), _Few()
        self._lock = threading.Lock()
        self._refreshes = _counter(
            registry, "mv_refreshes_total", "Refreshes ended, by strategy, gRPC status and what"
            " began them.", "strategy", "status", "trigger",
        )  # fmt: skip
        self._duration = _histogram(
            registry, "mv_refresh_duration_seconds", "Time a refresh took.", "strategy"
        )
        self._rows = _counter(registry, "mv_rows_written_total", "Rows written by refreshes.")
        self._bytes = _counter(registry, "mv_bytes_written_total", "Parquet bytes they wrote.")
        self._late = _counter(
            registry, "mv_deadline_misses_total", "Refreshes that began beyond the target lag."
        )
        self._running = _gauge(registry, "mv_refreshes_running", "Refreshes that run now.")
        self._queued = _gauge(registry, "mv_refreshes_queued", "Refreshes that wait now.")
        self._suspended = _gauge(registry, "mv_suspended", "Views that are suspended now.")
        self._lag = _gauge(
            registry, "mv_lag_seconds", "How far a view is behind its sources.", "view"
        )
        self._kept = _counter(
            registry, "mv_upkeep_total", "Views whose upkeep had something to do.", "status"
        )
        self._expired = _counter(registry, "mv_snapshots_expired_total", "Snapshots expired.")
        self._deleted = _counter(
            registry, "mv_files_deleted_total", "Files deleted by the upkeep, by why.", "why"
        )
        self._compacted = _counter(
            registry, "mv_files_compacted_total", "Small files that the upkeep put together."
        )

    def observe(self, fact: Fact) -> None:
        match fact:
            case RefreshFinished():
                strategy = self._strategies.of(fact.strategy or "none")
                status, trigger = self._statuses.of(fact.status), self._triggers.of(fact.trigger)
                self._refreshes.labels(strategy, status, trigger).inc()
                self._duration.labels(strategy).observe(fact.duration.total_seconds())
                self._rows.inc(max(fact.rows_written, 0))
                self._bytes.inc(max(fact.bytes_written, 0))
                self._late.inc(fact.late)
            case MaintenanceFinished():
                self._kept.labels(self._statuses.of(fact.status)).inc()
                self._expired.inc(fact.snapshots)
                self._deleted.labels("expired").inc(fact.files)
                self._deleted.labels("unreferenced").inc(fact.unreferenced)
                self._deleted.labels("dropped").inc(fact.dropped)
                self._compacted.inc(fact.compacted)
            case Refreshing():
                self._running.set(fact.running)
                self._queued.set(fact.queued)
            case ViewsSurveyed():
                self._suspended.set(fact.suspended)
                farthest = sorted(fact.lags.items(), key=lambda one: (-one[1], one[0]))
                with self._lock:
                    self._lag.clear()
                    for view, lag in farthest[:MAX_VIEWS]:
                        self._lag.labels(str(view)).set(lag.total_seconds())


def _counter(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Counter:
    return Counter(f"flightlake_{name}", text, labels, registry=registry)


def _gauge(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"flightlake_{name}", text, labels, registry=registry)


def _histogram(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Histogram:
    return Histogram(f"flightlake_{name}", text, labels, registry=registry, buckets=_SECONDS)
