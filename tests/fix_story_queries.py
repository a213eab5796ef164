"""Queries of views for stories: some that are written down, each for a reason, and random ones."""

import random
from collections.abc import Mapping, Sequence

TABLES = ("a", "b", "c")

QUERIES: Mapping[str, tuple[str, bool]] = {
    "filtered": ("SELECT k, v FROM a WHERE v > 1", True),
    "computed": ("SELECT v * 2 + 1 AS w, k FROM b WHERE v IS NOT NULL", False),
    "rare": ("SELECT k, v FROM a WHERE v > 90", True),
    "joined": ("SELECT a.k, a.v AS x, b.v AS y FROM a JOIN b ON a.k = b.k", True),
    "crossed": ("SELECT a.v AS x, b.v AS y FROM a, b WHERE a.v < b.v", False),
    "of_three": (
        "SELECT c.k, a.v AS x, b.v AS y FROM a JOIN b ON a.k = b.k JOIN c ON b.v = c.v",
        True,
    ),
    "united": ("SELECT k, v FROM a UNION ALL SELECT k, v FROM b", True),
    "twice": ("SELECT k, v FROM a WHERE v > 1 UNION ALL SELECT k, v + 10 AS v FROM a", True),
    "half": ("SELECT k, v FROM a UNION ALL SELECT a.k, b.v FROM a JOIN b ON a.k = b.k", True),
    "mixed": ("SELECT k, v FROM c UNION ALL SELECT a.k, b.v FROM a JOIN b ON a.k = b.k", True),
    "selves": ("SELECT x.k, x.v AS v, y.v AS w FROM a x JOIN a y ON x.k = y.k", True),
    "pairs": ("WITH t AS (SELECT k, v FROM a) SELECT p.v, q.v AS w FROM t p, t q", False),
    "grouped": ("SELECT k, count(*) AS n, sum(v) AS total FROM a GROUP BY k", True),
    "nested": (
        "SELECT k, max(n) AS n FROM (SELECT k, v, count(*) AS n FROM a GROUP BY k, v) GROUP BY k",
        True,
    ),
    "counted": ("SELECT count(*) AS n FROM b", False),
    "distinct": ("SELECT DISTINCT k FROM b", True),
    "either": ("SELECT k FROM a UNION SELECT k FROM b", True),
    "ranked": ("SELECT k, v, count(*) OVER (PARTITION BY k, v) AS n FROM a", True),
    "left": ("SELECT a.k, a.v AS x, b.v AS y FROM a LEFT JOIN b ON a.k = b.k", True),
    "lost": ("SELECT b.k, a.v AS x FROM a LEFT JOIN b ON a.k = b.k AND b.v > 1", True),
    "whole": ("SELECT a.k, b.v FROM a FULL JOIN b ON a.k = b.k", True),
    "absent": ("SELECT k, v FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.k = a.k)", True),
    "listed": ("SELECT k FROM a WHERE v IN (SELECT v FROM b)", True),
    "first": ("SELECT k, v FROM a ORDER BY k, v LIMIT 3", True),
    "enriched": (
        "SELECT t.k, t.n, b.v FROM (SELECT k, count(*) AS n FROM a GROUP BY k) t LEFT JOIN b"
        " ON b.k = t.k",
        True,
    ),
}
"""Queries, and whether their views can be cut by ``k``."""

