"""However a statement about materialized views is spaced, commented, cased and quoted, it is read
as the same, and the query behind AS stays as it was written."""

from contextlib import suppress
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from flightlake.errors import FlightlakeError
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.refresh.durations import written
from flightlake.refresh.grammar import is_view_statement, parse
from flightlake.refresh.statements import (
    Alter,
    CancelRefresh,
    Create,
    Drop,
    ExplainRefresh,
    Refresh,
    RefreshAll,
    ShowAll,
    Verify,
    ViewStatement,
)

_gaps = st.lists(
    st.sampled_from(
        [" ", "\n", "\t", "-- it's a \"note;\n", "/* AS SELECT ; */", "/* /* in */ 'a */"]
    ),
    min_size=1,
    max_size=3,
).map("".join)
_names = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", min_codepoint=32),
    min_size=1,
    max_size=8,
)
_queries = st.sampled_from(
    [
        "SELECT 1",
        "SELECT ';' AS a, \"AS\" FROM t -- end\n WHERE x = 'AS'",
        "/* first */ WITH a AS (SELECT 1) SELECT * FROM a",
        "SELECT $$;$$ , `b` /* last */ FROM c",
        "VALUES (1), (2)",
    ]
)


@st.composite
def _written(draw: st.DrawFn, words: list[str]) -> str:
    """Return *words* with something between each two; those in capitals in any case."""
    text = draw(_gaps)
    for word in words:
        if word.isalpha() and draw(st.booleans()):
            word = "".join(draw(st.sampled_from([c, c.lower()])) for c in word)
        text += word + draw(_gaps)
    return text


def _quoted(name: str, mark: str) -> str:
    return mark + name.replace(mark, mark * 2) + mark


@st.composite
def _others(
    draw: st.DrawFn, name: tuple[str, ...], words: list[str]
) -> tuple[list[str], ViewStatement]:
    """Return the words of a statement about the view *name*, which is written as *words*."""
    text = draw(st.text(st.characters(codec="utf-8", min_codepoint=32), max_size=8))
    quoted = _quoted(text, "'")
    lag = draw(st.timedeltas(timedelta(seconds=1), timedelta(days=3660)))
    view = ["MATERIALIZED", "VIEW", *words]
    values = {"comment": text, "target_lag": lag, "downstream": False}
    setting = ["(", "comment", "=", quoted, ",", "target_lag", "=", f"'{written(lag)}'", ")"]
    found: list[tuple[list[str], ViewStatement]] = [
        (["ALTER", *view, "SUSPEND"], Alter(name, "SUSPEND")),
        (["ALTER", *view, "RESUME"], Alter(name, "RESUME")),
        (["ALTER", *view, "RENAME", "TO", *words], Alter(name, "RENAME", name)),
        (["ALTER", *view, "SET", *setting], Alter(name, "SET", values=values)),
        (
            ["ALTER", *view, "UNSET", "(", "schedule", ",", "priority", ")"],
            Alter(name, "UNSET", fields=("schedule", "priority")),
        ),
        (["CANCEL", "REFRESH", quoted], CancelRefresh(text)),
        (["EXPLAIN", "REFRESH", *view], ExplainRefresh(name)),
        (["VERIFY", *view, "REPAIR"], Verify(name, True)),
        (["REFRESH", "MATERIALIZED", "VIEWS", "IN", *words], RefreshAll(name)),
        (["SHOW", "MATERIALIZED", "VIEWS", "LIKE", quoted], ShowAll((), text)),
        (["DROP", *view, "CASCADE"], Drop(name, cascade=True)),
    ]
    return draw(st.sampled_from(found))


@st.composite
def _statements(draw: st.DrawFn) -> tuple[str, ViewStatement]:
    name = tuple(draw(st.lists(_names, min_size=1, max_size=3)))
    words: list[str] = []
    for part in name:
        words += [".", _quoted(part, draw(st.sampled_from('"`')))]
    words = words[1:]
    kind = draw(st.sampled_from(["create", "refresh", "drop", "other"]))
    end = draw(st.sampled_from(["", ";", " ; ;"]))
    if kind == "create":
        query = draw(_queries)
        column = draw(_names)
        layout = draw(st.booleans())
        terms = ["PARTITIONED", "BY", "(", "DAY", "(", _quoted(column, '"'), ")", ")"]
        head = ["CREATE", "MATERIALIZED", "VIEW", *words, *(terms if layout else [])]
        sql = draw(_written([*head, "AS"]))
        by = (LayoutTerm("day", column),) if layout else ()
        return sql + query + end, Create(name, query, partitioned_by=by)
    if kind == "refresh":
        full, later = draw(st.booleans()), draw(st.booleans())
        how = (["FULL"] if full else []) + (["ASYNC"] if later else [])
        head = ["REFRESH", "MATERIALIZED", "VIEW", *words, *how]
        return draw(_written(head)) + end, Refresh((name,), full, later)
    if kind == "other":
        head, statement = draw(_others(name, words))
        return draw(_written(head)) + end, statement
    keep = draw(st.booleans())
    head = ["DROP", "MATERIALIZED", "VIEW", *words, *(["KEEP", "TABLE"] if keep else [])]
    return draw(_written(head)) + end, Drop(name, keep_table=keep)


@settings(max_examples=200, deadline=None)
@given(_statements())
def test_a_statement_is_read_however_it_is_written(case: tuple[str, ViewStatement]) -> None:
    sql, expected = case
    assert is_view_statement(sql)
    found = parse(sql)
    if isinstance(expected, Create):
        assert isinstance(found, Create)
        assert (found.name, found.partitioned_by) == (expected.name, expected.partitioned_by)
        # The comments behind AS are part of it; those behind its last word are not.
        assert found.query.endswith(expected.query.rstrip())
        assert found.query in sql
    else:
        assert found == expected


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.text("'() ,=cronevy0123456789*/-LAST#", max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for head in (
        "",
        "CREATE MATERIALIZED VIEW ",
        "CREATE MATERIALIZED VIEW v SCHEDULE = ",
        "CREATE MATERIALIZED VIEW v TARGET_LAG = ",
        "CREATE MATERIALIZED VIEW v WITH (",
        "REFRESH MATERIALIZED VIEW v ",
        "ALTER MATERIALIZED VIEW v ",
        "ALTER MATERIALIZED VIEW v SET (",
        "SHOW MATERIALIZED VIEWS ",
        "CANCEL REFRESH ",
    ):
        sql = head + text
        if is_view_statement(sql):
            with suppress(FlightlakeError):
                parse(sql)
