"""Planning over 100,000 data files in 500 manifests, beside pyiceberg's ``plan_files``."""

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue, BooleanExpression, EqualTo
from pyiceberg.manifest import clear_manifest_cache
from pyiceberg.table import Table as Peer

from bench.contenders import FlightSql
from bench.data import Lakehouse
from bench.manifests import FILES, MANIFESTS, REAL, ROWS_PER_FILE, many_manifests_lakehouse
from bench.processes import cpu_seconds, resident_bytes
from bench.report import Table
from bench.servers import flightlake
from flightlake.lake.catalogs import open_catalog
from flightlake.lake.pinned import Pinned
from flightlake.lake.planning import Planner
from flightlake.lake.predicates import Anything, Comparison, Predicate
from flightlake.lake.table import IcebergTable

_ID = REAL[9] * ROWS_PER_FILE + 500
_MOMENT = datetime(2022, 7, 1, 12, 0, 30, tzinfo=UTC)
ASKED: Mapping[str, tuple[Predicate, BooleanExpression]] = {
    "all files": (Anything(), AlwaysTrue()),
    "one id (bounds)": (Comparison("id", "=", pa.scalar(_ID)), EqualTo("id", _ID)),
    "one moment (partitions)": (
        Comparison("at", "=", pa.scalar(_MOMENT, pa.timestamp("us", "UTC"))),
        EqualTo("at", _MOMENT.isoformat()),
    ),
}
MEMORY = (32 << 20, 128 << 20, 512 << 20)
_WARM = 20


