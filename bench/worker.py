"""A contender in a process of its own: ``python -m bench.worker NAME ARGUMENTS_AS_JSON``.

Reads one request per line, ``{"sql": …, "keep": path or null}``, runs it, and writes one answer,
``{"wall": seconds, "cpu": seconds, "rows": n}``; the rows go to the Arrow file *keep*.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from bench.contenders import Contender, DataFusion, DataFusionFile, DuckDb, FlightSql

KINDS = {
    "duckdb": DuckDb,
    "datafusion": DataFusion,
    "datafusion_file": DataFusionFile,
    "flightsql": FlightSql,
}


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds one statement took, by the clock and of the worker's CPU, and its rows."""

    wall: float
    cpu: float
    rows: int


class Worker:
    """The other end of a worker's pipe."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def query(self, sql: str, keep: Path | None = None) -> Took:
        """Run *sql*; raise RuntimeError with what went wrong."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"sql": sql, "keep": None if keep is None else str(keep)}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the worker died"}')
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return Took(**answer)


@contextmanager
def worker(kind: str, **arguments: object) -> Iterator[Worker]:
    """Start a contender, one of ``KINDS``, with the arguments of its class."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.worker", kind, json.dumps(arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Worker(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def _answer(contender: Contender, request: Mapping[str, str | None]) -> dict[str, object]:
    sql, keep = request["sql"], request["keep"]
    assert sql is not None
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        table = contender.query(sql)
    except Exception as error:  # noqa: BLE001 - the one who asked is told
        return {"error": f"{type(error).__name__}: {error}"}
    took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    if keep is not None:
        with pa.OSFile(keep, "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    return {**took, "rows": table.num_rows}


def main(kind: str, arguments: str) -> None:
    contender = KINDS[kind](**json.loads(arguments))
    for line in sys.stdin:
        print(json.dumps(_answer(contender, json.loads(line))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
