"""The queries of a WITH, as the tokens tell them."""

import pytest

from flightlake.engine.with_lists import repeated_queries

BODY = "(SELECT grp, count(*) AS n FROM big GROUP BY grp)"


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        (f"WITH a AS {BODY} SELECT * FROM a, a AS b", ["a"]),
        (f"WITH a AS {BODY} SELECT * FROM a x JOIN A y ON x.n = y.n", ["a"]),
        (f'with "a" as {BODY} select * from a, "a" b', ["a"]),
        (f'WITH "A" AS {BODY} SELECT * FROM "A" x, "A" y', ["A"]),
        (f'WITH "A" AS {BODY} SELECT * FROM a x, a y', []),
        (f"WITH a (g, n) AS {BODY} SELECT * FROM a WHERE n = (SELECT max(n) FROM a)", ["a"]),
        (f"WITH a AS MATERIALIZED {BODY} SELECT * FROM a, a b", []),  # no SQL here
        (f"WITH a AS {BODY} SELECT a.n FROM a", []),
        (f"WITH a AS {BODY} SELECT a.n FROM a, s.a", []),
        (f"WITH a AS {BODY}, b AS (SELECT * FROM a) SELECT * FROM b, a, b c", ["a", "b"]),
        (f"WITH a AS {BODY}, b AS (SELECT ')' AS x FROM a) SELECT * FROM b, b c", ["b"]),
        (f"WITH RECURSIVE a AS {BODY} SELECT * FROM a, a b", []),
        (f"SELECT * FROM (WITH a AS {BODY} SELECT * FROM a, a b)", []),
        ("SELECT 'WITH' FROM big", []),
        ("WITH", []),
        ("WITH a", []),
        ("WITH a (", []),
        ("WITH a AS", []),
        ("WITH a AS (SELECT 1", []),
        ("WITH a AS (SELECT 1)", []),
        ("WITH a AS (SELECT 1),", []),
    ],
)
def test_queries_that_are_named_more_than_once_are_found(sql: str, names: list[str]) -> None:
    assert [query.name.strip('"') for query in repeated_queries(sql)] == names


def test_a_query_is_taken_out_with_those_before_it() -> None:
    sql = "WITH z AS (SELECT 1 AS i), a (x) AS ( SELECT (i) FROM z /* ) */ ) SELECT * FROM a, a b"
    (query,) = repeated_queries(sql)
    begin = "WITH z AS (SELECT 1 AS i), a (x) AS ("
    assert query.alone(sql) == f"{begin} SELECT (i) FROM z /* ) */ ) SELECT * FROM a"
    held = 'SELECT * FROM "flightlake held"."once"."rows"'
    assert query.replaced(sql) == f"{begin}{held}) SELECT * FROM a, a b"
