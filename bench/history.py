"""A table with 50 historic schemas, a data file written under each, beside the same rewritten."""

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table as Written
from pyiceberg.types import (
    DateType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    PrimitiveType,
    StringType,
)

from bench.contenders import FlightSql
from bench.data import ROOT, Lakehouse, kept
from bench.processes import cpu_seconds
from bench.report import Table
from bench.servers import flightlake

SCHEMAS = 50
ROWS_PER_FILE = 60_000
QUERIES: Mapping[str, str] = {
    "all rows": "SELECT * FROM {}",
    "group by": "SELECT kind, count(*) AS n, sum(amount) AS total FROM {}"
    " GROUP BY kind ORDER BY kind",
    "filter": "SELECT count(*) AS n, sum(quantity) AS total FROM {}"
    " WHERE day >= DATE '2021-01-01' AND day < DATE '2021-03-01'",
    "one row": "SELECT amount FROM {} WHERE id = 1234567",
}
TABLES = ("history", "rewritten")
_FIRST: Mapping[str, PrimitiveType] = {
    "id": LongType(),
    "kind": StringType(),
    "day": DateType(),
    "quantity": IntegerType(),
    "amount": FloatType(),
}


def run(scale: float, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure, and return all numbers; *scale* means nothing here.

    Raises:
        RuntimeError: The two tables do not have the same rows.
    """
    lakehouse = kept(Lakehouse(ROOT / f"history-{SCHEMAS}", "schemas"), _write, say)
    wall: dict[str, dict[str, list[float]]] = {q: {t: [] for t in TABLES} for q in QUERIES}
    cpu: dict[str, dict[str, list[float]]] = {q: {t: [] for t in TABLES} for q in QUERIES}
    with flightlake(lakehouse) as (location, pid):
        client = FlightSql(location)
        say("checking the answers")
        for sql in QUERIES.values():
            one, other = (client.query(sql.format(table)) for table in TABLES)
            if not _same(one, other):
                raise RuntimeError(f"the answers to {sql} differ")
        for turn in range(2 * rounds):
            say(f"round {turn + 1} of {2 * rounds}")
            for query, sql in QUERIES.items():
                for table in TABLES if turn % 2 else reversed(TABLES):
                    begun, before = time.perf_counter(), cpu_seconds(pid)
                    client.query(sql.format(table))
                    wall[query][table].append(time.perf_counter() - begun)
                    cpu[query][table].append(cpu_seconds(pid) - before)
    return {"rounds": 2 * rounds, "wall": _medians(wall), "cpu": _medians(cpu)}


def _same(one: pa.Table, other: pa.Table) -> bool:
    if "id" in one.column_names:
        one, other = one.sort_by("id"), other.sort_by("id")
    return one.schema.equals(other.schema) and one.combine_chunks() == other.combine_chunks()


def _medians(found: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, float]]:
    return {
        query: {table: median(times) for table, times in tables.items()}
        for query, tables in found.items()
    }


def table(result: dict[str, Any]) -> list[Table]:
    """Return *result* as a table."""
    rows = [
        (
            query,
            *(f"{result['wall'][query][name] * 1000:.0f}" for name in TABLES),
            *(f"{result['cpu'][query][name] * 1000:.0f}" for name in TABLES),
            *(f"{of['history'] / of['rewritten']:.2f}" for of in _both(result, query)),
        )
        for query in QUERIES
    ]
    title = f"A table with {SCHEMAS} historic schemas, and the same rewritten, milliseconds,"
    heads = ("", "wall", "rewritten", "server CPU", "rewritten", "wall, times", "CPU, times")
    return [Table(f"{title} median of {result['rounds']}", heads, rows)]


def _both(result: Mapping[str, Any], query: str) -> tuple[Mapping[str, float], ...]:
    return result["wall"][query], result["cpu"][query]


def _write(lakehouse: Lakehouse) -> None:
    catalog = lakehouse.catalog()
    try:
        first = pa.schema([(name, _ARROW[type(kind)]) for name, kind in _FIRST.items()])
        history = catalog.create_table((lakehouse.db_schema, "history"), schema=first)
        for number in range(SCHEMAS):
            if number:
                _evolve(history, number)
            history.append(_rows(history, number))
        assert len(history.metadata.schemas) == SCHEMAS
        everything = history.scan().to_arrow().sort_by("id")
        rewritten = catalog.create_table((lakehouse.db_schema, "rewritten"), everything.schema)
        with rewritten.transaction() as transaction:
            for number in range(SCHEMAS):
                transaction.append(everything.slice(number * ROWS_PER_FILE, ROWS_PER_FILE))
    finally:
        catalog.close()


_ARROW: Mapping[type[PrimitiveType], pa.DataType] = {
    LongType: pa.int64(),
    IntegerType: pa.int32(),
    StringType: pa.string(),
    DateType: pa.date32(),
    FloatType: pa.float32(),
    DoubleType: pa.float64(),
}


def _evolve(table: Written, number: int) -> None:
    """Make schema *number* of a table: add, rename, widen, drop and move columns in turn."""
    names = [field.name for field in table.schema().fields]
    with table.update_schema() as update:
        if number == 20:
            update.update_column("quantity", LongType())
        elif number == 30:
            update.update_column("amount", DoubleType())
        elif number % 4 == 0 and "note" in names:
            update.rename_column("note", f"note_{number}")
        elif number % 4 == 0:
            update.rename_column(next(name for name in names if name.startswith("note_")), "note")
        elif number % 4 == 1 and number > 8:
            update.delete_column(next(name for name in names if name.startswith("extra_")))
        elif number % 4 == 2 and number > 2:
            update.move_first(names[-1])
        else:
            kind = (DoubleType(), LongType(), StringType())[number % 3]
            update.add_column("note" if number == 1 else f"extra_{number}", kind)
    table.refresh()


def _rows(table: Written, number: int) -> pa.Table:
    schema = schema_to_pyarrow(table.schema())
    ids = np.arange(number * ROWS_PER_FILE, (number + 1) * ROWS_PER_FILE)
    known = {
        "id": pa.array(ids),
        "kind": pa.array(["view", "click", "order", "refund"]).take(pa.array(ids % 4)),
        "day": pa.array((18_000 + ids // 3_000).astype(np.int32)),
        "quantity": pa.array(ids % 100),
        "amount": pa.array((ids % 4_096) / 4),
    }
    columns = [
        known.get(field.name, pa.array(ids % 1_000).cast(pa.string())).cast(field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
