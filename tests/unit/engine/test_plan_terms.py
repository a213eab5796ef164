"""Which queries are sums of products of their tables, and which columns rows follow."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from flightlake.engine.engine import Defaults, Engine, Survey
from flightlake.engine.lineage import followed
from flightlake.engine.plan_terms import Blocked, products, wanted
from flightlake.engine.sql_text import read
from flightlake.lake.predicates import Comparison
from flightlake.names import TableIdentifier
from tests.fix_catalogs import Lake, sqlite_lake
from tests.fix_engine import engine_on

SCHEMA = pa.schema([("k", pa.int64()), ("v", pa.int64()), ("s", pa.string())])


class Surveyor:
    """Surveys queries over three tables ``a``, ``b`` and ``c``."""

    def __init__(self, lake: Lake, engine: Engine) -> None:
        self.lake = lake
        self.engine = engine

    def survey(self, sql: str) -> Survey:
        return self.engine.survey(read(sql), Defaults(self.lake.name, self.lake.root))

    def table(self, name: str) -> TableIdentifier:
        return TableIdentifier(self.lake.name, self.lake.root, name)


@pytest.fixture(scope="module")
def surveyor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surveyor]:
    folder: Path = tmp_path_factory.mktemp("lake")
    lake = sqlite_lake(folder)
    for name in "abc":
        lake.create(name, SCHEMA)
    engine = engine_on({lake.name: lake.open()}, folder / "spill")
    yield Surveyor(lake, engine)
    engine.close()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM a", ["a"]),
        ("SELECT k + 1 AS x FROM a WHERE v > 2 ORDER BY x", ["a"]),
        ("SELECT x.k FROM (SELECT k FROM a) AS x", ["a"]),
        ("SELECT a.k FROM a JOIN b ON a.k = b.k", ["ab"]),
        ("SELECT c.k FROM a JOIN b USING (k) JOIN c ON c.v = b.v", ["abc"]),
        ("SELECT a.k FROM a, b WHERE a.k < b.k", ["ab"]),
        ("SELECT k FROM a UNION ALL SELECT k FROM b UNION ALL SELECT k FROM c", ["a", "b", "c"]),
        (
            "SELECT x.k FROM (SELECT k FROM a UNION ALL SELECT k FROM b) x JOIN c ON true",
            ["ac", "bc"],
        ),
        ("WITH t AS (SELECT k FROM a) SELECT p.k FROM t p, t q", ["aa"]),
        ("SELECT 1 AS k UNION ALL SELECT k FROM a", ["", "a"]),
        ("SELECT a.k FROM a, (VALUES (1), (2)) AS w(x) WHERE w.x = a.k", ["a"]),
        ("WITH unused AS (SELECT k FROM b) SELECT k FROM a", ["a"]),
    ],
)
def test_filters_projections_inner_joins_and_unions_are_sums_of_products(
    surveyor: Surveyor, sql: str, expected: list[str]
) -> None:
    found = products(surveyor.survey(sql).plan)
    assert not isinstance(found, Blocked)
    names = ["".join(sorted(t.table * n for t, n in product.items())) for product in found]
    assert sorted(names) == sorted(expected)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT count(*) AS n FROM a", "groups rows"),
        ("SELECT k FROM a GROUP BY k", "groups rows"),
        ("SELECT DISTINCT k FROM a", "leaves out repeated rows"),
        ("SELECT k FROM a UNION SELECT k FROM b", "leaves out repeated rows"),
        ("SELECT sum(v) OVER () AS n FROM a", "window functions"),
        ("SELECT k FROM a LIMIT 1", "LIMIT"),
        ("SELECT k FROM (SELECT k FROM a OFFSET 1) x", "LIMIT"),
        ("SELECT unnest([k, v]) AS x FROM a", "unnests"),
        ("SELECT a.k FROM a LEFT JOIN b ON a.k = b.k", "no inner join"),
        ("SELECT a.k FROM a FULL JOIN b ON a.k = b.k", "no inner join"),
        ("SELECT a.k FROM a LEFT SEMI JOIN b ON a.k = b.k", "no inner join"),
        ("SELECT a.k FROM a LEFT ANTI JOIN b ON a.k = b.k", "no inner join"),
        ("SELECT k FROM a INTERSECT SELECT k FROM b", "no inner join"),
        ("SELECT k FROM a EXCEPT ALL SELECT k FROM b", "no inner join"),
        ("SELECT k FROM a WHERE k IN (SELECT k FROM b)", "subquery"),
        ("SELECT k FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.k = a.k)", "subquery"),
        ("SELECT k, (SELECT max(k) FROM b) AS m FROM a", "subquery"),
        ("SELECT a.k FROM a, LATERAL (SELECT b.v FROM b WHERE b.k = a.k) l", "subquery"),
        ("SELECT a.k FROM a JOIN b ON a.k = (SELECT max(k) FROM c)", "subquery"),
        ("SELECT a.k FROM a, generate_series(1, 3) AS g", "no table"),
    ],
)
def test_everything_else_is_refused_by_its_name(surveyor: Surveyor, sql: str, reason: str) -> None:
    found = products(surveyor.survey(sql).plan)
    assert isinstance(found, Blocked)
    assert reason in found.reason


@pytest.mark.parametrize(
    ("sql", "changed", "expected"),
    [
        ("SELECT k, v FROM a", "a", {"a.k"}),
        ("SELECT v AS k FROM a", "a", {"a.v"}),
        ("SELECT k, count(*) AS n FROM a GROUP BY k HAVING count(*) > 1", "a", {"a.k"}),
        ("SELECT k, count(*) AS n FROM a GROUP BY 1", "a", {"a.k"}),
        ("SELECT DISTINCT k, v FROM a", "a", {"a.k"}),
        ("SELECT k, row_number() OVER (PARTITION BY k ORDER BY v) AS n FROM a", "a", {"a.k"}),
        ("SELECT k FROM a UNION ALL SELECT v AS k FROM a", "a", {"a.k", "a.v"}),
        ("SELECT k FROM a UNION ALL SELECT k FROM b", "a", {"a.k"}),
        ("SELECT k FROM a UNION ALL SELECT k FROM b", "ab", {"a.k", "b.k"}),
        ("SELECT a.k FROM a JOIN b ON a.k = b.k", "b", {"b.k"}),
        ("SELECT a.k FROM a JOIN b ON a.k = b.k", "ab", {"a.k", "b.k"}),
        ("SELECT a.k FROM a, b WHERE a.k = b.k AND a.v > b.v", "ab", {"a.k", "b.k"}),
        ("SELECT a.k FROM a JOIN b ON a.v = b.v", "a", {"a.k"}),
        ("SELECT a.k FROM a LEFT JOIN b ON a.k = b.k", "ab", {"a.k", "b.k"}),
        ("SELECT b.k FROM a RIGHT JOIN b ON a.k = b.k", "ab", {"a.k", "b.k"}),
        ("SELECT k FROM a WHERE v IN (SELECT v FROM b)", "a", {"a.k"}),
        ("SELECT s AS k FROM a", "a", {"a.s"}),
        ("SELECT s AS k, count(*) AS n FROM a GROUP BY s ORDER BY s", "a", {"a.s"}),
        ("SELECT a.s AS k FROM a JOIN b ON a.s = b.s", "ab", {"a.s", "b.s"}),
        ("SELECT x.k FROM a x JOIN a y ON x.k = y.k", "a", {"a.k"}),
        ("SELECT t.k FROM (SELECT k, max(v) AS m FROM a GROUP BY k) t WHERE m > 1", "a", {"a.k"}),
    ],
)
def test_a_column_follows_those_that_decide_in_which_rows_a_value_is(
    surveyor: Surveyor, sql: str, changed: str, expected: set[str]
) -> None:
    found = followed(surveyor.survey(sql), "k", frozenset(map(surveyor.table, changed)))
    assert not isinstance(found, Blocked), found
    assert {f"{table.table}.{column}" for table, column in found} == expected


@pytest.mark.parametrize(
    ("sql", "changed"),
    [
        ("SELECT k + 0 AS k FROM a", "a"),
        ("SELECT CAST(s AS BIGINT) AS k FROM a", "a"),
        ("SELECT CAST(k AS VARCHAR) AS k FROM a", "a"),
        ("SELECT CAST(CAST(s AS BIGINT) AS VARCHAR) AS k FROM a", "a"),
        ("SELECT CAST(x AS VARCHAR) AS k FROM (SELECT CAST(s AS BIGINT) AS x FROM a) y", "a"),
        ("SELECT CAST(x AS VARCHAR) AS k FROM (SELECT CAST(s AS DATE) AS x FROM a) y", "a"),
        ("SELECT upper(s) AS k FROM a", "a"),
        ("SELECT s || '' AS k FROM a", "a"),
        ("SELECT max(k) AS k FROM a GROUP BY v", "a"),
        ("SELECT max(k) AS k FROM a", "a"),
        ("SELECT k, v, count(*) AS n FROM a GROUP BY ROLLUP (k, v)", "a"),
        ("SELECT DISTINCT ON (v) k, v FROM a ORDER BY v, k", "a"),
        ("SELECT k FROM a ORDER BY k LIMIT 3", "a"),
        ("SELECT k, row_number() OVER (PARTITION BY v) AS n FROM a", "a"),
        ("SELECT k, row_number() OVER () AS n FROM a", "a"),
        (
            "SELECT k, count(*) OVER (PARTITION BY k) AS m, count(*) OVER (PARTITION BY v) AS n"
            " FROM a",
            "a",
        ),
        ("SELECT a.k FROM a JOIN b ON a.v = b.v", "b"),
        ("SELECT a.k FROM a JOIN b ON a.v = b.v", "ab"),
        ("SELECT a.k FROM a, b WHERE a.k = b.k OR a.v = 1", "ab"),
        ("SELECT a.k FROM a, b WHERE a.k <= b.k", "b"),
        ("SELECT b.k FROM a LEFT JOIN b ON a.k = b.k", "a"),
        ("SELECT b.k FROM a LEFT JOIN b ON a.k = b.k", "b"),
        ("SELECT a.k FROM a FULL JOIN b ON a.k = b.k", "a"),
        ("SELECT a.k FROM a LEFT JOIN b ON a.v = b.v WHERE a.k = b.k", "b"),
        ("SELECT k FROM a WHERE v IN (SELECT v FROM b)", "b"),
        ("SELECT k FROM a WHERE v > (SELECT max(v) FROM a)", "a"),
        ("SELECT k FROM a EXCEPT SELECT k FROM b", "b"),
        ("SELECT k FROM a UNION ALL SELECT k + 1 AS k FROM a", "a"),
        ("SELECT k, unnest([1, v]) AS u FROM a", "a"),
        ("SELECT a.k FROM a JOIN (SELECT k FROM b LIMIT 3) b ON a.k = b.k", "a"),
        ("SELECT a.k FROM a JOIN (SELECT DISTINCT ON (v) k FROM b) b ON a.k = b.k", "a"),
        ("SELECT s AS k FROM a UNION ALL SELECT CAST(k AS VARCHAR) FROM b", "b"),
    ],
)
def test_a_column_that_does_not_decide_it_follows_nothing(
    surveyor: Surveyor, sql: str, changed: str
) -> None:
    found = followed(surveyor.survey(sql), "k", frozenset(map(surveyor.table, changed)))
    assert isinstance(found, Blocked)
    assert found.reason


def test_what_a_query_wants_of_a_table_is_what_all_its_places_want(surveyor: Surveyor) -> None:
    found = wanted(surveyor.survey("SELECT k FROM a WHERE v > 3"))
    assert found == {surveyor.table("a"): Comparison("v", ">", pa.scalar(3))}
    found = wanted(surveyor.survey("SELECT k FROM a WHERE v > 3 UNION ALL SELECT k FROM a"))
    assert surveyor.table("a") not in found or "Anything" in repr(found)
