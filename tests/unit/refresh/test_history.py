"""What is remembered of refreshes until it is stored."""

import json
from datetime import timedelta

import pytest

from flightlake.clock import ManualClock
from flightlake.refresh.history import RefreshHistory, rows_of, worth_keeping
from flightlake.telemetry import Admission
from tests.fix_history import BEGIN, ended


@pytest.fixture
def history() -> RefreshHistory:
    return RefreshHistory(ManualClock(BEGIN), "mill", ["lake"])


def test_a_refresh_waits_until_it_is_stored(history: RefreshHistory) -> None:
    history.observe(Admission(1, 0))
    assert not history.news.is_set()
    one = ended("1")
    history.observe(one)
    assert history.news.is_set()
    assert history.waiting("lake") == [(one, BEGIN)]
    assert history.waiting("annex") == []
    assert history.rows()["refresh_id"].to_pylist() == ["1"]
    history.stored([one])
    assert history.waiting("lake") == []
    assert history.rows().num_rows == 0
    assert history.latest(one.view) == one


def test_that_the_scheduler_found_nothing_to_do_is_no_news(history: RefreshHistory) -> None:
    for trigger, kept in (("lag", False), ("schedule", False), ("statement", True)):
        assert worth_keeping(ended("1", strategy="NOOP", trigger=trigger)) == kept
    assert worth_keeping(ended("1", strategy=None, status="UNAVAILABLE"))
    history.observe(ended("1", strategy="NOOP"))
    assert history.rows().num_rows == 0
    assert not history.news.is_set()
    latest = history.latest(ended("1").view)
    assert latest is not None
    assert latest.strategy == "NOOP"


def test_memory_is_bounded_and_what_is_lost_is_counted(history: RefreshHistory) -> None:
    for number in range(10_050):
        history.observe(ended(str(number)))
    assert len(history.waiting("lake")) == 10_000
    assert history.forgotten == 50
    assert history.waiting("lake")[0][0].refresh_id == "50"


def test_failures_in_catalogs_that_are_not_written_are_only_remembered(
    history: RefreshHistory,
) -> None:
    history.observe(ended("1", "annex", status="PERMISSION_DENIED"))
    assert not history.news.is_set()
    assert history.rows()["catalog"].to_pylist() == ["annex"]


def test_a_row_says_all_that_was_told() -> None:
    lag = timedelta(seconds=90)
    (row,) = rows_of([ended("1", subject="ada", lag=lag, late=True)], "mill").to_pylist()
    assert json.loads(row.pop("candidates")) == [
        {"strategy": "APPEND", "why": "no"},
        {"strategy": "FULL", "why": "yes"},
    ]
    assert json.loads(row.pop("sources")) == [{"source": "lake.shop.orders", "before": 1, "now": 2}]
    assert row == {
        "refresh_id": "1", "server": "mill", "catalog": "lake", "schema": "shop", "name": "v",
        "trigger": "lag", "user_name": "ada", "status": "OK", "started": BEGIN,
        "ended": BEGIN + timedelta(seconds=1.5), "duration_seconds": 1.5, "attempt": 1,
        "strategy": "FULL", "reason": "orders moved", "error": None, "snapshot_id": None,
        "as_of": None, "rows": 7, "rows_written": 0, "bytes_written": 0, "lag_seconds": 90.0,
        "late": True,
    }  # fmt: skip
