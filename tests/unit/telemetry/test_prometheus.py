"""Facts as metrics."""

import re
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from flightlake.names import TableIdentifier
from flightlake.telemetry import (
    Admission,
    AuthenticationFinished,
    InternalFailure,
    MaintenanceFinished,
    QueryFinished,
    RefreshFinished,
    Refreshing,
    RpcFinished,
    ViewsSurveyed,
)
from flightlake.telemetry.prometheus import MAX_VIEWS, Metrics

MS = timedelta(milliseconds=1)
QUERY = QueryFinished(
    "q1", "s1", "alice", "select", "OK", 10, 800, 1 * MS, 20 * MS, 300 * MS, "SELECT secret"
)
VIEW = TableIdentifier("lake", "shop", "by_item")
REFRESH = RefreshFinished(
    "r1", VIEW, "lag", "", "OK", datetime(2026, 1, 2, tzinfo=UTC), 1500 * MS, strategy="APPEND",
    rows=90, rows_written=10, bytes_written=700, lag=90 * 1000 * MS, late=True,
)  # fmt: skip
DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"


def samples(metrics: Metrics) -> dict[str, float]:
    """All samples as ``name{label=value,…}``, without the prefix."""
    text = metrics.render()[0].decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[sample.name.removeprefix("flightlake_") + f"{{{labels}}}"] = sample.value
    return found


def test_a_statement_is_counted_timed_and_weighed() -> None:
    metrics = Metrics("1.2.3")
    metrics.observe(QUERY)
    metrics.observe(QUERY)
    found = samples(metrics)
    assert found["queries_total{kind=select,status=OK}"] == 2
    assert found["rows_sent_total{}"] == 20
    assert found["bytes_sent_total{}"] == 1600
    assert found["query_duration_seconds_sum{kind=select}"] == 0.6
    assert found["planning_seconds_sum{}"] == 0.04
    assert found["queue_seconds_count{}"] == 2
    assert found["query_duration_seconds_bucket{kind=select,le=0.25}"] == 0
    assert found["query_duration_seconds_bucket{kind=select,le=0.5}"] == 2


def test_rpcs_logins_slots_and_failures_are_counted() -> None:
    metrics = Metrics("1.2.3")
    metrics.observe(RpcFinished("DoGet", "", "NOT_FOUND", 5 * MS))
    metrics.observe(AuthenticationFinished("password", False, "alice", "1.2.3.4"))
    metrics.observe(AuthenticationFinished("jwt", True, "carol", "1.2.3.4"))
    metrics.observe(Admission(running=3, queued=7))
    metrics.observe(InternalFailure("DoGet", None, "traceback"))
    found = samples(metrics)
    assert found["rpc_requests_total{method=DoGet,status=NOT_FOUND}"] == 1
    assert found["rpc_duration_seconds_count{method=DoGet}"] == 1
    assert found["auth_attempts_total{method=password,outcome=refused}"] == 1
    assert found["auth_attempts_total{method=jwt,outcome=accepted}"] == 1
    assert found["queries_running{}"] == 3
    assert found["queries_queued{}"] == 7
    assert found["internal_failures_total{}"] == 1
    assert found["build_info{version=1.2.3}"] == 1
    assert found["process_cpu_seconds_total{}"] > 0


def test_refreshes_are_counted_timed_and_weighed() -> None:
    metrics = Metrics("1")
    metrics.observe(REFRESH)
    metrics.observe(replace(REFRESH, late=False))
    failed = replace(REFRESH, strategy=None, status="UNAVAILABLE", trigger="statement", late=False)
    metrics.observe(replace(failed, rows_written=0, bytes_written=0))
    metrics.observe(Refreshing(2, 5))
    found = samples(metrics)
    assert found["mv_refreshes_total{status=OK,strategy=APPEND,trigger=lag}"] == 2
    assert found["mv_refreshes_total{status=UNAVAILABLE,strategy=none,trigger=statement}"] == 1
    assert found["mv_refresh_duration_seconds_sum{strategy=APPEND}"] == 3.0
    assert found["mv_rows_written_total{}"] == 20
    assert found["mv_bytes_written_total{}"] == 1400
    assert found["mv_deadline_misses_total{}"] == 1
    assert (found["mv_refreshes_running{}"], found["mv_refreshes_queued{}"]) == (2, 5)


def test_the_lag_is_told_of_the_views_that_are_farthest_behind() -> None:
    metrics = Metrics("1")
    lags = {replace(VIEW, table=f"v{number}"): number * 1000 * MS for number in range(500)}
    metrics.observe(ViewsSurveyed(lags, 3))
    found = {name: lag for name, lag in samples(metrics).items() if "mv_lag_seconds" in name}
    assert len(found) == MAX_VIEWS
    assert found["mv_lag_seconds{view=lake.shop.v499}"] == 499
    assert min(found.values()) == 400
    assert samples(metrics)["mv_suspended{}"] == 3
    metrics.observe(ViewsSurveyed({VIEW: timedelta()}, 0))
    found = {name: lag for name, lag in samples(metrics).items() if "mv_lag_seconds" in name}
    assert found == {"mv_lag_seconds{view=lake.shop.by_item}": 0}


def test_nothing_of_a_client_is_a_label() -> None:
    metrics = Metrics("1")
    metrics.observe(QUERY)
    metrics.observe(AuthenticationFinished("password", False, "alice", "1.2.3.4"))
    text = metrics.render()[0].decode()
    for private in ("alice", "secret", "1.2.3.4", "q1", "s1"):
        assert private not in text


def test_the_values_of_a_label_are_bounded() -> None:
    metrics = Metrics("1")
    for number in range(1000):
        metrics.observe(RpcFinished(f"Method{number}", "", "OK", MS))
    found = [name for name in samples(metrics) if name.startswith("rpc_requests_total")]
    assert len(found) == 51
    assert samples(metrics)["rpc_requests_total{method=other,status=OK}"] == 950


def test_two_servers_in_one_process_do_not_share() -> None:
    one, two = Metrics("1"), Metrics("1")
    one.observe(QUERY)
    assert samples(two)["rows_sent_total{}"] == 0


def test_facts_from_many_threads_are_all_counted() -> None:
    metrics = Metrics("1")

    def send() -> None:
        for _ in range(200):
            metrics.observe(QUERY)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert samples(metrics)["queries_total{kind=select,status=OK}"] == 1600


def test_the_content_type_is_that_of_the_text_format() -> None:
    assert Metrics("1").render()[1].startswith("text/plain; version=")


def test_every_metric_is_documented_and_no_other() -> None:
    documented = {
        name: (kind, sorted(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in re.findall(
            r"^\| `(flightlake_\w+)` \| (\w+) \|([^|]*)\|", DOCS.read_text("utf-8"), re.M
        )
    }
    metrics = Metrics("1")
    metrics.observe(QUERY)
    metrics.observe(RpcFinished("DoGet", "", "OK", MS))
    metrics.observe(AuthenticationFinished("jwt", True, "carol", "1.2.3.4"))
    metrics.observe(REFRESH)
    metrics.observe(ViewsSurveyed({VIEW: timedelta()}, 0))
    metrics.observe(MaintenanceFinished(VIEW, "OK", 2, 9, 100, 3, 30, 0, MS))
    actual = {}
    for family in text_string_to_metric_families(metrics.render()[0].decode()):
        if not family.name.startswith("flightlake_"):
            continue
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = sorted(label for label in family.samples[0].labels if label != "le")
        actual[name] = (family.type, labels)
    actual = {n: v for n, v in actual.items() if not n.endswith("_created")}
    assert documented == actual