_JOINS = (*["JOIN"] * 4, *["LEFT JOIN"] * 2, "RIGHT JOIN", "FULL JOIN")
_MATCHES = (
    *["{0}.k = {1}.k"] * 5,
    *("{0}.v = {1}.v", "{0}.k = {1}.k AND {1}.v > 0", "{0}.k = {1}.k AND {0}.v <= {1}.v"),
)
_FILTERS = (
    *("{0}.v > 0", "{0}.v > 90", "{0}.v IS NOT NULL", "{0}.k IS NOT NULL", "{0}.v IN (1, 2)"),
    *("{0}.v IS NULL OR {0}.v = 1", "NOT ({0}.v = 2)", "{0}.s <> 'x'", "{0}.s IS NULL"),
    "{0}.v < (SELECT max(v) FROM b)",
    "EXISTS (SELECT 1 FROM c WHERE c.k = {0}.k)",
    "{0}.k NOT IN (SELECT k FROM b WHERE k IS NOT NULL)",
)
_COLUMNS = ("{0}.v", "{0}.s", "{0}.v + 1", "coalesce({0}.v, -1)", "{0}.v * 2", "upper({0}.s)")
_SUMS = (
    *("count(*)", "count({0}.v)", "sum({0}.v)", "min({0}.v)", "max({0}.s)"),
    *("count(DISTINCT {0}.v)", "sum({0}.v) FILTER (WHERE {0}.v > 1)"),
)
_WINDOWS = (
    "count(*) OVER (PARTITION BY {0}.k)",
    "sum({0}.v) OVER (PARTITION BY {0}.k)",
    "rank() OVER (PARTITION BY {0}.k ORDER BY {0}.v)",
    "max({0}.v) OVER ()",
)
_SHAPES = (*["plain"] * 4, *["grouped"] * 3, "distinct", "window", *["united"] * 2, "within")


def drawn(chance: random.Random) -> str:
    """Return a random query with a column ``k``, whose rows the SQL decides.

    Its tables are ``a``, ``b`` and ``c`` of the columns k, v (a whole number) and s (a text).
    """
    shape = chance.choice(_SHAPES)
    if shape == "united":
        distinct = chance.choice(["UNION ALL"] * 4 + ["UNION"])
        first, second = (_rows(chance, ["{0}.v", "{0}.s"]) for _ in range(2))
        return f"{first} {distinct} {second}"
    if shape == "within":
        inner = _rows(chance, ["{0}.v"], 2)
        kind = chance.choice(_JOINS[:6])
        return f"WITH t AS ({inner}) SELECT t.k, t.x0, o.v FROM t {kind} c AS o ON o.k = t.k"
    if shape == "grouped":
        return _grouped(chance)
    columns = chance.sample(_COLUMNS, chance.randint(1, 2))
    if shape == "window":
        columns.append(chance.choice(_WINDOWS))
    rows = _rows(chance, columns)
    return rows.replace("SELECT", "SELECT DISTINCT", 1) if shape == "distinct" else rows


def _grouped(chance: random.Random) -> str:
    source, names = _source(chance)
    key = f"{names[0]}.k"
    keys = [key, f"{names[-1]}.v"] if chance.random() < 0.3 else [key]
    sums = [chance.choice(_SUMS).format(chance.choice(names)) for _ in range(2)]
    shown = _named([*keys[1:], *sums])
    having = " HAVING count(*) > 1" if chance.random() < 0.2 else ""
    return f"SELECT {key} AS k, {shown} FROM {source} GROUP BY {', '.join(keys)}{having}"


def _rows(chance: random.Random, columns: Sequence[str], most: int = 3) -> str:
    source, names = _source(chance, most)
    shown = _named([column.format(chance.choice(names)) for column in columns])
    return f"SELECT {chance.choice(names)}.k AS k, {shown} FROM {source}"


def _named(columns: Sequence[str]) -> str:
    return ", ".join(f"{column} AS x{number}" for number, column in enumerate(columns))


def _source(chance: random.Random, most: int = 3) -> tuple[str, list[str]]:
    """Return what stands behind FROM, with the filters, and the names in it."""
    count = min(most, chance.choice([1, 1, 1, 2, 2, 2, 3]))
    names = [f"t{number}" for number in range(count)]
    alike = chance.random() < 0.2
    tables = chance.choices(TABLES, k=count) if alike else chance.sample(TABLES, count)
    text = f"{tables[0]} AS t0"
    for number in range(1, count):
        left = chance.choice(names[:number])
        if count == 2 and chance.random() < 0.1:
            text += f" CROSS JOIN {tables[1]} AS t1"
            continue
        match = chance.choice(_MATCHES).format(left, names[number])
        text += f" {chance.choice(_JOINS)} {tables[number]} AS {names[number]} ON {match}"
    wanted = chance.sample(_FILTERS, chance.choice([0, 1, 1, 2]))
    filters = [f"({one.format(chance.choice(names))})" for one in wanted]
    return (f"{text} WHERE {' AND '.join(filters)}" if filters else text), names
