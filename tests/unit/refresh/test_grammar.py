"""Statements about materialized views are known by their head, and refused where they ask more."""

from datetime import timedelta

import pytest

from flightlake.errors import InvalidSql, Unsupported
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.names import TableIdentifier
from flightlake.refresh.grammar import is_view_statement, parse
from flightlake.refresh.policy import OnChange, Policy
from flightlake.refresh.schedules import Cron, Every
from flightlake.refresh.statements import (
    Alter,
    CancelRefresh,
    Create,
    Describe,
    Drop,
    ExplainRefresh,
    Refresh,
    RefreshAll,
    ShowAll,
    ShowCreate,
    Verify,
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
        # As names are written in answers, without quotes.
        (
            "CREATE MATERIALIZED VIEW a.table.select AS SELECT 1",
            Create(("a", "table", "select"), "SELECT 1"),
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
        (
            "create materialized view v initialize = on_schedule refresh_mode = incremental as"
            " SELECT 1",
            Create(("v",), "SELECT 1", mode="INCREMENTAL", on_schedule=True),
        ),
        (
            "CREATE MATERIALIZED VIEW v TARGET_LAG = '1 hour 30 minutes' ON CHANGE AT MOST EVERY"
            " '1 minute' SCHEDULE = 'cron 0 3 * * mon' AT TIME ZONE 'Europe/Paris' COMMENT 'it''s'"
            " WITH (timeout = '5 m', suspend_after = 3, priority = 2) AS SELECT 1",
            Create(
                ("v",),
                "SELECT 1",
                policy=Policy(
                    target_lag=timedelta(minutes=90),
                    schedule=Cron("0 3 * * MON", "Europe/Paris"),
                    on_change=OnChange(timedelta(minutes=1)),
                    comment="it's",
                    timeout=timedelta(minutes=5),
                    suspend_after=3,
                    priority=2,
                ),
            ),
        ),
        (
            "CREATE MATERIALIZED VIEW v TARGET_LAG = DOWNSTREAM SCHEDULE = 'every 15 minutes' AS"
            " SELECT 1",
            Create(
                ("v",),
                "SELECT 1",
                policy=Policy(downstream=True, schedule=Every(timedelta(minutes=15))),
            ),
        ),
        ("REFRESH MATERIALIZED VIEW a.v", Refresh((("a", "v"),))),
        (
            "refresh /* now */ materialized -- please\n view a, b.c full;",
            Refresh((("a",), ("b", "c")), full=True),
        ),
        ("REFRESH MATERIALIZED VIEW v ASYNC", Refresh((("v",),), asynchronous=True)),
        ("REFRESH MATERIALIZED VIEW v FULL ASYNC", Refresh((("v",),), True, True)),
        ("refresh materialized views in gold;", RefreshAll(("gold",))),
        ("REFRESH MATERIALIZED VIEWS IN lake.gold FULL", RefreshAll(("lake", "gold"), full=True)),
        ("CANCEL REFRESH 'it''s'", CancelRefresh("it's")),
        ("EXPLAIN REFRESH MATERIALIZED VIEW v", ExplainRefresh(("v",))),
        ("EXPLAIN REFRESH MATERIALIZED VIEW a.v FULL", ExplainRefresh(("a", "v"), True)),
        ("VERIFY MATERIALIZED VIEW v", Verify(("v",))),
        ("VERIFY MATERIALIZED VIEW v REPAIR", Verify(("v",), True)),
        ("ALTER MATERIALIZED VIEW v SUSPEND", Alter(("v",), "SUSPEND")),
        ("ALTER MATERIALIZED VIEW a.v RESUME;", Alter(("a", "v"), "RESUME")),
        ("ALTER MATERIALIZED VIEW v RENAME TO b.w", Alter(("v",), "RENAME", ("b", "w"))),
        (
            "ALTER MATERIALIZED VIEW v SET (target_lag = '1 m', priority = 3, on_change = FALSE)",
            Alter(
                ("v",),
                "SET",
                values={
                    "target_lag": timedelta(minutes=1),
                    "downstream": False,
                    "priority": 3,
                    "on_change": None,
                },
            ),
        ),
        (
            "ALTER MATERIALIZED VIEW v UNSET (target_lag, refresh_mode)",
            Alter(("v",), "UNSET", fields=("target_lag", "downstream", "mode")),
        ),
        ("DROP MATERIALIZED VIEW v", Drop(("v",))),
        ("DROP MATERIALIZED VIEW v CASCADE", Drop(("v",), cascade=True)),
        ("DROP MATERIALIZED VIEW IF EXISTS v KEEP TABLE", Drop(("v",), True, True)),
        ("SHOW MATERIALIZED VIEWS", ShowAll()),
        ("SHOW MATERIALIZED VIEWS IN gold LIKE 'a%'", ShowAll(("gold",), "a%")),
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
        ("CREATE MATERIALIZED VIEW v WITH (max_full_bytes = 1) AS SELECT 1", "MAX_FULL_BYTES"),
        ("CREATE MATERIALIZED VIEW v WITH (retries = 1) AS SELECT 1", "without end"),
        ("CREATE MATERIALIZED VIEW v (a, b) AS SELECT 1", "with AS"),
        ("CREATE MATERIALIZED VIEW v CLUSTERED BY (a) AS SELECT 1", "ORDER BY"),
        ("CREATE MATERIALIZED VIEW v ON STALE SERVE AS SELECT 1", "ON STALE"),
        ("REFRESH MATERIALIZED VIEW v INCREMENTAL", "by itself where that is right"),
        ("REFRESH MATERIALIZED VIEW v CASCADE UPSTREAM", "VIEWS IN"),
        ("REFRESH MATERIALIZED VIEW v WAIT '1 s'", "ASYNC"),
        ("REFRESH MATERIALIZED VIEW v WHERE a = 1", "whole view"),
        ("REFRESH MATERIALIZED VIEW v ON BRANCH b", "session option"),
        ("REFRESH MATERIALIZED VIEWS GROUP g", "IN and a schema"),
        ("EXPLAIN ANALYZE REFRESH MATERIALIZED VIEW v", "EXPLAIN REFRESH"),
        ("VERIFY MATERIALIZED VIEW v SAMPLE 5 PERCENT", "all rows"),
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
        ("CREATE MATERIALIZED VIEW v REFRESH_MODE = SOON AS SELECT 1", "AUTO, FULL or INCREMENTAL"),
        ("REFRESH MATERIALIZED VIEW", "the statement ends where a name"),
        ("REFRESH MATERIALIZED VIEW a b", "the end of the statement"),
        ("REFRESH MATERIALIZED VIEW a,", "the statement ends where a name"),
        ("DROP MATERIALIZED VIEW v KEEP", "TABLE"),
        ("SHOW MATERIALIZED VIEW", "VIEWS is expected"),
        ("DESCRIBE MATERIALIZED VIEW a; SELECT 1", "the end of the statement"),
        ("CREATE MATERIALIZED VIEW v TARGET_LAG = 5 AS SELECT 1", "DOWNSTREAM or NONE"),
        ("CREATE MATERIALIZED VIEW v TARGET_LAG = '5' AS SELECT 1", "a number and a unit"),
        ("CREATE MATERIALIZED VIEW v TARGET_LAG = '0 s' AS SELECT 1", "at least 1 second"),
        ("CREATE MATERIALIZED VIEW v TARGET_LAG = '9 years' AS SELECT 1", "'9 years'"),
        ("CREATE MATERIALIZED VIEW v SCHEDULE = 'daily' AS SELECT 1", "no schedule"),
        ("CREATE MATERIALIZED VIEW v SCHEDULE = 'cron * * 31 2 *' AS SELECT 1", "cron"),
        (
            "CREATE MATERIALIZED VIEW v SCHEDULE = 'cron 0 3 * * *' AT TIME ZONE 'Mars' AS"
            " SELECT 1",
            "'Mars' is no time zone",
        ),
        ("CREATE MATERIALIZED VIEW v WITH (tmeout = '1 h') AS SELECT 1", "did you mean timeout?"),
        ("CREATE MATERIALIZED VIEW v WITH (priority = -1) AS SELECT 1", "a whole number"),
        ("CREATE MATERIALIZED VIEW v WITH (suspend_after = 0) AS SELECT 1", "at least 1"),
        ("CREATE MATERIALIZED VIEW v WITH (target_lag = '1 m') AS SELECT 1", "no option"),
        (
            "CREATE MATERIALIZED VIEW v WITH (priority = 1, priority = 2) AS SELECT 1",
            "given twice",
        ),
        ("ALTER MATERIALIZED VIEW v", "SUSPEND, RESUME"),
        ("ALTER MATERIALIZED VIEW v SET (owner = 'me')", "no option 'owner'"),
        ("ALTER MATERIALIZED VIEW v UNSET (target_lag = NONE)", ") is expected"),
        ("CANCEL REFRESH x", "in single quotes"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(sql: str, words: str) -> None:
    with pytest.raises(InvalidSql) as caught:
        parse(sql)
    assert words in caught.value.message


def test_a_transform_that_is_not_written_is_named_as_it_was() -> None:
    statement = parse("CREATE MATERIALIZED VIEW v PARTITIONED BY (bucket(4, id)) AS SELECT 1 AS id")
    assert isinstance(statement, Create)
    assert statement.partitioned_by == (LayoutTerm("bucket[4]", "id"),)


def test_names_are_completed_by_the_session_s_defaults() -> None:
    assert identified(("v",), "c", "s") == TableIdentifier("c", "s", "v")
    assert identified(("t", "v"), "c", "s") == TableIdentifier("c", "t", "v")
    assert identified(("d", "t", "v"), "", "") == TableIdentifier("d", "t", "v")
    with pytest.raises(InvalidSql, match="no schema"):
        identified(("v",), "c", "")
    with pytest.raises(InvalidSql, match="no catalog"):
        identified(("s", "v"), "", "")
