"""Statements about materialized views are known by their head, and refused where they ask more."""

import pytest

from flightlake.errors import InvalidSql, Unsupported
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.names import TableIdentifier
from flightlake.refresh.grammar import is_view_statement, parse
from flightlake.refresh.statements import (
    Create,
    Describe,
    Drop,
    Refresh,
    ShowAll,
    ShowCreate,
    identified,
)


@pytest.mark.parametrize(
    ("sql", "statement"),
    [
        ("CREATE MATERIALIZED VIEW v AS SELECT 1", Create(("v",), "SELECT 1")),
        (
            'create or replace materialized view "A b".`c``d`.E as\n (SELECT 1) ;;',
            Create(("A b", "c`d", "e"), "(SELECT 1)", replace=True),
        ),
        (
            "CREATE MATERIALIZED VIEW IF NOT EXISTS v AS /* kept */ SELECT ';' -- gone\n;",
            Create(("v",), "/* kept */ SELECT ';'", if_not_exists=True),
        ),
        (
            'CREATE MATERIALIZED VIEW v PARTITIONED BY (day("At"), identity(b), c) AS TABLE t',
            Create(
                ("v",),
                "TABLE t",
                partitioned_by=(
                    LayoutTerm("day", "At"),
                    LayoutTerm("identity", "b"),
                    LayoutTerm("identity", "c"),
                ),
            ),
        ),
        (
            "CREATE MATERIALIZED VIEW v REFRESH_MODE = FULL INITIALIZE = ON_CREATE AS SELECT 1",
            Create(("v",), "SELECT 1", mode="FULL"),
        ),
        ("REFRESH MATERIALIZED VIEW a.v", Refresh((("a", "v"),))),
        (
            "refresh /* now */ materialized -- please\n view a, b.c full;",
            Refresh((("a",), ("b", "c")), full=True),
        ),
        ("DROP MATERIALIZED VIEW v", Drop(("v",))),
        ("DROP MATERIALIZED VIEW IF EXISTS v KEEP TABLE", Drop(("v",), True, True)),
        ("SHOW MATERIALIZED VIEWS", ShowAll()),
        ("SHOW CREATE MATERIALIZED VIEW v", ShowCreate(("v",))),
        ("DESCRIBE MATERIALIZED VIEW v", Describe(("v",))),
        ("DESC MATERIALIZED VIEW v", Describe(("v",))),
    ],
)
def test_a_statement_is_what_it_says(sql: str, statement: object) -> None:
    assert is_view_statement(sql)
    assert parse(sql) == statement


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'CREATE MATERIALIZED VIEW v AS SELECT 1'",
        "-- CREATE MATERIALIZED VIEW v\nSELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE materialized AS SELECT 1",
        "DESCRIBE materialized",
        "SHOW TABLES",
        "SHOW COLUMNS FROM materialized",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT 1",
        'REFRESH "MATERIALIZED" VIEW v',
        "CANCEL v",
        "DROP TABLE v",
        "'",
        "",
    ],
)
def test_other_statements_are_left_to_the_engine(sql: str) -> None:
    assert not is_view_statement(sql)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("CREATE MATERIALIZED VIEW v TARGET_LAG = '5 minutes' AS SELECT 1", "scheduler of your"),
        ("CREATE MATERIALIZED VIEW v SCHEDULE = 'every 1 hour' AS SELECT 1", "SCHEDULE"),
        ("CREATE MATERIALIZED VIEW v ON CHANGE AS SELECT 1", "ON CHANGE"),
        ("CREATE MATERIALIZED VIEW v REFRESH_MODE = INCREMENTAL AS SELECT 1", "use AUTO"),
        ("CREATE MATERIALIZED VIEW v INITIALIZE = ON_SCHEDULE AS SELECT 1", "leave INITIALIZE"),
        ("CREATE MATERIALIZED VIEW v WITH (a = 1) AS SELECT 1", "leave it out"),
        ("CREATE MATERIALIZED VIEW v (a, b) AS SELECT 1", "with AS"),
        ("CREATE MATERIALIZED VIEW v COMMENT 'x' AS SELECT 1", "COMMENT"),
        ("CREATE MATERIALIZED VIEW v CLUSTERED BY (a) AS SELECT 1", "ORDER BY"),
        ("REFRESH MATERIALIZED VIEW v ASYNC", "ASYNC"),
        ("REFRESH MATERIALIZED VIEW v FULL ASYNC", "ASYNC"),
        ("REFRESH MATERIALIZED VIEW v INCREMENTAL", "incremental"),
        ("REFRESH MATERIALIZED VIEW v CASCADE UPSTREAM", "sources first"),
        ("REFRESH MATERIALIZED VIEW v WHERE a = 1", "whole view"),
        ("REFRESH MATERIALIZED VIEWS IN gold", "name the views"),
        ("EXPLAIN REFRESH MATERIALIZED VIEW v", "what it did and why"),
        ("EXPLAIN ANALYZE REFRESH MATERIALIZED VIEW v", "what it did and why"),
        ("EXPLAIN CREATE MATERIALIZED VIEW v AS SELECT 1", "EXPLAIN the query"),
        ("ALTER MATERIALIZED VIEW v RENAME TO w", "OR REPLACE"),
        ("VERIFY MATERIALIZED VIEW v REPAIR", "FULL"),
        ("CANCEL REFRESH 'x'", "cancel the statement"),
        ("DROP MATERIALIZED VIEW v CASCADE", "first"),
        ("SHOW MATERIALIZED VIEWS IN gold", "shows all"),
        ("SHOW MATERIALIZED VIEWS LIKE 'a%'", "shows all"),
    ],
)
def test_what_is_not_there_is_refused_with_what_to_do_instead(sql: str, words: str) -> None:
    assert is_view_statement(sql)
    with pytest.raises(Unsupported) as caught:
        parse(sql)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("CREATE MATERIALIZED VIEW AS SELECT 1", "a name is expected, and 'AS' found at line 1"),
        ("CREATE MATERIALIZED VIEW v", "the statement ends where"),
        ("CREATE MATERIALIZED VIEW v AS", "ends where a query is expected"),
        ("CREATE MATERIALIZED VIEW v AS ;", "ends where a query is expected"),
        ("CREATE MATERIALIZED VIEW v SELECT 1", "AS and the query is expected, and 'SELECT'"),
        ("CREATE MATERIALIZED VIEW a.b.c.d AS SELECT 1", "at most three parts"),
        ("CREATE MATERIALIZED VIEW 'v' AS SELECT 1", "a name is expected"),
        ('CREATE MATERIALIZED VIEW "" AS SELECT 1', "a name without"),
        ('CREATE MATERIALIZED VIEW "a\x01b" AS SELECT 1', "a name without control"),
        ("CREATE OR REPLACE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT 1", "not both"),
        ("CREATE MATERIALIZED VIEW IF EXISTS v AS SELECT 1", "NOT is expected"),
        ("CREATE MATERIALIZED VIEW v PARTITIONED BY () AS SELECT 1", "a name is expected"),
        ("CREATE MATERIALIZED VIEW v PARTITIONED (a) AS SELECT 1", "BY is expected"),
        (
            "CREATE MATERIALIZED VIEW v PARTITIONED BY (a) PARTITIONED BY (b) AS SELECT 1",
            "has not been given",
        ),
        ("CREATE MATERIALIZED VIEW v REFRESH_MODE = SOON AS SELECT 1", "AUTO or FULL"),
        ("REFRESH MATERIALIZED VIEW", "the statement ends where a name"),
        ("REFRESH MATERIALIZED VIEW a b", "the end of the statement"),
        ("REFRESH MATERIALIZED VIEW a,", "the statement ends where a name"),
        ("DROP MATERIALIZED VIEW v KEEP", "TABLE"),
        ("SHOW MATERIALIZED VIEW", "VIEWS is expected"),
        ("DESCRIBE MATERIALIZED VIEW a; SELECT 1", "the end of the statement"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(sql: str, words: str) -> None:
    with pytest.raises(InvalidSql) as caught:
        parse(sql)
    assert words in caught.value.message


def test_a_transform_that_is_not_written_is_named_as_it_was() -> None:
    statement = parse("CREATE MATERIALIZED VIEW v PARTITIONED BY (bucket(4, id)) AS SELECT 1 AS id")
    assert isinstance(statement, Create)
    assert statement.partitioned_by == (LayoutTerm("bucket", "4, id"),)


def test_names_are_completed_by_the_session_s_defaults() -> None:
    assert identified(("v",), "c", "s") == TableIdentifier("c", "s", "v")
    assert identified(("t", "v"), "c", "s") == TableIdentifier("c", "t", "v")
    assert identified(("d", "t", "v"), "", "") == TableIdentifier("d", "t", "v")
    with pytest.raises(InvalidSql, match="no schema"):
        identified(("v",), "c", "")
    with pytest.raises(InvalidSql, match="no catalog"):
        identified(("s", "v"), "", "")
