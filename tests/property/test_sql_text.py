"""Any text is read or refused; the engine sees the same strings and parameters in it."""

import pytest
from datafusion import SessionContext
from hypothesis import given, settings
from hypothesis import strategies as st

from flightlake.engine.sql_text import original_position, read
from flightlake.engine.sql_tokens import tokens
from flightlake.errors import FlightlakeError

PIECES = [
    "?", "'", '"', "`", "$", "$1", "$$", "$a$", "--", "\n", "\r", "\r\n", "/*", "*/", "\\", "E'",
    "e'", "N'", "X'41'", "U&'", "''", ";", ",", "(", ")", "SELECT ", " FROM ", "a", "1", " ", "::",
    ":", "@", "LIMIT", "é", "日", "\x00", "\ufeff", "\u2019", "{", "}", "[", "]", "WITH ",
    "EXPLAIN ", " AS (", "CUBE(", "JOIN", "arrow_cast", "FixedSizeList(", "9999999999", "DISTINCT",
]  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)).flatmap(
    lambda text: st.sampled_from([text, "SELECT " + text])
)


@settings(max_examples=1500, deadline=None)
@given(TEXTS)
def test_any_text_is_read_or_refused_with_a_sentence(sql: str) -> None:
    try:
        text = read(sql)
    except FlightlakeError:
        return
    assert text.sql == sql
    for column in range(1, len(text.engine_sql) + 2):
        line, place = original_position(text, 1, column)
        assert line == 1
        assert 0 < place <= column


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_tokens_are_parts_of_the_text_in_order(sql: str) -> None:
    try:
        found = list(tokens(sql))
    except FlightlakeError:
        return
    for token in found:
        assert sql[token.start :].startswith(token.text)
    assert [token.start for token in found] == sorted({token.start for token in found})


QUOTED = st.one_of(
    st.text(st.sampled_from("?a'\\\n-/*$ é"), max_size=8).map(
        lambda inner: "'" + inner.replace("'", "''") + "'"
    ),
    st.text(st.sampled_from("?a\\-/* é"), max_size=8).map(
        lambda inner: "E'" + inner.replace("\\", "\\\\").replace("'", "\\'") + "'"
    ),
    st.text(st.sampled_from("?a'\"-/* é"), max_size=8).map(lambda inner: f"$x${inner}$x$"),
    st.text(st.sampled_from("?a'-/* "), max_size=8).map(lambda inner: f"$${inner}$$"),
)
COMMENTS = st.sampled_from(
    [" ", "\n", " -- ? '\n", " /* ? ' */ ", " /* /* ? */ ' */ ", "\t--\r?\n", " --?\r\n", ""]
)


@pytest.fixture(scope="module")
def engine() -> SessionContext:
    return SessionContext()


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(st.tuples(QUOTED | st.just("?"), COMMENTS), min_size=1, max_size=6))
def test_the_engine_sees_a_parameter_where_we_do_and_every_string_unchanged(
    engine: SessionContext, parts: list[tuple[str, str]]
) -> None:
    sql = "SELECT " + ", ".join(
        f"{part}{comment} AS c{n}" for n, (part, comment) in enumerate(parts)
    )
    text = read(sql)
    asked = [part == "?" for part, _ in parts]
    assert text.parameters == sum(asked)
    values = {str(number): f"value {number}" for number in range(1, text.parameters + 1)}
    got = engine.sql(text.engine_sql, param_values=values or None).to_pylist()[0]
    alone = [
        engine.sql(f"SELECT {part} AS c").to_pylist()[0]["c"] for part, _ in parts if part != "?"
    ]
    bound, strings = iter(values.values()), iter(alone)
    assert list(got.values()) == [next(bound if asks else strings) for asks in asked]
