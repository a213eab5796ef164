"""Joins of tables whose columns have one name lose no rows."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from datafusion import SessionContext

from flightlake.cancellation import Cancellation
from flightlake.engine.engine import Defaults, Engine
from flightlake.engine.repeated_names import possible, repeated
from flightlake.engine.sql_text import read
from flightlake.errors import Unsupported
from tests.fix_catalogs import Lake, sqlite_lake
from tests.fix_engine import MOMENT, engine_on

ROWS = {
    "a": pa.table({"k": list(range(100)), "v": list(range(99, -1, -1))}),
    "b": pa.table({"k": list(range(1000)), "v": list(range(1000))}),
    "c": pa.table({"k": [0], "v": [3]}),
    "d": pa.table({"k": [5, 6], "v": [1, 2]}),
    "e": pa.table({"id": list(range(50)), "name": list(range(50))}),
}
CALL = Cancellation()
QUERIES = [
    "SELECT c.k, a.v AS x, b.v AS y FROM a JOIN b ON a.k = b.k JOIN c ON b.v = c.v",
    "SELECT a.v AS x, b.v AS y, d.v AS z FROM a JOIN b ON a.k = b.k JOIN d ON d.k = b.v",
    "SELECT a.v AS x, b.v AS y FROM a JOIN b ON a.k = b.k WHERE b.v IN (SELECT v FROM c)",
    "SELECT a.v AS x, b.v AS y FROM a JOIN b ON a.k = b.k ORDER BY y LIMIT 3",
    "SELECT a.v, b.v AS y FROM a JOIN b ON a.k = b.k JOIN d ON d.k < a.k ORDER BY b.v, a.v LIMIT 5",
    "SELECT max(b.v) AS m FROM a JOIN b ON a.k = b.k",
    "SELECT d.k, a.v AS x FROM d RIGHT JOIN a ON a.k = d.k WHERE d.v IS NULL",
    "SELECT d.k, a.v AS x FROM a LEFT JOIN d ON a.k = d.k WHERE d.v IS NULL",
    "SELECT d.v, count(a.v) AS n FROM d FULL JOIN a ON a.k = d.k WHERE d.v IS NULL OR a.v > 90"
    " GROUP BY d.v",
    "SELECT x.v, y.v AS w FROM b x JOIN b y ON x.k = y.k JOIN c ON y.v = c.v",
    "SELECT a.v AS x, w.v AS y FROM a JOIN (VALUES (1, 2), (5, 40)) AS w(k, v) ON a.k = w.k"
    " JOIN (VALUES (40), (1)) AS u(z) ON u.z = w.v",
    "SELECT v FROM a WHERE k = (SELECT max(a.v) FROM a JOIN b ON a.k = b.k JOIN c ON b.v = c.v)",
    "SELECT count(*) AS n FROM b WHERE k > (SELECT count(a.v) FROM d RIGHT JOIN a ON a.k = d.k"
    " WHERE d.v IS NULL)",
    "SELECT x, row_number() OVER (ORDER BY x) AS n FROM (SELECT a.v AS x, d.v AS y FROM d"
    " RIGHT JOIN a ON a.k = d.k) AS j WHERE y IS NULL",
]


@pytest.fixture(scope="module", params=[1, 2], ids=["one partition", "two"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Lake, Engine]]:
    folder: Path = tmp_path_factory.mktemp("lake")
    lake = sqlite_lake(folder)
    for name, rows in ROWS.items():
        lake.create(name, rows.schema, properties={"write.parquet.row-group-limit": "50"})
        lake.writer.load_table((lake.root, name)).append(rows)
    made = engine_on({lake.name: lake.open()}, folder / "spill", threads=request.param)
    yield lake, made
    made.close()


@pytest.mark.parametrize("sql", QUERIES)
def test_no_row_is_lost_for_a_name(engine: tuple[Lake, Engine], sql: str) -> None:
    lake, made = engine
    defaults = Defaults(lake.name, lake.root)
    plan = made.plan(read(sql), defaults, {}, {}, MOMENT, Cancellation())
    found = made.start(plan, Cancellation())
    rows = Counter(repr(row) for batch in found for row in batch.to_pylist())
    found.close()
    context = SessionContext()  # over rows in memory, where no filters are passed down
    for name, table in ROWS.items():
        context.from_arrow(table, name)
    assert rows == Counter(map(repr, context.sql(sql).to_arrow_table().to_pylist()))
    assert rows


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (QUERIES[0], True),
        (QUERIES[3], True),
        ("SELECT a.v AS x, b.v AS y FROM a JOIN b ON a.k = b.k", False),
        ("SELECT a.v FROM a JOIN e ON a.k = e.id JOIN e f ON f.id = e.name", False),
        (
            "SELECT a.v FROM a JOIN e ON a.k = e.id JOIN e f ON f.id = e.id JOIN d ON d.k = f.name",
            True,
        ),
        ("SELECT a.v, e.name FROM a JOIN e ON a.k = e.id ORDER BY e.name LIMIT 3", False),
        ("SELECT v FROM a UNION ALL SELECT v FROM b ORDER BY v LIMIT 3", False),
    ],
)
def test_only_plans_with_two_columns_of_one_name_go_without(
    engine: tuple[Lake, Engine], sql: str, expected: bool
) -> None:
    lake, made = engine
    survey = made.survey(read(sql), Defaults(lake.name, lake.root))
    frame = SessionContext().create_dataframe_from_logical_plan(survey.plan)
    assert (possible(survey.plan) and repeated(frame.optimized_logical_plan())) == expected


def test_a_join_that_no_plan_joins_rightly_is_refused(engine: tuple[Lake, Engine]) -> None:
    lake, made = engine
    sql = "SELECT a.v FROM d RIGHT JOIN a ON a.k = d.k AND d.v < a.v WHERE {} IS NULL"
    with pytest.raises(Unsupported, match="other names in a subquery"):
        made.plan(read(sql.format("d.v")), Defaults(lake.name, lake.root), {}, {}, MOMENT, CALL)
    renamed = sql.replace("FROM d", "FROM (SELECT k AS l, v AS w FROM d) AS d").format("d.w")
    renamed = renamed.replace("d.k", "d.l").replace("d.v", "d.w")
    made.plan(read(renamed), Defaults(lake.name, lake.root), {}, {}, MOMENT, CALL)
