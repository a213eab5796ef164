"""Random joins of tables whose columns have the same names give the rows that DuckDB gives.

The tables hold ranges of numbers that hardly meet, in files of many row groups: a filter that
reaches the column of that name in another table leaves out what the statement asks for.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb
import pyarrow as pa
import pytest

from flightlake.errors import FlightlakeError
from tests.fix_catalogs import Lake, sqlite_lake
from tests.fix_engine import Defaults, Lab, engine_on
from tests.fix_position_deletes import delete_row

COLUMNS = ("k", "v", "s")
JOINS = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
SEED = int(os.environ.get("FLIGHTLAKE_SEED", "0"))
STATEMENTS = int(os.environ.get("FLIGHTLAKE_JOINS", "150"))
"""For each number of partitions; some of them may be refused."""
T = TypeVar("T")


@dataclass(frozen=True)
class Writer:
    """Writes statements over tables, as *chance* says."""

    chance: random.Random
    tables: tuple[str, ...]

    def statement(self) -> str:
        names = ["a", "b", "c", "d"][: self.chance.choice((2, 2, 3, 3, 4))]
        text = f"{self.table()} {names[0]}"
        for place, name in enumerate(names[1:], 1):
            text += f" {self.pick(*JOINS)} {self.table()} {name} ON {self.on(names[:place], name)}"
        where = " AND ".join(self.condition(names) for _ in range(self.pick(0, 1, 1, 1, 2)))
        text = f" FROM {text}{f' WHERE {where}' if where else ''}"
        shown = [self.column(names) for _ in range(self.pick(1, 2, 3))]
        listed = ", ".join(f"{column} AS x{place}" for place, column in enumerate(shown))
        return self.pick(self.plain, self.ordered, self.grouped, self.wrapped)(listed, shown, text)

    def plain(self, listed: str, shown: list[str], text: str) -> str:
        return f"SELECT {self.pick('', '', 'DISTINCT ')}{listed}{text}"

    def ordered(self, listed: str, shown: list[str], text: str) -> str:
        by = ", ".join(f"x{place} NULLS LAST" for place in range(len(shown)))
        return f"SELECT {listed}{text} ORDER BY {by} LIMIT {self.pick(1, 5, 20)}"

    def grouped(self, listed: str, shown: list[str], text: str) -> str:
        having = self.pick("", f" HAVING {shown[0]} IS NULL", " HAVING count(*) > 1")
        found = f"count(*) AS n, min({shown[-1]}) AS low, max({shown[0]}) AS high"
        return f"SELECT {listed}, {found}{text} GROUP BY {', '.join(dict.fromkeys(shown))}{having}"

    def wrapped(self, listed: str, shown: list[str], text: str) -> str:
        asked = self.pick("x0 IS NULL", "x0 IS NOT NULL", f"coalesce(x0, 7) < {self.number()}")
        place = "count(*) OVER (PARTITION BY x0) AS n"
        return (
            f"SELECT * FROM (SELECT *, {place} FROM (SELECT {listed}{text}) AS y) z WHERE {asked}"
        )

    def table(self) -> str:
        name = self.pick(*self.tables)
        return self.pick(name, name, name, f"(SELECT k, s AS v, v AS s FROM {name})")

    def on(self, before: list[str], name: str) -> str:
        text = f"{self.column(before)} = {name}.{self.pick('k', 'k', *COLUMNS)}"
        if self.chance.random() < 0.2:
            text += f" AND {self.column(before)} {self.pick('<', '>')} {name}.{self.pick(*COLUMNS)}"
        return text

    def condition(self, names: list[str]) -> str:
        column, other, table = self.column(names), self.column(names), self.pick(*self.tables)
        return self.pick(
            f"{column} IS NULL",
            f"{column} IS NULL",
            f"{column} IS NOT NULL",
            f"coalesce({column}, {self.number()}) {self.pick('<', '=', '>')} {self.number()}",
            f"{column} {self.pick('<', '>')} {self.number()}",
            f"({column} IS NULL OR {other} > {self.number()})",
            f"{column} IN (SELECT {self.pick(*COLUMNS)} FROM {table})",
            f"({column} IS NULL OR {other} IN (SELECT {self.pick(*COLUMNS)} FROM {table}))",
            f"EXISTS (SELECT 1 FROM {table} e WHERE e.{self.pick(*COLUMNS)} = {column})",
            f"NOT EXISTS (SELECT 1 FROM {table} e WHERE e.{self.pick(*COLUMNS)} = {column})",
            f"{column} < (SELECT max(e.{self.pick(*COLUMNS)}) FROM {table} e"
            f" {self.pick(*JOINS)} {self.pick(*self.tables)} f ON e.k = f.k"
            f" WHERE {self.pick('e', 'f')}.{self.pick(*COLUMNS)} IS NULL)",
        )

    def column(self, names: list[str]) -> str:
        return f"{self.pick(*names)}.{self.pick(*COLUMNS)}"

    def number(self) -> int:
        return self.chance.choice((0, 3, 20, 60, 100, 210, 400))

    def pick(self, *things: T) -> T:
        return self.chance.choice(things)


ROWS = {
    name: pa.table(
        {
            "k": list(range(first, first + count)),
            "v": [step * n % 97 + first for n in range(count)],
            "s": [None if n % 5 == nulls else first + n // 2 for n in range(count)],
        }
    )
    for name, first, count, step, nulls in (
        ("t", 0, 120, 7, 9),
        ("u", 90, 200, 3, 9),
        ("w", 200, 60, 1, 2),
        ("y", 5, 12, 5, 0),
    )
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Return a lake whose tables ``u`` and ``y`` have rows deleted by position."""
    made = sqlite_lake(tmp_path_factory.mktemp("lake"))
    for name, rows in ROWS.items():
        made.create(name, rows.schema, properties={"write.parquet.row-group-limit": "20"})
        made.writer.load_table((made.root, name)).append(rows)
    for name in ("u", "y"):
        delete_row(made.writer.load_table((made.root, name)), 3)
    return made


@pytest.fixture(scope="module")
def judge() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for name, rows in ROWS.items():
            left = pa.concat_tables([rows.slice(0, 3), rows.slice(4)])
            connection.register(f"{name}_rows", left if name in ("u", "y") else rows)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {name}_rows")
        yield connection


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("tables", [("t", "w"), ("t", "u", "w", "y")], ids=["whole", "deletes"])
def test_no_row_is_lost_or_added(
    lake: Lake,
    judge: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    threads: int,
    tables: tuple[str, ...],
) -> None:
    engine = engine_on({lake.name: lake.open()}, tmp_path / "spill", threads=threads)
    lab = Lab(engine, Defaults(lake.name, lake.root))
    writer = Writer(random.Random(f"{SEED} {threads} {tables}"), tables)  # noqa: S311
    compared = 0
    for _ in range(STATEMENTS):
        sql = writer.statement()
        try:
            found = lab.rows(sql)
        except FlightlakeError:
            continue  # such as correlations that the engine does not know
        expected = judge.execute(sql).fetchall()
        assert Counter(found) == Counter(expected), sql
        compared += bool(expected)
    engine.close()
    assert compared > STATEMENTS // 3
