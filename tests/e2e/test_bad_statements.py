"""Every statement that cannot run, as text and prepared: the right status and one sentence."""

import re
from collections.abc import Iterator

import grpc
import pytest

from flightlake._proto import FlightSql_pb2 as pb
from tests.e2e.conftest import one_sentence
from tests.fix_raw_client import RawClient

ONE = [{"x": 1}]
INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
UNSUPPORTED = grpc.StatusCode.UNIMPLEMENTED
DENIED = grpc.StatusCode.PERMISSION_DENIED
UNKNOWN_CALLER = grpc.StatusCode.UNAUTHENTICATED
DOWN = grpc.StatusCode.UNAVAILABLE
DAMAGED = grpc.StatusCode.DATA_LOSS


@pytest.fixture(autouse=True)
def lives_on(client: RawClient) -> Iterator[None]:
    """The server answers after each bad input, and tells nobody a secret."""
    yield
    assert client.read("SELECT 1 AS x").to_pylist() == ONE


STATEMENTS = {
    "unknown table": (
        "SELECT * FROM lake.shop.ordrs",
        NOT_FOUND,
        "table lake.shop.ordrs does not exist; did you mean 'orders'?",
    ),
    "unknown schema": ("SELECT * FROM lake.shpo.orders", NOT_FOUND, "did you mean 'shop'?"),
    "unknown catalog": ("SELECT * FROM lkae.shop.orders", NOT_FOUND, "catalog 'lkae' does not"),
    "unknown column": (
        "SELECT itme FROM lake.shop.orders",
        INVALID,
        "column itme does not exist; did you mean 'item'?",
    ),
    "unknown column of an alias": ("SELECT o.prise FROM shop.orders o", INVALID, "'price'"),
    "unknown function": ("SELECT lowerr('A')", INVALID, "lower"),
    "syntax": ("SELECT id\nFROM shop.orders WHEER id = 1", INVALID, "at line 2, column 24"),
    "syntax behind a parameter": ("SELECT ? AS a, 1 AS b FORM x", INVALID, "at line 1, column 23"),
    "open quote": ("SELECT 'a", INVALID, "at line 1, column 8"),
    "nothing": (" -- nothing", INVALID, "the statement is empty"),
    "two statements": ("SELECT 1; SELECT 2", INVALID, "only one statement"),
    "types": ("SELECT 'a' + DATE '2020-01-01' FROM shop.orders", INVALID, ""),
    "division by zero": ("SELECT 1 / (id - id) FROM shop.orders", INVALID, "ivide by zero"),
    "bad cast": ("SELECT CAST(item AS INT) FROM shop.orders", INVALID, "ale"),
    "insert": ("INSERT INTO shop.orders VALUES (1, 'a', 1)", UNSUPPORTED, "only reads"),
    "create": ("CREATE TABLE shop.t (x INT)", UNSUPPORTED, "only reads"),
    "create external": (
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        UNSUPPORTED,
        "CREATE is not available",
    ),
    "copy": ("COPY (SELECT 1) TO '/tmp/x.csv'", DENIED, "COPY is not available"),
    "copy in explain": ("EXPLAIN COPY (SELECT 1) TO '/tmp/x.csv'", DENIED, "COPY"),
    "create in explain": (
        "EXPLAIN CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        UNSUPPORTED,
        "CREATE is not available",
    ),
    "set": ("SET datafusion.catalog.information_schema = true", DENIED, "SET is not available"),
    "set in explain": (
        "EXPLAIN ANALYZE VERBOSE SET datafusion.execution.batch_size = 1",
        DENIED,
        "SET",
    ),
    "local path": ("SELECT * FROM '/etc/passwd'", NOT_FOUND, ""),
    "quoted path": ('SELECT * FROM "/etc/passwd.csv"', NOT_FOUND, ""),
    "quoted URL": ('SELECT * FROM "file:///etc/passwd.parquet"', NOT_FOUND, ""),
    "read_csv": ("SELECT * FROM read_csv('/etc/passwd')", INVALID, "read_csv"),
    "parquet_metadata": ("SELECT * FROM parquet_metadata('/etc/x.parquet')", INVALID, ""),
    "transaction": ("BEGIN", UNSUPPORTED, "autocommit"),
    "parameter without value": ("SELECT ?", INVALID, "1 parameters and none are bound"),
    "dead REST catalog": ("SELECT * FROM gone.a.b", DOWN, "catalog 'gone' does not answer"),
    "dead database": ("SELECT * FROM lost.a.b", DOWN, "catalog 'lost' does not answer"),
    "missing deletes": ("SELECT * FROM shop.lost_deletes", DAMAGED, "delete file of table"),
    "count with missing deletes": ("SELECT count(*) FROM shop.lost_deletes", DAMAGED, "missing"),
    "missing file": (
        "SELECT * FROM shop.missing_file",
        DAMAGED,
        "table lake.shop.missing_file is missing",
    ),
    "count of a missing file": ("SELECT count(*) FROM shop.missing_file", DAMAGED, "missing"),
    "limit 0 of a missing file": ("SELECT id FROM shop.missing_file LIMIT 1", DAMAGED, "missing"),
    "broken footer": (
        "SELECT * FROM shop.broken_footer",
        DAMAGED,
        "broken_footer has a broken footer",
    ),
    "too long": (f"SELECT '{'x' * 1_000_001}'", INVALID, "limits.statement_bytes"),
}


# Of the first, a plain statement lacks the values before anybody looks further; the second can
# be prepared.
NOT_BOTH = {"syntax behind a parameter", "parameter without value"}


@pytest.mark.parametrize("name", sorted(set(STATEMENTS) - {"syntax behind a parameter"}))
def test_a_statement_that_cannot_run_is_refused_in_a_sentence(client: RawClient, name):
    sql, code, part = STATEMENTS[name]
    found, message = client.refused(lambda: client.read(sql))
    one_sentence(message.replace("file:///etc/passwd.parquet", ""))  # what the client sent
    assert found is code, message
    assert part in message


@pytest.mark.parametrize("name", sorted(set(STATEMENTS) - NOT_BOTH))
def test_the_same_holds_for_a_prepared_statement(client: RawClient, name):
    sql, code, part = STATEMENTS[name]

    def prepare_and_read():
        handle = client.prepare(sql).prepared_statement_handle
        client.read(pb.CommandPreparedStatementQuery(prepared_statement_handle=handle))

    found, message = client.refused(prepare_and_read)
    one_sentence(message.replace("file:///etc/passwd.parquet", ""))  # what the client sent
    assert found is code, message
    assert part in message


def test_a_syntax_error_behind_a_parameter_has_its_position(client: RawClient):
    sql, code, part = STATEMENTS["syntax behind a parameter"]
    found, message = client.refused(lambda: client.prepare(sql))
    assert (found, part in message) == (code, True), message


@pytest.mark.parametrize("form", ["", "VERBOSE", "ANALYZE", "ANALYZE VERBOSE", "FORMAT TREE"])
def test_explain_tells_no_paths(client: RawClient, form):
    sql = "SELECT item, sum(price) FROM shop.orders o JOIN shop.numbers ON n = id GROUP BY item"
    said = str(client.read(f"EXPLAIN {form} {sql}").to_pydict())
    assert "orders" in said or "DataSource" in said
    assert not re.search(r"canary|\.parquet|file:|/tmp", said), said
