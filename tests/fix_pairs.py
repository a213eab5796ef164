"""Two tables of pairs of numbers, and a view ``v`` of them as other engines read it."""

from collections import Counter
from typing import Any

import pyarrow as pa
from pyiceberg.table import Table

from tests.fix_materialized import Mill

PAIRS = pa.schema([("k", pa.int64()), ("v", pa.int64())])
Pair = tuple[int | None, int | None]


def pairs(*rows: Pair) -> pa.Table:
    return pa.table({"k": [row[0] for row in rows], "v": [row[1] for row in rows]}, schema=PAIRS)


def two_tables(mill: Mill, left: list[Pair], right: list[Pair]) -> tuple[Table, Table]:
    """Make tables ``l`` and ``r``, one file for each of their rows."""
    made = []
    for name, rows in (("l", left), ("r", right)):
        table = mill.lake.create(name, PAIRS)
        for row in rows:
            table.append(pairs(row))
        made.append(table)
    return made[0], made[1]


def bag(mill: Mill, view: str = "v") -> Counter[tuple[Any, ...]]:
    """Return the rows of *view*, as pyiceberg reads them."""
    return Counter(tuple(row.values()) for row in mill.table(view).scan().to_arrow().to_pylist())


def refreshed(mill: Mill) -> str:
    return str(mill.one("REFRESH MATERIALIZED VIEW v")["strategy"])
