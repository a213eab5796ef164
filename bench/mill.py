"""A server that makes views, and what its statements take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table as Written

from bench.contenders import FlightSql
from bench.data import Lakehouse
from bench.processes import cpu_seconds
from bench.servers import VIEWS, flightlake_with_views


@dataclass(slots=True)
class Times:
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def medians(self) -> dict[str, float]:
        return {"wall": median(self.wall), "cpu": median(self.cpu)}


@dataclass(frozen=True, slots=True)
class Mill:
    """A server that makes views, and where it does."""

    client: FlightSql
    pid: int
    folder: Path

    def run(self, sql: str, times: Times | None = None) -> dict[str, Any]:
        """Run a statement about a view; return the row it answers."""
        begun, before = time.perf_counter(), cpu_seconds(self.pid)
        row: dict[str, Any] = self.client.query(sql).to_pylist()[0]
        if times is not None:
            times.wall.append(time.perf_counter() - begun)
            times.cpu.append(cpu_seconds(self.pid) - before)
        return row

    def table(self, name: str) -> Written:
        uri = f"sqlite:///{self.folder / 'catalog.db'}"
        catalog = SqlCatalog("views", uri=uri, warehouse=f"file://{self.folder / 'warehouse'}")
        try:
            return catalog.load_table((VIEWS.partition(".")[2], name))
        finally:
            catalog.close()


@contextmanager
def mill(lakehouse: Lakehouse, memory: str = "60%") -> Iterator[Mill]:
    with (
        TemporaryDirectory(prefix="flightlake-views-") as folder,
        flightlake_with_views(lakehouse, Path(folder), memory) as (location, pid, credentials),
    ):
        yield Mill(FlightSql(location, credentials=credentials), pid, Path(folder))
