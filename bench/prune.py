"""A point query on a table of 5,000 data files, with pruning and without."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from bench.contenders import FlightSql
from bench.data import FILES, ROWS_PER_FILE, many_files_lakehouse
from bench.processes import cpu_seconds
from bench.report import Table
from bench.servers import flightlake


def run(scale: float, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure, and return all numbers; *scale* means nothing here."""
    lakehouse = many_files_lakehouse(say)
    wall: dict[str, list[float]] = {"pruned": [], "unpruned": []}
    cpu: dict[str, list[float]] = {"pruned": [], "unpruned": []}
    ids = np.random.default_rng(1).integers(0, FILES * ROWS_PER_FILE, 1 + 2 * rounds).tolist()
    with (
        flightlake(lakehouse) as (pruned, pruned_pid),
        flightlake(lakehouse, prune=False) as (unpruned, unpruned_pid),
    ):
        contenders = {
            "pruned": (FlightSql(pruned), pruned_pid),
            "unpruned": (FlightSql(unpruned), unpruned_pid),
        }
        say("reading all files' footers once")
        for contender, _ in contenders.values():
            contender.query("SELECT sum(amount) FROM events")
        for turn, wanted in enumerate(ids):
            say(f"round {turn} of {2 * rounds}" if turn else "warming up")
            for name, (contender, pid) in contenders.items():
                begun, before = time.perf_counter(), cpu_seconds(pid)
                found = contender.query(f"SELECT amount FROM events WHERE id = {wanted}")
                if turn:
                    wall[name].append(time.perf_counter() - begun)
                    cpu[name].append(cpu_seconds(pid) - before)
                if found.column(0).to_pylist() != [wanted / 100]:
                    raise RuntimeError(f"the {name} answer is wrong: {found.column(0)}")
    return {
        "files": FILES,
        "rounds": 2 * rounds,
        "wall": {name: median(of) for name, of in wall.items()},
        "cpu": {name: median(of) for name, of in cpu.items()},
    }


def table(result: dict[str, Any]) -> list[Table]:
    """Return *result* as a table."""
    wall, cpu = result["wall"], result["cpu"]
    rows = [
        (f"{name}", f"{wall[name] * 1000:.1f}", f"{cpu[name] * 1000:.1f}")
        for name in ("pruned", "unpruned")
    ]
    rows.append(
        (
            "unpruned / pruned",
            f"{wall['unpruned'] / wall['pruned']:.0f}",
            f"{cpu['unpruned'] / cpu['pruned']:.0f}",
        )
    )
    title = f"One row of {result['files']:,} data files, warm, median of {result['rounds']}"
    return [Table(title, ("", "wall ms", "server CPU ms"), rows)]
