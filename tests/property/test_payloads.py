"""What goes into a handle comes out of it."""

from hypothesis import given
from hypothesis import strategies as st

from flightlake.errors import NotFound
from flightlake.flightsql.payloads import Pin, Statement, decode_statement, encode_statement
from flightlake.names import TableIdentifier

TEXT = st.text(max_size=20)
TABLES = st.builds(TableIdentifier, TEXT, TEXT, TEXT)
PINS = st.builds(
    Pin,
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.integers(-(2**31), 2**31 - 1),
)
STATEMENTS = st.builds(
    Statement,
    id=TEXT,
    sql=TEXT,
    catalog=TEXT,
    db_schema=TEXT,
    subject=TEXT,
    session_id=TEXT,
    pins=st.dictionaries(TABLES, PINS, max_size=5),
    parameters=st.none() | st.binary(max_size=50),
)


@given(statement=STATEMENTS)
def test_any_statement_comes_back(statement: Statement) -> None:
    assert decode_statement(encode_statement(statement)) == statement


@given(payload=st.binary(max_size=100))
def test_arbitrary_bytes_are_a_statement_or_refused(payload: bytes) -> None:
    try:
        result: Statement | NotFound = decode_statement(payload)
    except NotFound as error:
        result = error
    assert isinstance(result, Statement | NotFound)
