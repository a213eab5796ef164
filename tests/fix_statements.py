"""Random statements over two tables of every type, which files are left out of."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform

from tests.fix_catalogs import Lake, sqlite_lake

SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("i", pa.int32()),
        ("f", pa.float32()),
        ("d", pa.float64()),
        ("m", pa.decimal128(9, 2)),
        ("s", pa.string()),
        ("b", pa.bool_()),
        ("dt", pa.date32()),
        ("ts", pa.timestamp("us")),
        ("tz", pa.timestamp("us", tz="UTC")),
        ("x", pa.binary()),
    ]
)
APPENDS = 5
_DAY = date(2024, 2, 28)


def _value(name: str, source: random.Random, low: int) -> Any:
    number = low * 10 + source.randrange(12)
    if source.random() < 0.12:
        return None
    return {
        "id": number,
        "i": number - 20,
        "f": source.choice([0.0, -0.0, 0.1, number / 4, float("nan"), float("-inf")]),
        "d": source.choice([0.0, -0.0, 0.1, number / 8, float("nan"), float("inf")]),
        "m": Decimal(number * 7 - 100).scaleb(-2),
        "s": source.choice(["", "a", "ab", "Ab", "aé", "b%", "b_c", "zz", f"n{number}"]),
        "b": source.random() < 0.5,
        "dt": _DAY + timedelta(days=number),
        "ts": datetime(2024, 2, 28, 23, 59) + timedelta(hours=number),
        "tz": datetime(2024, 2, 28, 23, 59, tzinfo=UTC) + timedelta(minutes=number),
        "x": bytes([number % 256, 0xFF])[: source.randrange(3)],
    }[name]


def _append(source: random.Random, low: int, rows: int) -> pa.Table:
    columns: dict[str, list[Any]] = {}
    for name in SCHEMA.names:
        gone = source.random() < 0.08  # a file whose values are all null has no bounds
        columns[name] = [None if gone else _value(name, source, low) for _ in range(rows)]
    return pa.table(columns, schema=SCHEMA)


def lake_of_statements(folder: Path) -> Lake:
    """Return a lake with ``t`` (by id's bucket, s and ts' day) and ``u`` (no partitions)."""
    source = random.Random("statements")  # noqa: S311 - the same tables each time
    lake = sqlite_lake(folder)
    t, u = lake.create("t", SCHEMA), lake.create("u", SCHEMA)
    with t.update_spec() as change:
        change.add_field("ts", DayTransform(), "day")
        change.add_field("b", IdentityTransform(), "b_part")
    for number in range(APPENDS):
        t.append(_append(source, number, 14))
    with t.update_spec() as change:
        change.remove_field("b_part")
        change.add_field("id", BucketTransform(3), "bucket")
    t.append(_append(source, APPENDS, 10))
    for number in range(12):
        u.append(_append(source, number % 7, 6))
    return lake


_CONSTANTS = {
    "id": ["0", "5", "17", "33", "61", "CAST(12 AS INT)", "12.5", "'25'"],
    "i": ["-20", "0", "7", "2147483648", "CAST(3 AS BIGINT)", "3.0"],
    "f": ["0.0", "-0.0", "0.1", "CAST(0.1 AS FLOAT)", "CAST('NaN' AS FLOAT)", "2"],
    "d": ["0.0", "-0.0", "0.1", "1.5", "CAST('NaN' AS DOUBLE)", "CAST('inf' AS DOUBLE)", "1"],
    "m": ["0", "1.05", "1.055", "CAST(1.05 AS DOUBLE)", "-0.51", "100000000"],
    "s": ["''", "'a'", "'aé'", "'zz'", "'n17'", "'b%'"],
    "b": ["TRUE", "FALSE"],
    "dt": ["DATE '2024-02-29'", "'2024-03-10'", "TIMESTAMP '2024-03-10 00:00:00'"],
    "ts": ["TIMESTAMP '2024-03-01 00:00:00'", "DATE '2024-03-02'", "'2024-02-29 05:59:00'"],
    "tz": ["TIMESTAMP '2024-02-29 00:10:00'", "'2024-02-29T00:20:00Z'", "'2024-02-29T01:20:00+01'"],
    "x": ["X''", "X'05'", "X'05FF'"],
}
_PATTERNS = ["'a%'", "'%b'", "'b\\%%'", "'b_c'", "'n1%'", "'A%'", "'%'", "''", "'aé%'", "'_b'"]
_NUMBERS = ("id", "i", "f", "d", "m")
_COMPARE = ["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]


@st.composite
def leaf(draw: st.DrawFn, alias: str) -> str:
    """Return a condition on one column of *alias*."""
    name = draw(st.sampled_from(SCHEMA.names))
    column = f"{alias}.{name}"
    constant = st.sampled_from(_CONSTANTS[name])
    shape = draw(st.sampled_from(range(14)))
    if shape == 0:
        return f"{column} IS {draw(st.sampled_from(['', 'NOT ']))}NULL"
    if shape == 1:
        values = ", ".join(draw(st.lists(constant, min_size=1, max_size=4)))
        return f"{column} {draw(st.sampled_from(['', 'NOT ']))}IN ({values})"
    if shape == 2:
        low, high = draw(constant), draw(constant)
        return f"{column} {draw(st.sampled_from(['', 'NOT ']))}BETWEEN {low} AND {high}"
    if shape == 3:
        how = draw(st.sampled_from(["LIKE", "ILIKE", "NOT LIKE", "NOT ILIKE", "SIMILAR TO"]))
        return f"{alias}.s {how} {draw(st.sampled_from(_PATTERNS))}"
    if shape == 4:
        return f"({column} {draw(st.sampled_from(_COMPARE))} {draw(constant)}) IS " + draw(
            st.sampled_from(["TRUE", "NOT TRUE", "FALSE", "UNKNOWN", "NOT NULL"])
        )
    if shape == 5:
        return (
            f"CASE WHEN {column} = {draw(constant)} THEN {alias}.b"
            f" ELSE {alias}.id > {draw(st.sampled_from(_CONSTANTS['id'][:5]))} END"
        )
    if shape == 6:
        number = draw(st.sampled_from(_NUMBERS))
        return f"abs({alias}.{number}) + 1 > {draw(st.sampled_from(['2', '10', '30']))}"
    if shape == 7:
        return f"CAST({alias}.id AS VARCHAR) = {draw(st.sampled_from(_CONSTANTS['s']))}"
    if shape == 8:
        return f"coalesce({column}, {draw(constant)}) = {draw(constant)}"
    if shape == 9:
        return f"{draw(st.sampled_from(['', 'NOT ']))}{alias}.b"
    if shape == 10:
        return f"{draw(constant)} {draw(st.sampled_from(_COMPARE[:6]))} {column}"
    return f"{column} {draw(st.sampled_from(_COMPARE))} {draw(constant)}"


def condition(alias: str) -> st.SearchStrategy[str]:
    """Return conditions on the columns of *alias*."""
    return st.recursive(
        leaf(alias),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(
                lambda part: f"({part[0]} {part[1]} {part[2]})"
            ),
            inner.map(lambda text: f"NOT ({text})"),
        ),
        max_leaves=4,
    )


# {a}, {b}, {c}: conditions on a, b, c; every statement's rows are the same in any order.
SHAPES = [
    "SELECT * FROM t a WHERE {a}",
    "SELECT count(*), sum(id), min(s), max(ts) FROM t a WHERE {a}",
    "SELECT a.s, count(*) FROM u a WHERE {a} GROUP BY a.s HAVING count(*) > 1",
    "SELECT a.id, b.id FROM t a JOIN u b ON a.id = b.id AND {a} WHERE {b}",
    "SELECT a.id, b.id FROM t a LEFT JOIN u b ON a.id = b.id AND {b} WHERE {a}",
    "SELECT a.id, b.id FROM t a LEFT JOIN u b ON a.id = b.id AND {a}",
    "SELECT a.id, b.id FROM t a LEFT JOIN u b ON a.id = b.id WHERE {b}",
    "SELECT a.id, b.id FROM t a RIGHT JOIN u b ON a.i = b.i AND {a} WHERE {b}",
    "SELECT a.id, b.id FROM t a FULL JOIN u b ON a.id = b.id AND {a} AND {b}",
    "SELECT a.id, b.id FROM t a FULL JOIN u b ON a.id = b.id WHERE {a}",
    "SELECT a.id, b.id FROM u a JOIN u b ON a.id = b.id WHERE {a} AND {b}",
    "SELECT a.id FROM t a WHERE EXISTS (SELECT 1 FROM u b WHERE b.id = a.id AND {b}) AND {a}",
    "SELECT a.id FROM t a WHERE NOT EXISTS (SELECT 1 FROM u b WHERE b.id = a.id AND {b})",
    "SELECT a.id FROM t a WHERE NOT EXISTS (SELECT 1 FROM t b WHERE b.id = a.id AND {b}) AND {a}",
    "SELECT a.id FROM u a WHERE a.id IN (SELECT b.id FROM u b WHERE {b}) OR {a}",
    "SELECT a.id FROM u a WHERE a.id NOT IN (SELECT b.id FROM u b WHERE {b}) AND {a}",
    "SELECT a.id FROM t a LEFT ANTI JOIN t b ON a.id = b.id AND {b} WHERE {a}",
    "SELECT a.id FROM t a LEFT SEMI JOIN u b ON a.id = b.id AND {b} WHERE {a}",
    "SELECT a.id, (SELECT max(b.id) FROM t b WHERE {b}) FROM t a WHERE {a}",
    "SELECT a.id FROM u a WHERE a.id > (SELECT min(b.id) FROM u b WHERE {b}) AND {a}",
    "SELECT a.id, (SELECT count(*) FROM t b WHERE b.i = a.i AND {b}) FROM t a WHERE {a}",
    "SELECT sum(CASE WHEN {a} THEN 1 ELSE (SELECT count(*) FROM u b WHERE {b}) END) FROM u a"
    " WHERE {a}",
    "SELECT id FROM t a WHERE {a} UNION ALL SELECT id FROM t b WHERE {b}",
    "SELECT id FROM t a WHERE {a} UNION SELECT i FROM u b WHERE {b}",
    "SELECT id FROM u a WHERE {a} INTERSECT SELECT id FROM u b WHERE {b}",
    "SELECT id FROM u a WHERE {a} EXCEPT SELECT id FROM u b WHERE {b}",
    "WITH a AS (SELECT * FROM t) SELECT a.id FROM a WHERE {a} UNION ALL SELECT count(*) FROM a",
    "WITH c AS (SELECT * FROM u a WHERE {a}) SELECT b.id, c.id FROM c JOIN c b ON b.id = c.id"
    " WHERE {b}",
    "SELECT a.id, row_number() OVER (PARTITION BY a.s ORDER BY a.id, a.ts, a.i, a.dt)"
    " FROM (SELECT * FROM t a WHERE {a}) a",
    "SELECT * FROM (SELECT a.*, rank() OVER (PARTITION BY a.b ORDER BY a.id) r FROM u a) a"
    " WHERE {a} AND r < 3",
    "SELECT id FROM (SELECT * FROM u a WHERE {a} ORDER BY id, ts, tz, i LIMIT 3) c",
    "SELECT c.id FROM (SELECT * FROM t ORDER BY id, ts, tz, i, dt LIMIT 9) c WHERE c.id < 9",
    "SELECT count(*) FROM (SELECT id FROM u a WHERE {a} LIMIT 4) c",
    "WITH RECURSIVE c AS (SELECT a.id FROM u a WHERE {a} UNION SELECT b.id + 7 FROM u b"
    " JOIN c ON b.id = c.id WHERE {b}) SELECT * FROM c",
    "SELECT a.id FROM t a, (VALUES (5), (17)) c(n) WHERE a.id = c.n AND {a}",
    "SELECT a.id, b.id FROM t a, LATERAL (SELECT max(b.id) id FROM u b WHERE b.i = a.i AND {b}) b"
    " WHERE {a}",
    "SELECT DISTINCT a.s FROM t a WHERE {a} AND random() >= 0",
    "SELECT count(*) FILTER (WHERE {a}), count(*) FROM u a WHERE {a} OR a.id < 20",
    "SELECT a.b, a.s, count(*) FROM t a WHERE {a} GROUP BY GROUPING SETS ((a.b), (a.s), ())",
    "SELECT a.id FROM t a JOIN t b USING (id) JOIN u c USING (id) WHERE {a} AND {b} AND {c}",
    "SELECT a.id FROM u a WHERE (SELECT count(*) FROM u b WHERE {b}) > 10 AND {a}",
    "SELECT a.id FROM u a WHERE a.i = ANY (SELECT b.i FROM u b WHERE {b}) AND {a}",
]  # fmt: skip


@st.composite
def statements(draw: st.DrawFn) -> str:
    """Return a statement over ``t`` and ``u``."""
    shape = draw(st.sampled_from(SHAPES))
    parts = {name: draw(condition(name)) for name in "abc" if "{" + name + "}" in shape}
    return shape.format(**parts)
