"""What it costs to watch 1,000 views that have nothing to do: CPU seconds in a second of time.

In one process with nothing but the scheduler; the catalog is in SQLite.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog

from bench.report import Table
from flightlake.cancellation import Cancellation
from flightlake.clock import SystemClock
from flightlake.engine.engine import Engine, EngineSettings
from flightlake.lake.catalogs import open_catalog
from flightlake.lake.writing import WritableCatalog
from flightlake.names import TableIdentifier
from flightlake.query.workers import Workers
from flightlake.refresh.background import Background
from flightlake.refresh.finding import Views
from flightlake.refresh.jobs import Jobs
from flightlake.refresh.policy import POLICY, Policy, policy_json
from flightlake.refresh.records import Definition
from flightlake.refresh.refreshing import Refresher
from flightlake.refresh.runs import Runs
from flightlake.refresh.scheduler.loop import Rules, Scheduler
from flightlake.refresh.scheduler.ownership import Peers
from flightlake.telemetry import Observers

VIEWS = 1000
SOURCES = 10
SECONDS = 30.0
LAGS = (timedelta(minutes=1), timedelta(seconds=10), timedelta(seconds=2))
"""Catalogs are asked every fifth of the shortest."""


def run(scale: float, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure, and return all numbers; *scale* and *rounds* mean nothing here."""
    found = []
    for lag in LAGS:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            say(f"making {VIEWS} views of {lag.total_seconds():g} s")
            jobs = _lake(folder, stack, Policy(target_lag=lag))
            say("watching")
            found.append({"lag_seconds": lag.total_seconds(), **_watched(jobs)})
    return {"views": VIEWS, "sources": SOURCES, "lags": found}


def _lake(folder: Path, stack: ExitStack, policy: Policy) -> Jobs:
    properties = {
        "uri": f"sqlite:///{folder / 'catalog.db'}",
        "warehouse": f"file://{folder / 'warehouse'}",
    }
    writer = SqlCatalog("lake", **properties)
    stack.callback(writer.engine.dispose)
    writer.create_namespace("shop")
    rows = pa.table({"id": pa.array(range(10), pa.int64())})
    for number in range(SOURCES):
        writer.create_table(("shop", f"source_{number}"), rows.schema).append(rows)
    catalog = open_catalog("lake", "sql", properties, timedelta(seconds=60))
    catalogs = {"lake": catalog}
    (folder / "spill").mkdir()
    engine = Engine(EngineSettings(1 << 30, folder / "spill", 1 << 30, 2), catalogs)
    stack.callback(engine.close)
    clock = SystemClock()
    refresher = Refresher(engine, catalogs, Workers(2), clock)
    if not isinstance(catalog, WritableCatalog):
        raise RuntimeError("views are kept in a catalog that is written")
    for number in range(VIEWS):
        query = f"SELECT id FROM source_{number % SOURCES}"
        view = TableIdentifier("lake", "shop", f"view_{number}")
        definition = Definition(query, "lake", "shop", (), "AUTO", 1)
        more = {POLICY: policy_json(policy)}
        refresher.make(catalog, view, None, definition, Cancellation(), more=more)
    return Jobs(
        Views(catalogs, frozenset(catalogs)),
        refresher,
        Runs(clock, Observers(())),
        Background(1, lambda: False, clock),
        lambda delay, function: lambda: None,
        timedelta(hours=1),
    )


def _watched(jobs: Jobs) -> dict[str, float]:
    scheduler = Scheduler(jobs, Peers("me"), Rules("bench"), SystemClock(), Observers(()))
    began, cpu = time.monotonic(), time.process_time()
    scheduler.step()  # looks at all views for the first time
    first = {"first_seconds": time.monotonic() - began, "first_cpu": time.process_time() - cpu}
    scheduler.start()
    began, cpu = time.monotonic(), time.process_time()
    time.sleep(SECONDS)
    took = time.monotonic() - began
    share = (time.process_time() - cpu) / took
    scheduler.stop(timedelta())
    return {**first, "cpu_per_second": share}


def table(result: dict[str, Any]) -> list[Table]:
    """Return what *run* found, for reading."""
    rows = [
        (
            f"{one['lag_seconds']:g} s",
            f"{one['cpu_per_second'] * 100:.2f} %",
            f"{one['first_cpu']:.2f} s",
        )
        for one in result["lags"]
    ]
    title = f"{result['views']} views of {result['sources']} tables, nothing to do"
    return [Table(title, ("target lag", "of one core", "CPU of the first look"), rows)]