def run(scale: float, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure, and return all numbers; *scale* means nothing here."""
    lakehouse = many_manifests_lakehouse(say)
    return {
        "rounds": rounds,
        "cold": _cold(lakehouse, rounds, say),
        "warm": _warm(lakehouse, say),
        "memory": [_memory(lakehouse, setting, say) for setting in MEMORY],
    }


def _cold(lakehouse: Lakehouse, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    peer = lakehouse.tables()["events"]
    took: dict[str, dict[str, list[tuple[float, float]]]] = {
        name: {"flightlake": [], "pyiceberg": []} for name in ASKED
    }
    for turn in range(rounds + 1):
        say(f"cold, round {turn} of {rounds}" if turn else "cold, once for nothing")
        for name, (predicate, expression) in ASKED.items():
            table = _opened(lakehouse, Planner())
            ours = _timed(lambda table=table, predicate=predicate: _chosen(table, predicate))
            theirs = _timed(lambda expression=expression: _planned(peer, expression))
            if ours[0] != theirs[0]:
                raise RuntimeError(f"{name}: {ours[0]} files, and pyiceberg finds {theirs[0]}")
            if turn:
                took[name]["flightlake"].append(ours[1:])
                took[name]["pyiceberg"].append(theirs[1:])
    return {
        name: {
            who: {"wall": median(wall for wall, _ in of), "cpu": median(cpu for _, cpu in of)}
            for who, of in by.items()
        }
        for name, by in took.items()
    }


def _opened(lakehouse: Lakehouse, planner: Planner) -> IcebergTable:
    properties = {"uri": lakehouse.uri, "warehouse": lakehouse.warehouse}
    catalog = open_catalog("lake", "sql", properties, timedelta(seconds=10), planner)
    return catalog.load(lakehouse.db_schema, "events")


def _chosen(table: IcebergTable, predicate: Predicate) -> int:
    snapshot = table.metadata.current_snapshot()
    assert snapshot is not None
    pinned = Pinned(
        str(table.identifier),
        table.metadata,
        table.metadata.schema(),
        snapshot.manifest_list,
        table.store,
    )
    return len(table.planner.choose(pinned, predicate).files)


def _planned(peer: Peer, expression: BooleanExpression) -> int:
    clear_manifest_cache()
    return sum(1 for _ in peer.scan(row_filter=expression).plan_files())


def _timed(measured: Callable[[], int]) -> tuple[int, float, float]:
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    found = measured()
    return found, time.perf_counter() - wall, time.process_time() - cpu


def _warm(lakehouse: Lakehouse, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure the plan alone, in this process, and whole statements, in a server."""
    say("warm")
    table = _opened(lakehouse, Planner())
    plans, walls, cpus = [], [], []
    for number in range(_WARM + 1):
        file = REAL[number % len(REAL)]
        wanted = Comparison("id", "=", pa.scalar(file * ROWS_PER_FILE + number))
        begun = time.perf_counter()
        assert len(table.plan_files(wanted).files) == 1
        plans.append(time.perf_counter() - begun)
    with flightlake(lakehouse) as (location, pid):
        contender = FlightSql(location)
        for number in range(_WARM + 1):
            id_ = REAL[number % len(REAL)] * ROWS_PER_FILE + number
            begun, before = time.perf_counter(), cpu_seconds(pid)
            found = contender.query(f"SELECT amount FROM events WHERE id = {id_}")
            walls.append(time.perf_counter() - begun)
            cpus.append(cpu_seconds(pid) - before)
            if found.column(0).to_pylist() != [id_ / 100]:
                raise RuntimeError(f"the answer is wrong: {found.column(0)}")
    return {
        "plan": median(plans[1:]),
        "statement": median(walls[1:]),
        "statement_cpu": median(cpus[1:]),
        "first_statement": walls[0],
    }


def _memory(lakehouse: Lakehouse, setting: int, say: Callable[[str], None]) -> dict[str, Any]:
    say(f"memory, {setting >> 20} MiB")
    arguments = json.dumps([str(lakehouse.directory), lakehouse.db_schema, setting])
    made = subprocess.run(
        [sys.executable, "-m", "bench.planning_memory", arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    measured: dict[str, Any] = json.loads(made.stdout)
    return measured


def measure_memory(lakehouse: Lakehouse, setting: int, pid: int) -> dict[str, Any]:
    """Plan point queries with *setting* for metadata, in this process; return what it took."""
    table = _opened(lakehouse, Planner(setting))
    _opened(lakehouse, Planner(setting)).metadata.current_snapshot()
    before = resident_bytes(pid)
    walls = []
    for number in range(6):
        file = REAL[number]
        begun = time.perf_counter()
        table.plan_files(Comparison("id", "=", pa.scalar(file * ROWS_PER_FILE)))
        walls.append(time.perf_counter() - begun)
    return {
        "setting": setting,
        "kept": table.planner.manifest_bytes,
        "grown": resident_bytes(pid) - before,
        "wall": median(walls[1:]),
    }


def table(result: dict[str, Any]) -> list[Table]:
    """Return *result* as tables."""
    cold = [
        (
            name,
            *(f"{by[who][kind] * 1000:.0f}" for who in by for kind in ("cpu", "wall")),
            f"{by['pyiceberg']['cpu'] / by['flightlake']['cpu']:.1f}",
            f"{by['pyiceberg']['wall'] / by['flightlake']['wall']:.1f}",
        )
        for name, by in result["cold"].items()
    ]
    warm = result["warm"]
    size = f"{FILES:,} data files in {MANIFESTS} manifests"
    return [
        Table(
            f"Planning {size}, cold, milliseconds, median of {result['rounds']}",
            ("", "CPU", "wall", "pyiceberg CPU", "pyiceberg wall", "CPU, times", "wall, times"),
            cold,
        ),
        Table(
            f"A point query on {size}, warm, milliseconds, median of {_WARM}",
            ("", "wall", "server CPU"),
            [
                ("the plan", f"{warm['plan'] * 1000:.1f}", ""),
                (
                    "the statement, through ADBC",
                    f"{warm['statement'] * 1000:.1f}",
                    f"{warm['statement_cpu'] * 1000:.1f}",
                ),
                ("the very first statement", f"{warm['first_statement'] * 1000:.0f}", ""),
            ],
        ),
        Table(
            f"Memory for metadata, {size}, MiB",
            ("limits.metadata_memory", "manifests kept", "process grew", "plan, ms"),
            [
                (
                    *(f"{of[name] / 2**20:.0f}" for name in ("setting", "kept", "grown")),
                    f"{of['wall'] * 1000:.1f}",
                )
                for of in result["memory"]
            ],
        ),
    ]
