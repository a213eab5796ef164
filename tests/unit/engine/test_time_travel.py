"""Time travel in a statement's text: what the engine is given for it."""

from datetime import UTC, datetime

import pytest

from flightlake.engine.sql_tokens import tokens
from flightlake.engine.time_travel import Wanted, decode, rewrite
from flightlake.errors import InvalidSql
from flightlake.lake.versions import TimestampAsOf, VersionAsOf
from flightlake.names import AS_OF_MARK, TableIdentifier


def rewritten(sql: str) -> str:
    return rewrite(sql, list(tokens(sql))).replace(AS_OF_MARK, "@")


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        (
            "SELECT * FROM orders FOR VERSION AS OF 5 WHERE x",
            'SELECT * FROM "orders@VERSION AS OF 5" AS "orders" WHERE x',
        ),
        (
            "SELECT * FROM orders VERSION AS OF 'audit'",
            'SELECT * FROM "orders@VERSION AS OF \'audit\'" AS "orders"',
        ),
        (
            'SELECT * FROM a.b."Or ders" FOR VERSION AS OF 1234567890123456789 AS o',
            'SELECT * FROM a.b."Or ders@VERSION AS OF 1234567890123456789"      AS o',
        ),
        (
            "SELECT * FROM t FOR SYSTEM_VERSION AS OF 1 x, u FOR SYSTEM_VERSION AS OF 2",
            'SELECT * FROM "t@VERSION AS OF 1"           x, "u@VERSION AS OF 2" AS "u"   ',
        ),
        (
            "SELECT * FROM (t FOR VERSION AS OF 7)",
            'SELECT * FROM ("t@VERSION AS OF 7" AS "t")',
        ),
    ],
)
def test_a_version_becomes_part_of_the_name(sql: str, wanted: str) -> None:
    assert rewritten(sql).split() == wanted.split()


def test_what_stands_behind_keeps_its_position() -> None:
    sql = "SELECT * FROM t FOR SYSTEM_VERSION AS OF 1 x WHERE y"
    assert rewritten(sql).index("WHERE") == sql.index("WHERE")


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("'2026-01-31 12:00:00'", "2026-01-31T12:00:00+00:00"),
        ("'2026-01-31'", "2026-01-31T00:00:00+00:00"),
        ("TIMESTAMP '2026-01-31T12:00:00.5+02:00'", "2026-01-31T10:00:00.500000+00:00"),
        ("DATE '2026-01-31'", "2026-01-31T00:00:00+00:00"),
    ],
)
def test_a_timestamp_without_zone_is_in_utc(written: str, moment: str) -> None:
    text = rewritten(f"SELECT * FROM t FOR TIMESTAMP AS OF {written} x")
    assert text.split()[3:6] == ['"t@TIMESTAMP', "AS", "OF"]
    assert f"AS OF '{moment}'\"" in text


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT version AS of FROM t",
        "SELECT a, timestamp AS of FROM t",
        "SELECT 'FROM t FOR VERSION AS OF 5'",
        "SELECT 1 -- FROM t FOR VERSION AS OF 5",
        "SELECT * FROM version",
        "SELECT substring(a FROM 1 FOR 2)",
    ],
)
def test_other_uses_of_the_words_stay_as_they_are(sql: str) -> None:
    assert rewrite(sql, list(tokens(sql))) == sql


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t FOR VERSION AS OF main",
        "SELECT * FROM t FOR VERSION AS OF ?",
        "SELECT * FROM t FOR VERSION AS OF",
        "SELECT * FROM t FOR VERSION AS OF 1.5",
        "SELECT * FROM t FOR TIMESTAMP AS OF 12",
        "SELECT * FROM t FOR TIMESTAMP AS OF 'yesterday'",
    ],
)
def test_what_cannot_be_understood_is_refused(sql: str) -> None:
    with pytest.raises(InvalidSql, match=r"AS OF|timestamp"):
        rewritten(sql)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("orders", Wanted("orders")),
        ("orders$snapshots", Wanted("orders", None, "snapshots")),
        ("orders$other", Wanted("orders$other")),
        ("$snapshots", Wanted("$snapshots")),
        ("orders\x01VERSION AS OF 5", Wanted("orders", VersionAsOf(5))),
        ("orders\x01VERSION AS OF '5'", Wanted("orders", VersionAsOf("5"))),
        ("o$files\x01VERSION AS OF 'it''s'", Wanted("o", VersionAsOf("it''s"), "files")),
        (
            "o\x01TIMESTAMP AS OF '2026-01-31T12:00:00+00:00'",
            Wanted("o", TimestampAsOf(datetime(2026, 1, 31, 12, tzinfo=UTC))),
        ),
    ],
)
def test_a_name_says_what_is_wanted(name: str, wanted: Wanted) -> None:
    assert decode(name) == wanted


def test_a_name_with_a_version_is_shown_as_it_is_written() -> None:
    name = TableIdentifier("lake", "s", "orders\x01VERSION AS OF 5")
    assert str(name) == "lake.s.orders FOR VERSION AS OF 5"
