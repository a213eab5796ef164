from itertools import combinations, pairwise

import pytest

from flightlake.engine.meaning import fingerprint
from flightlake.engine.sql_text import read
from tests.fix_engine import Lab


def meaning(lab: Lab, sql: str) -> str:
    return fingerprint(lab.engine.survey(read(sql), lab.defaults).plan, sql)


VALUES = "SELECT column1 AS n FROM (VALUES (1), (2), (3), (4), (5), (6), (7)) AS v"


@pytest.mark.parametrize(
    "queries",
    [
        (
            "SELECT grp, sum(x) AS total FROM big WHERE id > 1 AND id < 9 GROUP BY grp",
            "select GRP,SUM( x ) total from BIG\n where (id>1) and (id<9) group by grp -- why",
            "/* a */ SELECT grp, sum(x) total FROM big WHERE ((id > 1 AND id < 9)) GROUP BY grp",
        ),
        ("SELECT * FROM few", "SELECT id, name FROM few"),
        ("SELECT b.id FROM big b JOIN few f ON b.id = f.id",
         "SELECT b.id FROM big AS b INNER JOIN few AS f ON b.id = f.id"),
        ("SELECT id FROM big ORDER BY id LIMIT 3", "SELECT id FROM big ORDER BY id ASC LIMIT 3"),
        (VALUES, VALUES.lower().replace(",", "\n,") + " -- more\n;"),
    ],
)  # fmt: skip
def test_how_a_query_is_spelled_is_no_change(lab: Lab, queries: tuple[str, ...]) -> None:
    for one, other in pairwise(queries):
        assert meaning(lab, one) == meaning(lab, other)


@pytest.mark.parametrize(
    "queries",
    [
        # The plan's text shows five rows of VALUES.
        (VALUES, VALUES.replace("(7)", "(8)"), VALUES.replace("(6), (7)", "(7), (6)")),
        (VALUES, VALUES.replace("(7)", "(-7)"), VALUES.replace("(7)", "(abs(7))"),
         VALUES.replace("(7)", "(ceil(7))"), VALUES.replace("(7)", "(NULL)"),
         VALUES.replace("(7)", "(NULL), (7)"), VALUES.replace("(7)", "(7), (NULL)")),
        ("SELECT 1 AS n FROM generate_series(-5, 5)", "SELECT 1 AS n FROM generate_series(5, -5)",
         "SELECT 1 AS n FROM range(5, -5)", "SELECT 1 AS n FROM generate_series(5, 5)",
         "SELECT 1 AS n FROM generate_series(5, NULL)"),
        # All of these are anti joins of the same columns, and differ in NULL and in doubles.
        (
            "SELECT id FROM big EXCEPT SELECT id FROM few",
            "SELECT id FROM big EXCEPT ALL SELECT id FROM few",
            "SELECT DISTINCT id FROM big WHERE NOT EXISTS"
            " (SELECT 1 FROM few WHERE few.id = big.id)",
            "SELECT DISTINCT big.id FROM big LEFT ANTI JOIN few ON big.id = few.id",
        ),
        (
            "SELECT id FROM big INTERSECT SELECT id FROM few",
            "SELECT DISTINCT big.id FROM big LEFT SEMI JOIN few ON big.id = few.id",
        ),
        ("SELECT id FROM big UNION SELECT id FROM few",
         "SELECT id FROM big UNION ALL SELECT id FROM few"),
        ("SELECT count(id) AS n FROM big", "SELECT count(DISTINCT id) AS n FROM big",
         "SELECT count(id) FILTER (WHERE x > 0) AS n FROM big"),
        ("SELECT CAST(grp AS INT) AS g FROM big", "SELECT TRY_CAST(grp AS INT) AS g FROM big",
         "SELECT CAST(grp AS BIGINT) AS g FROM big"),
        ("SELECT first_value(id) OVER (PARTITION BY grp ORDER BY x) AS f FROM big",
         "SELECT first_value(id) OVER (PARTITION BY grp ORDER BY x DESC) AS f FROM big",
         "SELECT first_value(id) IGNORE NULLS OVER (PARTITION BY grp ORDER BY x) AS f FROM big",
         "SELECT first_value(id) OVER (PARTITION BY grp ORDER BY x"
         " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS f FROM big"),
        ("SELECT id FROM big ORDER BY x LIMIT 3", "SELECT id FROM big ORDER BY x LIMIT 4",
         "SELECT id FROM big ORDER BY x LIMIT 3 OFFSET 1",
         "SELECT id FROM big ORDER BY x NULLS FIRST LIMIT 3"),
        ("SELECT grp FROM big WHERE grp LIKE 'a%'", "SELECT grp FROM big WHERE grp ILIKE 'a%'",
         "SELECT grp FROM big WHERE grp NOT LIKE 'a%'",
         "SELECT grp FROM big WHERE grp LIKE 'a!%' ESCAPE '!'"),
        ("SELECT name FROM few", 'SELECT name AS "Name" FROM few', "SELECT name AS n FROM few"),
        ("SELECT b.id FROM big b JOIN few f ON b.id = f.id",
         "SELECT b.id FROM big b LEFT JOIN few f ON b.id = f.id",
         "SELECT b.id FROM big b FULL JOIN few f ON b.id = f.id",
         "SELECT b.id FROM big b JOIN few f ON b.id IS NOT DISTINCT FROM f.id"),
        ("SELECT grp, sum(x) AS s FROM big GROUP BY ROLLUP (grp)",
         "SELECT grp, sum(x) AS s FROM big GROUP BY GROUPING SETS ((grp))",
         "SELECT grp, sum(x) AS s FROM big GROUP BY grp"),
        ("SELECT id FROM few", "SELECT id FROM nothing"),
        ("SELECT 1 AS n", "SELECT 1.0 AS n", "SELECT '1' AS n"),
    ],
)  # fmt: skip
def test_queries_of_other_meaning_are_told_apart(lab: Lab, queries: tuple[str, ...]) -> None:
    for one, other in combinations(queries, 2):
        assert meaning(lab, one) != meaning(lab, other), (one, other)


def test_names_mean_what_the_defaults_make_of_them(lab: Lab) -> None:
    full = f"SELECT few.id FROM {lab.defaults.catalog}.{lab.defaults.db_schema}.few AS few"
    assert meaning(lab, full) != meaning(lab, full.replace(".few AS", ".nothing AS"))
