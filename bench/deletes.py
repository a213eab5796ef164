"""One row of a hundred deleted, in each of the ways Iceberg has, beside the same table without.

Six million rows of TPC-H's lineitem in two data files, which all four tables share.  The deleted
rows lie anywhere: what compaction has not yet taken away is spread like that.
"""

import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.contenders import FlightSql
from bench.data import Lakehouse, kept, tpch_lakehouse
from bench.processes import cpu_seconds
from bench.report import Table
from bench.servers import flightlake
from tests.fix_catalogs import Lake
from tests.fix_row_deletes import HandMade, column, entry

_ONE_OF = 100
_KEY = (1, 2)
_COLUMNS = [
    column(1, "l_orderkey", "long"),
    column(2, "l_linenumber", "int"),
    column(3, "l_quantity", "decimal(15, 2)"),
    column(4, "l_extendedprice", "decimal(15, 2)"),
    column(5, "l_discount", "decimal(15, 2)"),
    column(6, "l_returnflag", "string"),
    column(7, "l_linestatus", "string"),
    column(8, "l_shipdate", "date"),
    column(9, "l_shipmode", "string"),
]
TABLES = {
    "none": "nothing deleted",
    "positions": "position deletes",
    "vectors": "deletion vectors",
    "equality": "equality deletes, by two columns",
}
QUERIES = {
    "group": "SELECT l_returnflag, l_linestatus, count(*) AS n, sum(l_quantity) AS quantity,"
    " sum(l_extendedprice) AS price"
    " FROM {} GROUP BY 1, 2 ORDER BY 1, 2",
    "filter": "SELECT count(*) AS n, sum(l_extendedprice * l_discount) AS revenue FROM {}"
    " WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01'",
    "whole": "SELECT * FROM {}",
}


def run(scale: float, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure, and return all numbers.

    Raises:
        RuntimeError: The answers about the three tables with deletes differ.
    """
    lakehouse = _lakehouse(scale, say)
    wall: dict[str, dict[str, list[float]]] = {q: {t: [] for t in TABLES} for q in QUERIES}
    cpu: dict[str, dict[str, list[float]]] = {q: {t: [] for t in TABLES} for q in QUERIES}
    with flightlake(lakehouse) as (location, pid):
        client = FlightSql(location)
        say("checking the answers")
        _check(client)
        for turn in range(rounds):
            say(f"round {turn + 1} of {rounds}")
            for query, sql in QUERIES.items():
                for step in range(len(TABLES)):
                    table = list(TABLES)[(turn + step) % len(TABLES)]
                    begun, before = time.perf_counter(), cpu_seconds(pid)
                    client.query(sql.format(table))
                    wall[query][table].append(time.perf_counter() - begun)
                    cpu[query][table].append(cpu_seconds(pid) - before)
    return {"scale": scale, "rounds": rounds, "wall": _medians(wall), "cpu": _medians(cpu)}


def _medians(found: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, float]]:
    return {
        query: {table: median(times) for table, times in tables.items()}
        for query, tables in found.items()
    }


def _check(client: FlightSql) -> None:
    for query, sql in QUERIES.items():
        answers = [client.query(sql.format(table)) for table in TABLES]
        if query == "whole":
            counts = [answer.num_rows for answer in answers]
            if counts[1:] != [counts[0] - counts[0] // _ONE_OF] * 3:
                raise RuntimeError(f"the tables have {counts} rows")
        elif answers[1] != answers[2] or answers[1] != answers[3] or answers[0] == answers[1]:
            raise RuntimeError(f"the answers to {sql} differ")


def table(result: dict[str, Any]) -> list[Table]:
    """Return *result* as a table."""
    wall, cpu = result["wall"], result["cpu"]
    rows = [
        (
            said,
            *(f"{wall[query][name] * 1000:.0f}" for query in QUERIES),
            *(f"{wall[query][name] / wall[query]['none']:.2f}" for query in QUERIES),
            *(f"{cpu[query][name] / cpu[query]['none']:.2f}" for query in QUERIES),
        )
        for name, said in TABLES.items()
    ]
    heads = ("", "group by: ms", "filter: ms", "all rows: ms")
    ratios = tuple(f"{what}: {of}" for of in ("time", "CPU") for what in QUERIES)
    title = f"1 % of the rows of lineitem deleted, scale {result['scale']:g}, median of"
    return [Table(f"{title} {result['rounds']}", (*heads, *ratios), rows)]


def _lakehouse(scale: float, say: Callable[[str], None]) -> Lakehouse:
    """Return the four tables, made once."""
    rows = tpch_lakehouse(scale, say).data_files()["lineitem"]
    made = Lakehouse(tpch_lakehouse(scale, say).directory.with_name(f"deletes-{scale:g}"), "rows")
    return kept(made, lambda lakehouse: _write(lakehouse, sorted(rows)), say)


def _write(lakehouse: Lakehouse, sources: list[str]) -> None:
    writer = lakehouse.catalog()
    properties = {"uri": lakehouse.uri, "warehouse": lakehouse.warehouse}
    lake = Lake("lake", "sql", properties, writer, lakehouse.db_schema)
    folder = lakehouse.directory / "warehouse"
    try:
        tables = {
            name: HandMade(lake, folder / name, [dict(one) for one in _COLUMNS], name)
            for name in TABLES
        }
        names = [one["name"] for one in _COLUMNS]
        found = pa.concat_tables(pq.read_table(path, columns=names) for path in sources)
        found = found.cast(tables["none"].arrow())
        half = len(found) // 2
        data = [found.slice(0, half), found.slice(half)]
        files = [tables["none"].write(some, f"data-{at}.parquet") for at, some in enumerate(data)]
        gone = _chosen([len(some) for some in data])
        for made in tables.values():
            made.commit(
                [
                    entry(path, len(some), size)
                    for (path, size), some in zip(files, data, strict=True)
                ]
            )
        deleted = {path: rows for (path, _), rows in zip(files, gone, strict=True)}
        for path, rows in deleted.items():
            tables["positions"].positions([(path, row) for row in rows.tolist()], referenced=path)
        tables["vectors"].vectors({path: rows.tolist() for path, rows in deleted.items()})
        keys = tables["equality"].arrow("l_orderkey", "l_linenumber")
        taken = [some.select(keys.names).take(rows) for some, rows in zip(data, gone, strict=True)]
        tables["equality"].equality(pa.concat_tables(taken).cast(keys), _KEY)
    finally:
        writer.close()


def _chosen(lengths: list[int]) -> list[np.ndarray]:
    """Return which rows of files of *lengths* rows are deleted: one of a hundred of them all."""
    total = sum(lengths)
    chosen = np.sort(np.random.default_rng(1).choice(total, total // _ONE_OF, replace=False))
    starts = np.cumsum([0, *lengths])
    return [chosen[(chosen >= begin) & (chosen < end)] - begin for begin, end in pairwise(starts)]
