"""SQL of views in other dialects is plain only where it means the same here."""

import pytest

from flightlake.engine.sql_tokens import tokens
from flightlake.engine.view_sql import in_order, is_plain, selects_all
from flightlake.lake.views import Representation


def plain(sql: str, dialect: str = "spark") -> bool:
    return is_plain(dialect, list(tokens(sql)))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, item AS name FROM shop.orders WHERE id > 5 AND item IN ('a', 'b''c')",
        "SELECT o.id, count(*) AS n, sum(x + 1) FROM a o LEFT JOIN b USING (id) GROUP BY o.id",
        "WITH t AS (SELECT DISTINCT id FROM a) SELECT * FROM t UNION ALL SELECT id FROM b",
        "SELECT CASE WHEN x IS NULL THEN 0 ELSE coalesce(y, 1) END FROM a ORDER BY 1",
        "SELECT id FROM a TIMESTAMP AS OF '2026-01-01'",
        "SELECT id FROM a WHERE d >= DATE '2026-01-01' -- since then",
    ],
)
def test_what_all_engines_read_alike_is_plain(sql: str) -> None:
    assert plain(sql)
    assert plain(sql, "trino")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a / 2 FROM t",
        "SELECT a % 2 FROM t",
        "SELECT a || b FROM t",
        "SELECT CAST(a AS int) FROM t",
        "SELECT a::int FROM t",
        "SELECT a FROM t LIMIT 5",
        "SELECT a FROM t WHERE b LIKE 'x%'",
        "SELECT row_number() OVER (ORDER BY a) FROM t",
        "SELECT date_trunc('day', a) FROM t",
        "SELECT a FROM t WHERE b > 0.1",
        "SELECT a FROM t WHERE b = 1e3",
        r"SELECT 'a\nb' FROM t",
        "SELECT a FROM t WHERE ts > TIMESTAMP '2026-01-01 00:00:00'",
        "SELECT a[0] FROM t",
        "SELECT current_date FROM t",
        "SELECT explode(a) FROM t",
        "SELECT t.a FROM t NATURAL JOIN u",
        "SELECT a & b FROM t",
    ],
)
def test_what_may_mean_something_else_is_not(sql: str) -> None:
    assert not plain(sql)


def test_quotes_are_those_of_the_dialect() -> None:
    assert [plain(f"SELECT {name} FROM t") for name in ("`a`", '"a"')] == [True, False]
    assert [plain(f"SELECT {name} FROM t", "trino") for name in ("`a`", '"a"')] == [False, True]


def test_what_is_written_for_this_engine_comes_first() -> None:
    spark, own = Representation("spark", "SELECT 1"), Representation("datafusion", "SELECT 2")
    assert in_order([spark, own]) == [own, spark]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t",
        "SELECT DISTINCT * FROM t",
        "SELECT t.* FROM t",
        "SELECT 1, * FROM t",
        "SELECT a FROM (SELECT * FROM t)",
    ],
)
def test_a_star_is_seen(sql: str) -> None:
    assert selects_all(list(tokens(sql)))


@pytest.mark.parametrize("sql", ["SELECT count(*) FROM t", "SELECT a * b, 2 * (a) * 3 FROM t"])
def test_a_product_and_a_count_select_not_all(sql: str) -> None:
    assert not selects_all(list(tokens(sql)))
