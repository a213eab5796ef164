"""TPC-H data, made by the program ``tpchgen-cli`` (PyPI) as Parquet files and read back."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flightlake.errors import FlightlakeError, PreconditionFailed

SCHEMA = "tpch"
TABLES = ("region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem")


def generate(scale: float, into: Path) -> None:
    """Write ``<table>.parquet`` for each of ``TABLES`` into the folder *into*.

    *scale* 1 is 6 million order lines, about 350 MB of Parquet.

    Raises:
        PreconditionFailed: ``tpchgen-cli`` is not installed, or it failed.
    """
    command = [_program(), "parquet", "-s", str(scale), "--output-dir", str(into), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (our own argument list, no shell)
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise PreconditionFailed(f"tpchgen-cli could not make the TPC-H data: {reason[0]}")


def read(table: str, folder: Path) -> pa.RecordBatchReader:
    """Return the rows of *table* as a stream; strings are plain ``utf8``.

    Raises:
        FlightlakeError: *table* is none of ``TABLES``.
    """
    if table not in TABLES:
        raise FlightlakeError(f"{table} is not a TPC-H table")
    file = pq.ParquetFile(folder / f"{table}.parquet")
    schema = pa.schema([_plain(field) for field in file.schema_arrow])

    def batches() -> Iterator[pa.RecordBatch]:
        with file:
            for batch in file.iter_batches(batch_size=64 * 1024):
                yield batch.cast(schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _plain(field: pa.Field) -> pa.Field:
    """Return *field* without the generator's view type and field id: the table gives its own."""
    plain = pa.string() if pa.types.is_string_view(field.type) else field.type
    return pa.field(field.name, plain, nullable=field.nullable)


def _program() -> str:
    # Beside this Python first: a virtual environment need not be on the PATH.
    beside = Path(sys.executable).parent / "tpchgen-cli"
    found = str(beside) if beside.exists() else shutil.which("tpchgen-cli")
    if found is None:
        raise PreconditionFailed(
            "the demo makes its TPC-H data with tpchgen-cli: pip install 'flightlake[demo]'"
        )
    return found
