"""Other servers that speak Flight SQL and run on DataFusion: Sail and ROAPI, each as it comes.

Sail reads the Iceberg tables themselves, which it is told of in SQL.  ROAPI knows no Iceberg: it
gets the tables' Parquet files, and is told not to hold them in memory, which nobody else does.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

_PATIENCE = 60.0


@contextmanager
def sail() -> Iterator[tuple[str, int]]:
    """Run Sail's Flight SQL server; yield its location and pid."""
    port = _free_port()
    with _running(["sail", "flight", "server", "--port", str(port)], port) as running:
        yield running


def sail_setup(tables: Mapping[str, str]) -> list[str]:
    """Return the statements that tell Sail of *tables*, by the metadata file of each."""
    return [
        f"CREATE TABLE {name} USING iceberg LOCATION '{metadata.rpartition('/metadata/')[0]}'"
        for name, metadata in tables.items()
    ]


@contextmanager
def roapi(tables: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, int]]:
    """Run ROAPI over the data files of *tables*; yield its location and pid."""
    port = _free_port()
    arguments = [
        "--addr-http", f"127.0.0.1:{_free_port()}",
        "--addr-postgres", f"127.0.0.1:{_free_port()}",
        "--addr-flight-sql", f"127.0.0.1:{port}",
    ]  # fmt: skip
    for name, paths in tables.items():
        # A table has one folder for data, so that is what its files are.
        folder = paths[0].rpartition("/")[0]
        table = f"{name}=file://{folder}/,format=parquet,use_memory_table=false"
        arguments += ["--table", table]
    with _running(["roapi", *arguments], port) as running:
        yield running


@contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[tuple[str, int]]:
    program = Path(sys.executable).with_name(command[0])
    with TemporaryDirectory(prefix="flightlake-bench-") as directory:
        log = Path(directory) / "log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [program, *command[1:]],
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait(process, port, log)
            yield f"grpc://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"a server did not start: {log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port: int = some.getsockname()[1]
        return port
