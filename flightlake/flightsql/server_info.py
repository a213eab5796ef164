"""What this server says of itself through GetSqlInfo.

JDBC drivers unbox every value they know, so every code of the specification has one.
Bit masks have bit *n* set for the enum value *n* (FlightSql.proto).
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.flightsql.patterns import ESCAPE
from flightlake.flightsql.sql_info import SqlInfoValue

_NO_LIMIT = 0


def server_info(
    *,
    version: str,
    arrow_version: str,
    keywords: Sequence[str],
    numeric_functions: Sequence[str],
    string_functions: Sequence[str],
    system_functions: Sequence[str],
    datetime_functions: Sequence[str],
    statement_bytes: int,
    prepared_lifetime: timedelta,
    read_only: bool = True,
) -> Mapping[int, SqlInfoValue]:
    """Return the value of every code.

    *keywords* and the function names come from the engine; *statement_bytes* is the longest
    statement accepted, *prepared_lifetime* how long a prepared handle holds; *read_only*
    whether no statement changes anything.
    """
    lifetime = min(int(prepared_lifetime.total_seconds() * 1000), 2**31 - 1)
    return MappingProxyType(
        {
            **_CAPABILITIES,
            **_SYNTAX,
            **_TERMS,
            **_LIMITS,
            **_TRANSACTIONS,
            **_RESULTS,
            pb.FLIGHT_SQL_SERVER_READ_ONLY: read_only,
            pb.FLIGHT_SQL_SERVER_VERSION: version,
            pb.FLIGHT_SQL_SERVER_ARROW_VERSION: arrow_version,
            pb.FLIGHT_SQL_SERVER_STATEMENT_TIMEOUT: lifetime,
            pb.SQL_KEYWORDS: tuple(keywords),
            pb.SQL_NUMERIC_FUNCTIONS: tuple(numeric_functions),
            pb.SQL_STRING_FUNCTIONS: tuple(string_functions),
            pb.SQL_SYSTEM_FUNCTIONS: tuple(system_functions),
            pb.SQL_DATETIME_FUNCTIONS: tuple(datetime_functions),
            pb.SQL_MAX_STATEMENT_LENGTH: statement_bytes,
        }
    )


def _bits(*values: int) -> int:
    return sum(1 << value for value in set(values))


def _conversions() -> dict[int, tuple[int, ...]]:
    """Return what CAST turns into what (``SqlSupportsConvert`` numbers)."""
    exact = (pb.SQL_CONVERT_DECIMAL, pb.SQL_CONVERT_NUMERIC)
    binary = (
        pb.SQL_CONVERT_BIGINT,
        pb.SQL_CONVERT_FLOAT,
        pb.SQL_CONVERT_INTEGER,
        pb.SQL_CONVERT_REAL,
        pb.SQL_CONVERT_SMALLINT,
        pb.SQL_CONVERT_TINYINT,
    )
    texts = (pb.SQL_CONVERT_CHAR, pb.SQL_CONVERT_VARCHAR)
    truth = (pb.SQL_CONVERT_BIT,)
    moments: dict[int, tuple[int, ...]] = {
        pb.SQL_CONVERT_DATE: (pb.SQL_CONVERT_DATE, pb.SQL_CONVERT_TIMESTAMP),
        pb.SQL_CONVERT_TIME: (pb.SQL_CONVERT_TIME,),
        pb.SQL_CONVERT_TIMESTAMP: (
            pb.SQL_CONVERT_DATE,
            pb.SQL_CONVERT_TIME,
            pb.SQL_CONVERT_TIMESTAMP,
        ),
    }
    raw = (pb.SQL_CONVERT_VARBINARY,)
    return {
        **dict.fromkeys(exact, (*exact, *binary, *texts)),
        **dict.fromkeys(binary, (*exact, *binary, *texts, *truth)),
        **dict.fromkeys(truth, (*binary, *texts, *truth)),
        **dict.fromkeys(texts, (*exact, *binary, *texts, *truth, *moments, *raw)),
        **{source: (*targets, *texts) for source, targets in moments.items()},
        **dict.fromkeys(raw, (*texts, *raw)),
    }


_CAPABILITIES: dict[int, SqlInfoValue] = {
    pb.FLIGHT_SQL_SERVER_NAME: "flightlake",
    pb.FLIGHT_SQL_SERVER_SQL: True,
    pb.FLIGHT_SQL_SERVER_SUBSTRAIT: False,
    # "null if not supported", says the specification, of a column that cannot be null.
    pb.FLIGHT_SQL_SERVER_SUBSTRAIT_MIN_VERSION: "",
    pb.FLIGHT_SQL_SERVER_SUBSTRAIT_MAX_VERSION: "",
    pb.FLIGHT_SQL_SERVER_TRANSACTION: pb.SQL_SUPPORTED_TRANSACTION_NONE,
    pb.FLIGHT_SQL_SERVER_CANCEL: True,
    pb.FLIGHT_SQL_SERVER_BULK_INGESTION: False,
    pb.FLIGHT_SQL_SERVER_INGEST_TRANSACTIONS_SUPPORTED: False,
    pb.FLIGHT_SQL_SERVER_TRANSACTION_TIMEOUT: 0,
    pb.SQL_DDL_CATALOG: False,
    pb.SQL_DDL_SCHEMA: False,
    pb.SQL_DDL_TABLE: False,
    # A table that needs what this release cannot read is listed, and refused when read.
    pb.SQL_ALL_TABLES_ARE_SELECTABLE: False,
    pb.SQL_STORED_PROCEDURES_SUPPORTED: False,
    pb.SQL_STORED_FUNCTIONS_USING_CALL_SYNTAX_SUPPORTED: False,
    pb.SQL_SELECT_FOR_UPDATE_SUPPORTED: False,
    pb.SQL_SUPPORTED_POSITIONED_COMMANDS: _bits(),
    pb.SQL_SUPPORTS_INTEGRITY_ENHANCEMENT_FACILITY: False,
    pb.SQL_NAMED_PARAMETERS_SUPPORTED: False,
    pb.SQL_BATCH_UPDATES_SUPPORTED: False,
    pb.SQL_LOCATORS_UPDATE_COPY: False,
}

_SYNTAX: dict[int, SqlInfoValue] = {
    pb.SQL_IDENTIFIER_CASE: pb.SQL_CASE_SENSITIVITY_LOWERCASE,
    pb.SQL_IDENTIFIER_QUOTE_CHAR: '"',
    # Quoted names keep their case and it counts; the enum has no word for that.
    pb.SQL_QUOTED_IDENTIFIER_CASE: pb.SQL_CASE_SENSITIVITY_UNKNOWN,
    pb.SQL_NULL_ORDERING: pb.SQL_NULLS_SORTED_HIGH,
    pb.SQL_SEARCH_STRING_ESCAPE: ESCAPE,
    pb.SQL_EXTRA_NAME_CHARACTERS: "#$@",
    pb.SQL_SUPPORTS_COLUMN_ALIASING: True,
    pb.SQL_NULL_PLUS_NULL_IS_NULL: True,
    pb.SQL_SUPPORTS_CONVERT: _conversions(),
    pb.SQL_SUPPORTS_TABLE_CORRELATION_NAMES: True,
    pb.SQL_SUPPORTS_DIFFERENT_TABLE_CORRELATION_NAMES: False,
    pb.SQL_SUPPORTS_EXPRESSIONS_IN_ORDER_BY: True,
    pb.SQL_SUPPORTS_ORDER_BY_UNRELATED: True,
    pb.SQL_SUPPORTED_GROUP_BY: _bits(pb.SQL_GROUP_BY_UNRELATED, pb.SQL_GROUP_BY_BEYOND_SELECT),
    pb.SQL_SUPPORTS_LIKE_ESCAPE_CLAUSE: True,
    pb.SQL_SUPPORTS_NON_NULLABLE_COLUMNS: True,
    pb.SQL_SUPPORTED_GRAMMAR: _bits(pb.SQL_MINIMUM_GRAMMAR, pb.SQL_CORE_GRAMMAR),
    pb.SQL_ANSI92_SUPPORTED_LEVEL: _bits(pb.ANSI92_ENTRY_SQL),
    pb.SQL_OUTER_JOINS_SUPPORT_LEVEL: pb.SQL_FULL_OUTER_JOINS,
    pb.SQL_SUPPORTED_SUBQUERIES: _bits(
        pb.SQL_SUBQUERIES_IN_COMPARISONS, pb.SQL_SUBQUERIES_IN_EXISTS, pb.SQL_SUBQUERIES_IN_INS
    ),
    pb.SQL_CORRELATED_SUBQUERIES_SUPPORTED: True,
    pb.SQL_SUPPORTED_UNIONS: _bits(pb.SQL_UNION, pb.SQL_UNION_ALL),
}

_TERMS: dict[int, SqlInfoValue] = {
    pb.SQL_SCHEMA_TERM: "schema",
    pb.SQL_PROCEDURE_TERM: "procedure",
    pb.SQL_CATALOG_TERM: "catalog",
    pb.SQL_CATALOG_AT_START: True,
    pb.SQL_SCHEMAS_SUPPORTED_ACTIONS: _bits(),
    pb.SQL_CATALOGS_SUPPORTED_ACTIONS: _bits(),
}

_LIMITS: dict[int, SqlInfoValue] = {
    **dict.fromkeys(range(pb.SQL_MAX_BINARY_LITERAL_LENGTH, pb.SQL_MAX_ROW_SIZE + 1), _NO_LIMIT),
    pb.SQL_MAX_ROW_SIZE_INCLUDES_BLOBS: False,
    **dict.fromkeys(range(pb.SQL_MAX_STATEMENTS, pb.SQL_MAX_USERNAME_LENGTH + 1), _NO_LIMIT),
}

_TRANSACTIONS: dict[int, SqlInfoValue] = {
    pb.SQL_DEFAULT_TRANSACTION_ISOLATION: pb.SQL_TRANSACTION_NONE,
    pb.SQL_TRANSACTIONS_SUPPORTED: False,
    pb.SQL_SUPPORTED_TRANSACTIONS_ISOLATION_LEVELS: _bits(pb.SQL_TRANSACTION_NONE),
    pb.SQL_DATA_DEFINITION_CAUSES_TRANSACTION_COMMIT: False,
    pb.SQL_DATA_DEFINITIONS_IN_TRANSACTIONS_IGNORED: False,
    pb.SQL_SAVEPOINTS_SUPPORTED: False,
}

_RESULTS: dict[int, SqlInfoValue] = {
    pb.SQL_SUPPORTED_RESULT_SET_TYPES: _bits(pb.SQL_RESULT_SET_TYPE_FORWARD_ONLY),
    pb.SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_UNSPECIFIED: _bits(),
    pb.SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_FORWARD_ONLY: _bits(
        pb.SQL_RESULT_SET_CONCURRENCY_READ_ONLY
    ),
    pb.SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_SCROLL_SENSITIVE: _bits(),
    pb.SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_SCROLL_INSENSITIVE: _bits(),
}
