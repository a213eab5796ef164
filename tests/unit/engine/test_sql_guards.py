"""Texts that would end the process, or take all of it, are refused; the largest others run."""

import subprocess
import sys
from pathlib import Path

import pytest

from flightlake.engine.sql_guards import (
    MAX_CUBE_COLUMNS,
    MAX_JOINS,
    MAX_OPERATORS,
    MAX_SET_OPERATIONS,
)
from flightlake.engine.sql_text import read
from flightlake.errors import Overloaded


def doubled(levels: int) -> str:
    """Return a statement whose every WITH clause names the one before it twice."""
    clauses = ["c0 (a) AS (SELECT 1)"]
    clauses += [
        f"c{n} AS (SELECT x.a FROM c{n - 1} x, c{n - 1} y WHERE x.a = y.a)"
        for n in range(1, levels)
    ]
    return f"WITH {', '.join(clauses)} SELECT * FROM c{levels - 1}"


REFUSED = {
    "OR": "SELECT " + " OR ".join(f"a = {n}" for n in range(10_000)),
    "AND": "SELECT " + " AND ".join(f"a = {n}" for n in range(10_000)),
    "plus": "SELECT " + "+".join(["1"] * 10_000),
    "IS NULL": "SELECT 1" + " IS NULL" * 10_000,
    "casts": "SELECT 1" + "::int::bigint" * 5_000,
    "time zones": "SELECT now()" + " AT TIME ZONE 'UTC'" * 10_000,
    "IN": "SELECT 1" + " IN (true)" * 10_000,
    "subscripts": "SELECT a" + "[1]" * 10_000,
    "types": "SELECT null::int" + "[]" * 10_000,
    "UNION": " UNION ALL ".join(["SELECT 1"] * 4_000),
    "joins": "SELECT 1 FROM a " + "JOIN b USING (id) " * 500,
    "commas in FROM": "SELECT 1 FROM " + ",".join(f"(VALUES (1)) t{n}" for n in range(500)),
    "WITH, doubled": doubled(20),
    "WITH, chained": "WITH c0 AS (SELECT 1)"
    + "".join(f", c{n} AS (SELECT * FROM c{n - 1})" for n in range(1, 3_000))
    + " SELECT * FROM c2999",
    "CUBE": f"SELECT 1 FROM t GROUP BY CUBE ({', '.join(f'c{n}' for n in range(20))})",
    "nested type": f"SELECT arrow_cast(NULL, '{'List(' * 10_000}Int8{')' * 10_000}')",
    "fixed size": "SELECT arrow_cast([1], 'FixedSizeList(2147483647, Int64)')",
    "fixed size, spaced": "SELECT arrow_cast([1], E'FixedSizeList ( 2147483647 x Int64)')",
    "fixed binary": "SELECT arrow_try_cast(X'00', 'FixedSizeBinary(2147483647)')",
}


@pytest.mark.parametrize("name", REFUSED)
def test_text_that_the_planner_cannot_bear_is_refused(name: str) -> None:
    with pytest.raises(Overloaded):
        read(REFUSED[name])


def test_ordinary_statements_are_far_from_the_limits() -> None:
    names = ", ".join(f"column_{n}" for n in range(1_500))
    read(f"SELECT {names} FROM a WHERE id IN ({', '.join(map(str, range(30_000)))})")
    read(f"SELECT a IS DISTINCT FROM b, {names} FROM t")
    read(
        "WITH orders AS (SELECT * FROM o), lines AS (SELECT * FROM l) SELECT "
        + ", ".join(f"orders.c{n}, lines.d{n}" for n in range(400))
        + " FROM orders JOIN lines ON orders.id = lines.id"
    )
    read("SELECT 1 FROM t GROUP BY CUBE (a, b, c), ROLLUP (d, e), f")
    read("VALUES " + ", ".join(f"({n}, {n})" for n in range(10_000)))


def test_commas_count_as_joins_only_in_from() -> None:
    tables = ", ".join(f"t{n}" for n in range(MAX_JOINS + 1))
    read(f"SELECT * FROM {tables}")
    read(f"SELECT {tables} FROM (SELECT * FROM t) a WHERE x IN ({tables}) GROUP BY {tables}")
    with pytest.raises(Overloaded, match="joins"):
        read(f"SELECT * FROM {tables}, t{MAX_JOINS + 1}")


# The largest that are let through, over rows of a table, so that nothing is folded away.
BORNE = {
    "operators": "SELECT " + "+".join(["id"] * (MAX_OPERATORS // 3)) + " FROM few",
    "conditions": "SELECT count(*) FROM few WHERE "
    + " OR ".join(f"id * {n} = {n + 1}" for n in range(MAX_OPERATORS // 4)),
    "union": " UNION ALL ".join(f"SELECT {n}" for n in range(MAX_SET_OPERATIONS)),
    "parentheses": f"SELECT {'(' * 50_000}1{')' * 50_000}",
    "NOT": f"SELECT {'NOT ' * 2_000}true",
    "functions": f"SELECT {'abs(' * 20_000}1{')' * 20_000}",
    "queries": f"SELECT * FROM {'(SELECT * FROM ' * 2_000}few{') x' * 2_000}",
    "names": "SELECT " + ".".join(["a"] * 20_000),
    "WITH": doubled(9),
    "CUBE": "SELECT count(*) FROM few GROUP BY CUBE ("
    + ", ".join(f"id + {n}" for n in range(MAX_CUBE_COLUMNS))
    + ")",
    "panic": "SELECT approx_percentile_cont(id, .5, 9223372036854775807) FROM few",
    "array": "SELECT array_resize([1], -1)",
}

PROGRAM = """
import sys
from pathlib import Path
from flightlake.cancellation import Cancellation
from flightlake.errors import FlightlakeError
from flightlake.query.workers import Workers
from tests.fix_engine import Defaults, Lab, engine_on, small_lake

folder = Path(sys.argv[1])
lake = small_lake(folder)
lab = Lab(engine_on({lake.name: lake.open()}, folder / "spill"), Defaults(lake.name, lake.root))
for name, sql in eval(sys.stdin.read()).items():
    try:
        lab.collect(Workers(1).run(lambda: lab.plan(sql), Cancellation()))
        said = "rows"
    except FlightlakeError as error:
        said = type(error).__name__
    print(name, said, sep=": ", flush=True)
print("alive")
"""


def test_the_largest_statements_that_are_let_through_do_not_end_the_process(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        input=repr(BORNE),
        capture_output=True,
        text=True,
        timeout=300,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.splitlines()[-1:] == ["alive"], (done.returncode, done.stdout)
    said = dict(line.split(": ") for line in done.stdout.splitlines()[:-1])
    assert {"operators", "conditions", "union", "WITH", "CUBE"} <= {
        name for name, answer in said.items() if answer == "rows"
    }
