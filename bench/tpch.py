"""The 22 queries of TPC-H, warm: flightlake, plain DataFusion and DuckDB in turns."""

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
from bench.processes import cpu_seconds, peak_resident_bytes
from bench.report import Table
from bench.servers import flightlake
from bench.worker import Worker, worker
from flightlake.config.machine import cores

NAMES = ("flightlake", "datafusion", "duckdb")


@dataclass(slots=True)
class _Runner:
    """One contender: its worker, the server behind it if there is one, and what was measured.

    ``cpu`` is that of the engine: of the server where there is one, with the client's beside it
    in ``client``.  Each is a list of rounds per query.
    """

    worker: Worker
    server: int | None = None
    wall: list[list[float]] = field(default_factory=list)
    cpu: list[list[float]] = field(default_factory=list)
    client: list[list[float]] = field(default_factory=list)

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
                    runners[NAMES[(turn + step) % len(NAMES)]].measure(number, sql)
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
                runner.measure(number, sql, file)
                with pa.OSFile(str(file)) as opened:
                    found[name] = pa.ipc.open_file(opened).read_all()
            for name in runners:
                problem = difference(found[name], found["duckdb"])
                if problem is not None:
                    wrong.append(f"query {number + 1} of {name}: {problem}")
    return wrong


def _summary(runner: _Runner) -> dict[str, object]:
    return {
        "wall": [median(of_query) for of_query in runner.wall],
        "cpu": [median(of_query) for of_query in runner.cpu],
        "client_cpu": [median(of_query) for of_query in runner.client],
        "cpu_min": [min(of_query) for of_query in runner.cpu],
    }


def table(result: dict) -> list[Table]:  # type: ignore[type-arg]
    """Return *result* as tables: the sums, and each query."""
    contenders = result["contenders"]
    base = sum(contenders["datafusion"]["cpu"])
    sums = Table(
        f"TPC-H, scale {result['scale']:g}, 22 warm queries, sums of medians of"
        f" {result['rounds']} rounds; answers: {result['answers']}",
        ("", "CPU s", "client CPU s", "wall s", "CPU / DataFusion's"),
        [
            (
                name,
                f"{sum(of['cpu']):.2f}",
                f"{sum(of['client_cpu']):.2f}" if name == "flightlake" else "",
                f"{sum(of['wall']):.2f}",
                f"{sum(of['cpu']) / base:.2f}",
            )
            for name, of in contenders.items()
        ],
    )
    ours, theirs = contenders["flightlake"]["cpu"], contenders["datafusion"]["cpu"]
    each = Table(
        "CPU milliseconds of each query",
        ("query", *contenders, "flightlake / DataFusion"),
        [
            (
                f"q{number + 1}",
                *(f"{of['cpu'][number] * 1000:.0f}" for of in contenders.values()),
                f"{ours[number] / theirs[number]:.2f}",
            )
            for number in range(len(ours))
        ],
    )
    return [sums, each]
