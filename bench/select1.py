"""The smallest statement: what a round trip costs, alone, among others, and beside heavy work."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import adbc_driver_flightsql.dbapi
import numpy as np
import pyarrow.flight as flight

from bench.data import tpch_lakehouse
from bench.processes import cpu_seconds
from bench.report import Table
from bench.servers import flightlake, plain_flight
from flightlake._proto import FlightSql_pb2
from flightlake.flightsql.messages import pack

SQL = "SELECT 1"
SECONDS = 3.0
"""How long each round lasts."""
HEAVY = """
SELECT l_suppkey, l_partkey, sum(l_extendedprice * (1 - l_discount)), count(DISTINCT l_orderkey)
FROM lineitem GROUP BY l_suppkey, l_partkey ORDER BY 3 DESC LIMIT 5"""

Ask = Callable[[], None]


@contextmanager
def _adbc(location: str) -> Iterator[Ask]:
    """The whole of what a user's ``execute`` and ``fetchall`` do: prepare, info, get, close."""
    with adbc_driver_flightsql.dbapi.connect(location, autocommit=True) as connection:

        def ask() -> None:
            with connection.cursor() as cursor:
                cursor.execute(SQL)
                cursor.fetchall()

        yield ask


@contextmanager
def _pyarrow(location: str) -> Iterator[Ask]:
    """Two calls: GetFlightInfo and DoGet."""
    descriptor = flight.FlightDescriptor.for_command(
        pack(FlightSql_pb2.CommandStatementQuery(query=SQL))
    )
    with flight.connect(location) as client:

        def ask() -> None:
            info = client.get_flight_info(descriptor)
            client.do_get(info.endpoints[0].ticket).read_all()

        yield ask


CLIENTS = {"pyarrow.flight": _pyarrow, "ADBC": _adbc}


def run(scale: float, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure, and return all numbers: seconds of each statement by client, server and load."""
    lakehouse = tpch_lakehouse(scale, say)
    taken: dict[str, list[float]] = {}
    used: dict[str, list[float]] = {}
    with flightlake(lakehouse) as ours, plain_flight(None) as plain:
        servers = {"flightlake": ours, "plain": plain}
        for turn in range(rounds):
            say(f"round {turn + 1} of {rounds}")
            for client in CLIENTS:
                for at_once in (1, 16):
                    for name, (location, pid) in servers.items():
                        key = f"{client}/{name}/{at_once}"
                        cpu = cpu_seconds(pid)
                        times = _ask(client, location, at_once)
                        taken.setdefault(key, []).extend(times)
                        used.setdefault(key, []).append((cpu_seconds(pid) - cpu) / len(times))
            with _heavy(ours[0]):
                for client in CLIENTS:
                    key = f"{client}/flightlake/beside heavy work"
                    taken.setdefault(key, []).extend(_ask(client, ours[0], 1))
    return {
        "scale": scale,
        "rounds": rounds,
        "seconds": {key: _quantiles(times) for key, times in taken.items()},
        "cpu": {key: float(np.median(of)) for key, of in used.items()},
    }


def _ask(client: str, location: str, at_once: int) -> list[float]:
    """Return how long each statement took, of *at_once* threads that ask again and again."""
    process = subprocess.run(
        [sys.executable, "-m", "bench.select1", client, location, str(at_once)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [float(line) for line in process.stdout.split()]


@contextmanager
def _heavy(location: str) -> Iterator[None]:
    """Aggregate again and again, from another process."""
    process = subprocess.Popen([sys.executable, "-m", "bench.select1", "heavy", location])
    try:
        time.sleep(1)  # the first one shall run by now
        if process.poll() is not None:
            raise RuntimeError("the heavy statement failed")
        yield
    finally:
        process.terminate()
        process.wait()


def _client(client: str, location: str, at_once: int) -> None:
    """Ask, and print seconds: the process behind ``_ask``."""
    times: list[list[float]] = [[] for _ in range(at_once)]
    ready = threading.Barrier(at_once)

    def ask(number: int) -> None:
        with CLIENTS[client](location) as once:
            for _ in range(10):
                once()
            ready.wait()
            end = time.perf_counter() + SECONDS
            while (begun := time.perf_counter()) < end:
                once()
                times[number].append(time.perf_counter() - begun)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("\n".join(str(taken) for of in times for taken in of))


def _aggregate(location: str) -> None:
    with adbc_driver_flightsql.dbapi.connect(location, autocommit=True) as connection:
        while True:
            with connection.cursor() as cursor:
                cursor.execute(HEAVY)
                cursor.fetchall()


def _quantiles(times: list[float]) -> dict[str, float]:
    return {
        "count": len(times),
        "p50": float(np.quantile(times, 0.5)),
        "p99": float(np.quantile(times, 0.99)),
    }


def table(result: dict[str, Any]) -> list[Table]:
    """Return *result* as a table."""
    rows = []
    for client in CLIENTS:
        for load in ("1", "16", "beside heavy work"):
            ours = result["seconds"][f"{client}/flightlake/{load}"]
            plain = result["seconds"].get(f"{client}/plain/{load}")
            cpu = result["cpu"].get(f"{client}/flightlake/{load}")
            rows.append(
                (
                    f"{client}, {load + ' at once' if load.isdigit() else '1 ' + load}",
                    _milliseconds(ours["p50"]),
                    _milliseconds(ours["p99"]),
                    _milliseconds(plain["p50"] if plain else None),
                    _milliseconds(plain["p99"] if plain else None),
                    _milliseconds(cpu),
                )
            )
    title = f"{SQL}, milliseconds, {result['rounds']} rounds of {SECONDS:g} s"
    columns = ("", "p50", "p99", "plain p50", "plain p99", "server CPU")
    return [Table(title, columns, rows)]


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.1f}"


if __name__ == "__main__":
    if sys.argv[1] == "heavy":
        _aggregate(sys.argv[2])
    else:
        _client(sys.argv[1], sys.argv[2], int(sys.argv[3]))
