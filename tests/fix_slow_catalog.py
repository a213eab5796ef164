"""A catalog that a test can hold up: a real one behind a gate."""

import threading

from flightlake.lake.catalogs import Catalog
from flightlake.lake.table import IcebergTable


class HeldCatalog:
    """Passes every call on to *real*; while ``hold`` is on, loading a table waits."""

    def __init__(self, real: Catalog) -> None:
        self.name = real.name
        self._real = real
        self._open = threading.Event()
        self._open.set()
        self.waiting = threading.Event()
        self.loads = 0

    def hold(self) -> None:
        self.waiting.clear()
        self._open.clear()

    def let_go(self) -> None:
        self._open.set()

    def db_schemas(self) -> list[str]:
        return self._real.db_schemas()

    def tables(self, db_schema: str) -> list[str]:
        return self._real.tables(db_schema)

    def load(self, db_schema: str, table: str) -> IcebergTable:
        self.loads += 1
        if not self._open.is_set():
            self.waiting.set()
            assert self._open.wait(120), "nobody let the catalog go"
        return self._real.load(db_schema, table)
