"""What GetSqlInfo and GetXdbcTypeInfo claim about SQL, tried out on the engine."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from datafusion import SessionContext

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.flightsql.server_info import server_info
from flightlake.flightsql.sql_info import SqlInfoValue
from flightlake.flightsql.xdbc_types import TYPES

SQL_NAMES = {
    pb.SQL_CONVERT_BIGINT: "BIGINT",
    pb.SQL_CONVERT_BIT: "BOOLEAN",
    pb.SQL_CONVERT_CHAR: "CHAR",
    pb.SQL_CONVERT_DATE: "DATE",
    pb.SQL_CONVERT_DECIMAL: "DECIMAL(10,2)",
    pb.SQL_CONVERT_FLOAT: "FLOAT",
    pb.SQL_CONVERT_INTEGER: "INTEGER",
    pb.SQL_CONVERT_NUMERIC: "NUMERIC(10,2)",
    pb.SQL_CONVERT_REAL: "REAL",
    pb.SQL_CONVERT_SMALLINT: "SMALLINT",
    pb.SQL_CONVERT_TIME: "TIME",
    pb.SQL_CONVERT_TIMESTAMP: "TIMESTAMP",
    pb.SQL_CONVERT_TINYINT: "TINYINT",
    pb.SQL_CONVERT_VARBINARY: "BYTEA",
    pb.SQL_CONVERT_VARCHAR: "VARCHAR",
}


@pytest.fixture(scope="module")
def engine() -> SessionContext:
    return SessionContext()


@pytest.fixture(scope="module")
def info() -> Mapping[int, SqlInfoValue]:
    return server_info(
        version="",
        arrow_version="",
        keywords=[],
        numeric_functions=[],
        string_functions=[],
        system_functions=[],
        datetime_functions=[],
        statement_bytes=1,
        prepared_lifetime=timedelta(hours=1),
    )


def test_every_conversion_claimed_is_one_the_engine_makes(
    engine: SessionContext, info: Mapping[int, SqlInfoValue]
) -> None:
    conversions = info[pb.SQL_SUPPORTS_CONVERT]
    assert isinstance(conversions, Mapping)
    for source, targets in conversions.items():
        casts = ", ".join(
            f"CAST(x AS {SQL_NAMES[target]}) AS c{number}" for number, target in enumerate(targets)
        )
        sql = f"SELECT {casts} FROM (VALUES (CAST(NULL AS {SQL_NAMES[source]}))) AS t(x)"
        assert len(engine.sql(sql).to_pylist()) == 1


@pytest.mark.parametrize("name", [entry.type_name for entry in TYPES])
def test_every_type_listed_is_one_the_engine_casts_to(engine: SessionContext, name: str) -> None:
    assert engine.sql(f"SELECT CAST(NULL AS {name}) AS x").to_pylist() == [{"x": None}]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATE", "2020-01-02"),
        ("TIME", "12:00:00"),
        ("TIMESTAMP", "2020-01-02 12:00:00"),
        ("TIMESTAMP WITH TIME ZONE", "2020-01-02 12:00:00+00:00"),
        ("INTERVAL", "1 day"),
        ("VARCHAR", "it"),
        ("BYTEA", "00ff"),
    ],
)
def test_literal_prefix_and_suffix_make_a_literal(
    engine: SessionContext, name: str, value: str
) -> None:
    (entry,) = (entry for entry in TYPES if entry.type_name == name)
    sql = f"SELECT {entry.literal_prefix}{value}{entry.literal_suffix} AS x"
    assert engine.sql(sql).to_pylist()[0]["x"] is not None


@pytest.mark.parametrize(
    ("code", "sql", "expected"),
    [
        (pb.SQL_NULL_PLUS_NULL_IS_NULL, "SELECT 'a' || NULL AS x", [None]),
        (pb.SQL_SUPPORTS_COLUMN_ALIASING, "SELECT 1 AS x", [1]),
        (pb.SQL_SUPPORTS_LIKE_ESCAPE_CLAUSE, r"SELECT 'a_b' LIKE 'a\_b' ESCAPE '\' AS x", [True]),
        (pb.SQL_SUPPORTS_TABLE_CORRELATION_NAMES, "SELECT t.x FROM (SELECT 1 AS x) AS t", [1]),
        (
            pb.SQL_SUPPORTS_EXPRESSIONS_IN_ORDER_BY,
            "SELECT x FROM (VALUES (1), (2)) AS t(x) ORDER BY -x",
            [2, 1],
        ),
        (
            pb.SQL_SUPPORTS_ORDER_BY_UNRELATED,
            "SELECT x FROM (VALUES (1, 2), (2, 1)) AS t(x, y) ORDER BY y",
            [2, 1],
        ),
        (
            pb.SQL_CORRELATED_SUBQUERIES_SUPPORTED,
            "SELECT x FROM (VALUES (1), (2)) AS t(x) WHERE EXISTS "
            "(SELECT 1 FROM (VALUES (2)) AS u(y) WHERE y = x)",
            [2],
        ),
    ],
)
def test_a_claimed_capability_works(
    engine: SessionContext,
    info: Mapping[int, SqlInfoValue],
    code: int,
    sql: str,
    expected: list[object],
) -> None:
    assert info[code] is True
    assert [row["x"] for row in engine.sql(sql).to_pylist()] == expected


def test_nulls_sort_as_the_highest_value(
    engine: SessionContext, info: Mapping[int, SqlInfoValue]
) -> None:
    assert info[pb.SQL_NULL_ORDERING] == pb.SQL_NULLS_SORTED_HIGH
    rows = "SELECT x FROM (VALUES (1), (NULL), (2)) AS t(x) ORDER BY x"
    assert [row["x"] for row in engine.sql(rows).to_pylist()] == [1, 2, None]
    assert [row["x"] for row in engine.sql(rows + " DESC").to_pylist()] == [None, 2, 1]


def test_the_extra_name_characters_need_no_quotes(
    engine: SessionContext, info: Mapping[int, SqlInfoValue]
) -> None:
    for character in str(info[pb.SQL_EXTRA_NAME_CHARACTERS]):
        name = f"a{character}b"
        assert engine.sql(f"SELECT 1 AS {name}").to_pylist() == [{name: 1}]


def test_unquoted_names_become_lower_case(
    engine: SessionContext, info: Mapping[int, SqlInfoValue]
) -> None:
    assert info[pb.SQL_IDENTIFIER_CASE] == pb.SQL_CASE_SENSITIVITY_LOWERCASE
    quote = info[pb.SQL_IDENTIFIER_QUOTE_CHAR]
    assert engine.sql(f"SELECT 1 AS Xy, 2 AS {quote}Xy{quote}").to_pylist() == [{"xy": 1, "Xy": 2}]
