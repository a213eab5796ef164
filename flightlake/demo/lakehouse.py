"""The demo's folder: a SQLite catalog and a warehouse of local files, whole or not at all.

::

    demo-lakehouse/
        lakehouse.json   what was built, for where; written last, so only a whole one has it
        lock             held while somebody builds or serves
        catalog.db       the Iceberg catalog ``lake``
        warehouse/       data and metadata files
        server/          users, password, signing keys and certificate of the demo's server
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog.sql import SqlCatalog

from flightlake.demo import inventory, tpch
from flightlake.errors import Conflict, PreconditionFailed
from flightlake.names import to_namespace

CATALOG = "lake"
_FORMAT = 2  # raised when the contents change, so that older folders are built anew
_OURS = {"lakehouse.json", "lakehouse.json.new", "lock", "catalog.db", "catalog.db-journal"}
_OUR_FOLDERS = {"warehouse", "generated", "server"}


@dataclass(frozen=True, slots=True)
class Lakehouse:
    """A whole demo lakehouse in *directory* (absolute)."""

    directory: Path
    scale: float

    @property
    def uri(self) -> str:
        """Where the catalog is, as SQLAlchemy and pyiceberg write it."""
        return f"sqlite:///{self.directory / 'catalog.db'}"

    @property
    def warehouse(self) -> str:
        # Not Path.as_uri(), which percent-encodes: pyiceberg takes the path as it stands.
        return f"file://{self.directory / 'warehouse'}"

    @property
    def server(self) -> Path:
        """The folder for what the demo's server keeps."""
        return self.directory / "server"


@contextmanager
def locked(directory: Path) -> Iterator[Path]:
    """Hold *directory* (made if needed) for this process; the kernel lets go if it is killed.

    Raises:
        Conflict: Another demo uses the folder.
        PreconditionFailed: The folder holds things that are not a demo's.
    """
    directory = directory.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    strange = sorted(
        entry.name
        for entry in directory.iterdir()
        if entry.name not in (_OUR_FOLDERS if entry.is_dir() else _OURS)
    )
    if strange:
        raise PreconditionFailed(
            f"{directory} holds {strange[0]}, which no demo made: give another --directory"
        )
    with (directory / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"another demo uses {directory}: stop it, or give another --directory"
            ) from None
        yield directory


def find(directory: Path) -> Lakehouse | None:
    """Return the lakehouse in *directory*, or None if there is no whole one of this version.

    Iceberg metadata holds absolute paths, so a folder that was moved is not a whole one.
    """
    lakehouse = directory / "lakehouse.json"
    try:
        built = json.loads(lakehouse.read_text())
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(built, dict) or not isinstance(built.get("scale"), int | float):
        return None
    scale = float(built["scale"])
    return Lakehouse(directory, scale) if built == _facts(directory, scale) else None


def build(directory: Path, scale: float, report: Callable[[str], None]) -> Lakehouse:
    """Make the lakehouse anew in *directory*, which must be ``locked``; a few seconds at scale 0.1.

    Whatever an earlier build left there, half or whole, is removed first.  *report* is told what
    is being made.

    Raises:
        PreconditionFailed: The TPC-H generator is missing or failed.
    """
    _clear(directory)
    lakehouse = Lakehouse(directory, scale)
    generated = directory / "generated"
    generated.mkdir()
    report(f"making TPC-H data at scale {scale:g}")
    tpch.generate(scale, generated)

    (directory / "warehouse").mkdir()
    catalog = SqlCatalog(CATALOG, uri=lakehouse.uri, warehouse=lakehouse.warehouse)
    try:
        for name, rows in inventory.tables().items():
            report(f"writing {inventory.SCHEMA}.{name}")
            _write(catalog, inventory.SCHEMA, name, rows.to_reader())
        for db_schema in inventory.VIEWS:
            _make_schema(catalog, db_schema)
        for name in tpch.TABLES:
            report(f"writing {tpch.SCHEMA}.{name}")
            _write(catalog, tpch.SCHEMA, name, tpch.read(name, generated))
    finally:
        catalog.close()
    shutil.rmtree(generated)
    _finish(directory, scale)
    return lakehouse


def add_orders(lakehouse: Lakehouse, count: int, day: date) -> list[int]:
    """Write *count* new orders, as any program with pyiceberg would; return their numbers."""
    catalog = SqlCatalog(CATALOG, uri=lakehouse.uri, warehouse=lakehouse.warehouse)
    try:
        table = catalog.load_table((*to_namespace(inventory.SCHEMA), "orders"))
        known = table.scan(selected_fields=("order_number",)).to_arrow()["order_number"]
        last = pc.max(known).as_py() or 0
        numbers = list(range(last + 1, last + 1 + count))
        table.append(inventory.new_orders(numbers, day))
    finally:
        catalog.close()
    return numbers


def _write(catalog: SqlCatalog, db_schema: str, name: str, rows: pa.RecordBatchReader) -> None:
    _make_schema(catalog, db_schema)
    table = catalog.create_table((*to_namespace(db_schema), name), schema=rows.schema)
    table.append(rows)


def _make_schema(catalog: SqlCatalog, db_schema: str) -> None:
    namespace = to_namespace(db_schema)
    for depth in range(1, len(namespace) + 1):
        catalog.create_namespace_if_not_exists(namespace[:depth])


def _facts(directory: Path, scale: float) -> dict[str, object]:
    return {"format": _FORMAT, "directory": str(directory), "scale": scale}


def _finish(directory: Path, scale: float) -> None:
    """Say that the folder is whole; everything before must be on disk for that to be true."""
    os.sync()
    fresh = directory / "lakehouse.json.new"
    with fresh.open("w") as file:
        json.dump(_facts(directory, scale), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(directory / "lakehouse.json")


def _clear(directory: Path) -> None:
    """Remove an earlier lakehouse, its mark first; the server's own folder may stay."""
    for name in ("lakehouse.json", "lakehouse.json.new", "catalog.db", "catalog.db-journal"):
        (directory / name).unlink(missing_ok=True)
    for name in ("warehouse", "generated"):
        if (directory / name).exists():
            shutil.rmtree(directory / name)
