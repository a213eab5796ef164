"""The servers that are measured: flightlake as it ships, and flightlake without pruning."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.data import Lakehouse
from bench.processes import server


@contextmanager
def flightlake(lakehouse: Lakehouse, prune: bool = True) -> Iterator[tuple[str, int]]:
    """Serve *lakehouse* from a process of its own; yield its location and pid.

    With TLS off and without credentials, as the servers it is set against.
    """
    with TemporaryDirectory(prefix="flightlake-bench-") as directory:
        state = Path(directory)
        config = state / "flightlake.toml"
        config.write_text(_configuration(lakehouse), encoding="utf-8")
        module = "flightlake" if prune else "bench.unpruned"
        with server(module, ["serve", "--config", str(config)], state / "log") as running:
            yield running


@contextmanager
def plain_flight(data: Path | None) -> Iterator[tuple[str, int]]:
    """Serve the Arrow file *data* (None: one row with the number 1) with pyarrow.flight alone."""
    with TemporaryDirectory(prefix="flightlake-bench-") as directory:
        arguments = [] if data is None else [str(data)]
        with server("bench.plain_flight", arguments, Path(directory) / "log") as running:
            yield running


def _configuration(lakehouse: Lakehouse) -> str:
    return f"""\
[server]
port = 0
[server.tls]
mode = "off"
[management]
port = 0
[auth]
anonymous = true
[catalogs.lake]
type = "sql"
uri = {json.dumps(lakehouse.uri)}
warehouse = {json.dumps(lakehouse.warehouse)}
[session]
schema = "{lakehouse.db_schema}"
[logging]
level = "WARNING"
"""
