"""A view over lineitem brought up to date after 1 % of the rows came: all of it, and what came.

In one process with the engine, so that nothing but the refresh is measured.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from pyiceberg.table import Table as Written

from bench.data import Lakehouse, tpch_lakehouse
from bench.report import Table
from flightlake.cancellation import Cancellation
from flightlake.clock import SystemClock
from flightlake.engine.engine import Engine, EngineSettings
from flightlake.lake.catalogs import open_catalog
from flightlake.lake.commits import current
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.lake.writing import WritableCatalog
from flightlake.names import TableIdentifier
from flightlake.query.workers import Workers
from flightlake.refresh.records import Definition
from flightlake.refresh.refreshing import Refresher

VIEWS = {
    "filter": (
        "SELECT l_orderkey, l_partkey, l_shipdate, l_extendedprice * (1 - l_discount) AS price"
        " FROM lineitem WHERE l_quantity > 25",
        (),
    ),
    "by month": (
        "SELECT l_shipdate, count(*) AS n, sum(l_extendedprice) AS price FROM lineitem"
        " GROUP BY l_shipdate",
        (LayoutTerm("month", "l_shipdate"),),
    ),
}
NOTHING = 20
"""Refreshes that find nothing to do, of which the median is told."""


def run(scale: float, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure, and return all numbers: seconds of time and of CPU by view and way."""
    source = tpch_lakehouse(scale, say).tables()["lineitem"]
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        table = _copy(folder, source)
        properties = {"uri": f"sqlite:///{folder / 'catalog.db'}"}
        properties["warehouse"] = f"file://{folder / 'warehouse'}"
        catalog = open_catalog("lake", "sql", properties, timedelta(seconds=60))
        (folder / "spill").mkdir()
        engine = Engine(EngineSettings(4 << 30, folder / "spill", 8 << 30, 2), {"lake": catalog})
        stack.callback(engine.close)
        refresher = Refresher(engine, {"lake": catalog}, Workers(2), SystemClock())
        if not isinstance(catalog, WritableCatalog):
            raise RuntimeError("views are kept in a catalog that is written")
        month = "l_shipdate >= '1995-03-01' AND l_shipdate < '1995-04-01'"
        some = source.scan(row_filter=month).to_arrow()  # 1 % of the rows
        for name, (query, terms) in VIEWS.items():
            view = TableIdentifier("lake", "tpch", name.replace(" ", "_"))
            definition = Definition(query, "lake", "tpch", terms, "AUTO", 1)
            say(f"{name}: making the view")
            refresher.make(catalog, view, None, definition, Cancellation())
            for turn in range(rounds):
                say(f"{name}: round {turn + 1} of {rounds}")
                for full in (False, True):
                    table.append(some)
                    _refresh(refresher, catalog, view, full, found.setdefault(name, {}))
            for _ in range(NOTHING):
                _refresh(refresher, catalog, view, False, found[name])
    return {"scale": scale, "seconds": found}


def table(result: dict[str, Any]) -> list[Table]:
    """Return what is shown of *result*."""
    shown = []
    for name, ways in result["seconds"].items():
        full = median(wall for wall, _ in ways["FULL"])
        for way, measured in ways.items():
            wall, cpu = (median(one[place] for one in measured) for place in (0, 1))
            cells = (f"{wall * 1e3:,.1f}", f"{cpu * 1e3:,.1f}", f"{wall / full:.1%}")
            shown.append((f"{name}, {way}", *cells))
    title = f"Refresh of a view after 1 % of lineitem came, scale {result['scale']:g}, medians"
    return [Table(title, ("view and way", "ms", "ms of CPU", "of FULL"), shown)]


def _copy(folder: Path, source: Written) -> Written:
    """Return a table of the files of *source* in a catalog of its own, in *folder*."""
    own = Lakehouse(folder, "tpch")
    (folder / "warehouse").mkdir()
    catalog = own.catalog()
    catalog.create_namespace("tpch")
    made = catalog.create_table(("tpch", "lineitem"), schema=source.schema())
    with made.transaction() as change, change.update_snapshot().fast_append() as append:
        for task in source.scan().plan_files():
            append.append_data_file(task.file)
    return made


def _refresh(
    refresher: Refresher,
    catalog: WritableCatalog,
    view: TableIdentifier,
    full: bool,
    found: dict[str, list[tuple[float, float]]],
) -> None:
    base = current(catalog, view)
    if base is None:
        raise RuntimeError(f"{view} is gone")
    begun, before = time.perf_counter(), time.process_time()
    done = refresher.refresh(catalog, base, full, Cancellation())
    spent = time.perf_counter() - begun, time.process_time() - before
    found.setdefault(str(done.strategy), []).append(spent)
