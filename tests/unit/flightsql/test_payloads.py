"""What handles hold."""

import pyarrow as pa
import pytest

from flightlake.errors import NotFound
from flightlake.flightsql.payloads import (
    Pin,
    PreparedStatement,
    Statement,
    decode_prepared,
    decode_statement,
    encode_prepared,
    encode_statement,
)
from flightlake.names import TableIdentifier

FULL = Statement(
    id="q-1",
    sql="SELECT * FROM ü WHERE x = ?",
    catalog="lake",
    db_schema="bronze.inventory",
    subject="alice",
    session_id="s-1",
    pins={
        TableIdentifier("lake", "bronze", "orders"): Pin(2**63 - 1, 3),
        TableIdentifier("lake", "bronze", "empty"): Pin(None),
        TableIdentifier("lake", "bronze", "zero"): Pin(0, 0),
    },
    parameters=b"ARROW",
)


@pytest.mark.parametrize(
    "statement", [FULL, Statement("q", "SELECT 1"), Statement("q", "SELECT 1", parameters=b"")]
)
def test_a_statement_comes_back(statement: Statement) -> None:
    assert decode_statement(encode_statement(statement)) == statement


def test_a_prepared_statement_comes_back() -> None:
    schema = pa.schema([("", pa.int64()), ("", pa.decimal128(10, 2))])
    prepared = PreparedStatement(FULL, schema)
    assert decode_prepared(encode_prepared(prepared)) == prepared


def test_a_statement_without_parameters_has_an_empty_schema() -> None:
    prepared = PreparedStatement(FULL, pa.schema([]))
    assert decode_prepared(encode_prepared(prepared)).parameter_schema == pa.schema([])


def test_a_small_statement_makes_a_small_payload() -> None:
    assert len(encode_statement(Statement("q", "SELECT 1"))) < 20


def test_a_payload_of_another_release_is_refused() -> None:
    with pytest.raises(NotFound, match="made by another release"):
        decode_statement(b"\x0a\xff")
    with pytest.raises(NotFound, match="made by another release"):
        decode_prepared(b"\x12\x03abc")
