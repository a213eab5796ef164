"""The 22 queries of TPC-H, warm: flightlake, plain DataFusion, DuckDB, Sail and ROAPI in turns."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pyarrow as pa

from bench.answers import difference
from bench.contenders import tpch_queries
from bench.data import tpch_lakehouse
from bench.peers import roapi, sail, sail_setup
from bench.processes import cpu_seconds, peak_resident_bytes
from bench.report import Table
from bench.servers import flightlake
from bench.worker import Worker, worker
from flightlake.config.machine import cores

NAMES = ("flightlake", "datafusion", "duckdb", "sail", "roapi")
_PEERS = ("sail", "roapi")
"""Shown as they are: what they cannot answer is no failure of the measurement."""
_SLOW_ROUNDS = 1
"""Rounds of ``roapi``, which takes longer than all others together."""


@dataclass(slots=True)
class _Runner:
    """One contender: its worker, the server behind it if there is one, and what was measured.

    ``cpu`` is that of the engine: of the server where there is one, with the client's beside it
    in ``client``.  Each is a list of rounds per query.  ``failed`` says what it cannot answer,
    and why, by number of the query.
    """

    worker: Worker
    server: int | None = None
    wall: list[list[float]] = field(default_factory=list)
    cpu: list[list[float]] = field(default_factory=list)
    client: list[list[float]] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)

    def begin(self, queries: int) -> None:
        self.wall, self.cpu, self.client = ([[] for _ in range(queries)] for _ in range(3))

    def measure(self, number: int, sql: str, keep: Path | None = None) -> None:
        before = 0.0 if self.server is None else cpu_seconds(self.server)
        took = self.worker.query(sql, keep)
        if keep is not None:
            return  # the first run is not warm, and its answer is looked at instead
        self.wall[number].append(took.wall)
        if self.server is None:
            self.cpu[number].append(took.cpu)
            self.client[number].append(0.0)
        else:
            self.cpu[number].append(cpu_seconds(self.server) - before)
            self.client[number].append(took.cpu)


def run(scale: float, rounds: int, say: Callable[[str], None]) -> dict[str, object]:
    """Measure, and return all numbers.

    Raises:
        RuntimeError: An answer differs from DuckDB's.
    """
    lakehouse = tpch_lakehouse(scale, say)
    queries = tpch_queries()
    metadata = {name: table.metadata_location for name, table in lakehouse.tables().items()}
    with ExitStack() as stack:
        location, server = stack.enter_context(flightlake(lakehouse))
        runners = {
            "flightlake": _Runner(
                stack.enter_context(worker("flightsql", location=location)), server
            ),
            "datafusion": _Runner(
                stack.enter_context(
                    worker("datafusion", tables=lakehouse.data_files(), cores=cores())
                )
            ),
            "duckdb": _Runner(stack.enter_context(worker("duckdb", tables=metadata))),
        }
        there, pid = stack.enter_context(sail())
        setup = sail_setup(metadata)
        client = stack.enter_context(worker("flightsql", location=there, setup=setup))
        runners["sail"] = _Runner(client, pid)
        there, pid = stack.enter_context(roapi(lakehouse.data_files()))
        runners["roapi"] = _Runner(stack.enter_context(worker("flightsql", location=there)), pid)
        for runner in runners.values():
            runner.begin(len(queries))
        say("checking the answers")
        wrong = _check(runners, queries)
        if wrong:
            raise RuntimeError("; ".join(wrong))
        for turn in range(rounds):
            say(f"round {turn + 1} of {rounds}")
            for number, sql in enumerate(queries):
                # Nobody is always the first after another.
                for step in range(len(NAMES)):
                    name = NAMES[(turn + step) % len(NAMES)]
                    skip = name == "roapi" and turn >= _SLOW_ROUNDS
                    if not skip and number not in runners[name].failed:
                        runners[name].measure(number, sql)
        peak = peak_resident_bytes(server)
    return {
        "scale": scale,
        "rounds": rounds,
        "answers": f"{len(queries)} of {len(queries)} as DuckDB's",
        "server_peak_bytes": peak,
        "contenders": {name: _summary(runner) for name, runner in runners.items()},
    }


def _check(runners: dict[str, _Runner], queries: list[str]) -> list[str]:
    wrong = []
    with TemporaryDirectory() as directory:
        for number, sql in enumerate(queries):
            found = {}
            for name, runner in runners.items():
                file = Path(directory) / name
                try:
                    runner.measure(number, sql, file)
                except RuntimeError as failure:
                    if name not in _PEERS:
                        raise
                    runner.failed[number] = str(failure)[:200]
                    continue
                with pa.OSFile(str(file)) as opened:
                    found[name] = pa.ipc.open_file(opened).read_all()
            for name in found:
                problem = difference(found[name], found["duckdb"])
                if problem is None:
                    continue
                if name in _PEERS:
                    runners[name].failed[number] = f"wrong: {problem}"
                else:
                    wrong.append(f"query {number + 1} of {name}: {problem}")
    return wrong


def _summary(runner: _Runner) -> dict[str, object]:
    """Return one number for each query; 0 for those it cannot answer."""
    return {
        "wall": [median(of_query or [0.0]) for of_query in runner.wall],
        "cpu": [median(of_query or [0.0]) for of_query in runner.cpu],
        "client_cpu": [median(of_query or [0.0]) for of_query in runner.client],
        "cpu_min": [min(of_query, default=0.0) for of_query in runner.cpu],
        "failed": {f"q{number + 1}": why for number, why in runner.failed.items()},
    }


def table(result: dict) -> list[Table]:  # type: ignore[type-arg]
    """Return *result* as tables: the sums, and each query."""
    contenders = result["contenders"]
    base = contenders["duckdb"]
    sums = Table(
        f"TPC-H, scale {result['scale']:g}, 22 warm queries, sums of medians of"
        f" {result['rounds']} rounds; answers: {result['answers']}",
        ("", "queries", "CPU s", "client CPU s", "wall s", "CPU / DuckDB's", "wall / DuckDB's"),
        [
            (
                name,
                str(len(of["cpu"]) - len(of["failed"])),
                f"{sum(of['cpu']):.2f}",
                f"{sum(of['client_cpu']):.2f}" if any(of["client_cpu"]) else "",
                f"{sum(of['wall']):.2f}",
                _ratio(of, base, "cpu"),
                _ratio(of, base, "wall"),
            )
            for name, of in contenders.items()
        ],
    )
    ours, theirs = contenders["flightlake"]["cpu"], base["cpu"]
    each = Table(
        "CPU milliseconds of each query",
        ("query", *contenders, "flightlake / DuckDB"),
        [
            (
                f"q{number + 1}",
                *(_cell(of, number) for of in contenders.values()),
                f"{ours[number] / theirs[number]:.2f}",
            )
            for number in range(len(ours))
        ],
    )
    return [sums, each]


def _ratio(of: dict, base: dict, what: str) -> str:  # type: ignore[type-arg]
    """Return how much *of* takes for the queries it answers, as a part of what *base* does."""
    answered = [number for number in range(len(of[what])) if f"q{number + 1}" not in of["failed"]]
    whole = sum(base[what][number] for number in answered)
    return f"{sum(of[what][number] for number in answered) / whole:.2f}" if whole else ""


def _cell(of: dict, number: int) -> str:  # type: ignore[type-arg]
    failed = of["failed"].get(f"q{number + 1}")
    if failed is not None:
        return "wrong" if failed.startswith("wrong") else "none"
    return f"{of['cpu'][number] * 1000:.0f}"
