"""A whole table over the wire, and what memory it takes."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import adbc_driver_flightsql.dbapi
import pyarrow as pa
import pyarrow.flight as flight

from bench.contenders import FlightSql
from bench.data import Lakehouse, tpch_lakehouse
from bench.processes import (
    cpu_seconds,
    peak_resident_bytes,
    reset_peak,
    resident_bytes,
)
from bench.report import Table
from bench.servers import flightlake, plain_flight
from flightlake._proto import FlightSql_pb2
from flightlake.flightsql.messages import pack

SQL = "SELECT * FROM lineitem"
MESSAGE_ROWS = 12_288
"""Rows per message of the plain server: 2 MiB of lineitem, which is flightlake's message too."""
STALL = 10.0
"""Seconds a client does not read, while the server's memory is watched."""

Read = Callable[[str], tuple[int, int]]
"""Reads the table at a location; returns rows and bytes."""


@dataclass(frozen=True, slots=True)
class _Took:
    rows: int
    bytes: int
    wall: float
    cpu: float
    client: float
    """CPU seconds of the client, which is this process."""


def run(scale: float, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure, and return all numbers."""
    lakehouse = tpch_lakehouse(scale, say)
    with ExitStack() as stack:
        prebuilt = Path(stack.enter_context(TemporaryDirectory())) / "lineitem.arrow"
        say("building the table for the plain server")
        _prebuild(lakehouse, prebuilt)
        servers = {
            "flightlake": stack.enter_context(flightlake(lakehouse)),
            "plain": stack.enter_context(plain_flight(prebuilt)),
        }
        took: dict[str, list[_Took]] = {}
        for turn in range(rounds + 1):
            say(f"round {turn} of {rounds}" if turn else "warming up")
            for client, read in CLIENTS.items():
                for name, (location, pid) in servers.items():
                    measured = _measure(read, location, pid)
                    if turn:
                        took.setdefault(f"{client}/{name}", []).append(measured)
    say("watching the memory")
    with flightlake(lakehouse) as (location, pid):
        memory = _memory(location, pid, rounds)
    return {
        "scale": scale,
        "rounds": rounds,
        "streams": {name: _summary(of) for name, of in took.items()},
        "memory": memory,
    }


def _prebuild(lakehouse: Lakehouse, file: Path) -> None:
    rows = lakehouse.tables()["lineitem"].scan().to_arrow()
    with pa.OSFile(str(file), "wb") as opened, pa.ipc.new_file(opened, rows.schema) as writer:
        writer.write_table(_plain(rows).combine_chunks(), max_chunksize=MESSAGE_ROWS)


def _plain(rows: pa.Table) -> pa.Table:
    """Return *rows* with plain strings: 32-bit offsets, as flightlake sends."""
    fields = [
        field.with_type(pa.string()) if pa.types.is_large_string(field.type) else field
        for field in rows.schema
    ]
    return rows.cast(pa.schema(fields))


def _with_pyarrow(location: str) -> tuple[int, int]:
    with flight.connect(location) as client:
        command = pack(FlightSql_pb2.CommandStatementQuery(query=SQL))
        info = client.get_flight_info(flight.FlightDescriptor.for_command(command))
        reader = client.do_get(info.endpoints[0].ticket)
        return _drain(chunk.data for chunk in reader)


def _with_adbc(location: str) -> tuple[int, int]:
    with _executed(location) as reader:
        return _drain(reader)


@contextmanager
def _executed(location: str) -> Iterator[pa.RecordBatchReader]:
    with (
        adbc_driver_flightsql.dbapi.connect(location, autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(SQL)
        yield cursor.fetch_record_batch()


CLIENTS: dict[str, Read] = {"pyarrow.flight": _with_pyarrow, "ADBC": _with_adbc}


def _drain(batches: Any) -> tuple[int, int]:
    rows = size = 0
    for batch in batches:
        rows += batch.num_rows
        size += batch.nbytes
    return rows, size


def _measure(read: Read, location: str, pid: int) -> _Took:
    cpu, client, wall = cpu_seconds(pid), time.process_time(), time.perf_counter()
    rows, size = read(location)
    took = time.perf_counter() - wall
    return _Took(rows, size, took, cpu_seconds(pid) - cpu, time.process_time() - client)


def _memory(location: str, pid: int, rounds: int) -> dict[str, int]:
    """Return what is resident before anything is streamed, and the most after."""
    FlightSql(location).query("SELECT 1")
    before = resident_bytes(pid)
    reset_peak(pid)
    with _executed(location) as reader:
        for _ in range(2):
            reader.read_next_batch()
        time.sleep(STALL)
        stalled = peak_resident_bytes(pid)
    for _ in range(rounds):
        _with_pyarrow(location)
    return {"before": before, "stalled": stalled, "streamed": peak_resident_bytes(pid)}


def _summary(of: list[_Took]) -> dict[str, float]:
    return {
        "rows": of[0].rows,
        "bytes": of[0].bytes,
        "wall": median(one.wall for one in of),
        "wall_min": min(one.wall for one in of),
        "cpu": median(one.cpu for one in of),
        "client": median(one.client for one in of),
    }


def table(result: dict[str, Any]) -> list[Table]:
    """Return *result* as tables."""
    streams, memory = result["streams"], result["memory"]
    rows = []
    for client in CLIENTS:
        plain = streams[f"{client}/plain"]
        for name in ("flightlake", "plain"):
            of = streams[f"{client}/{name}"]
            gigabytes = of["bytes"] / 1e9
            rows.append(
                (
                    f"{client} ← {name}",
                    f"{gigabytes / of['wall'] * 1000:.0f}",
                    f"{of['rows'] / of['wall'] / 1e6:.2f}",
                    f"{of['cpu'] / gigabytes:.2f}",
                    f"{of['client'] / gigabytes:.2f}",
                    f"{plain['wall'] / of['wall']:.0%}",
                    f"{plain['wall_min'] / of['wall_min']:.0%}",
                )
            )
    growth = [
        (name, f"{(memory[key] - memory['before']) / 1e6:.0f} MB")
        for name, key in (
            (f"a client that stops reading for {STALL:g} s", "stalled"),
            (f"and then {result['rounds']} clients that read, in turn", "streamed"),
        )
    ]
    return [
        Table(
            f"{SQL}, scale {result['scale']:g}, median of {result['rounds']} rounds",
            (
                "",
                "MB/s",
                "Mrow/s",
                "server CPU s/GB",
                "client CPU s/GB",
                "of plain",
                "of plain, best rounds",
            ),
            rows,
        ),
        Table("Growth of flightlake's resident memory, peak", ("", "growth"), growth),
    ]
