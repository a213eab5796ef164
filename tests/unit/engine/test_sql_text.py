"""What a statement is told to be, and what becomes of its parameters."""

import pytest

from flightlake.engine.sql_text import Kind, original_position, read
from flightlake.errors import InvalidSql, NotPermitted, Unsupported


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT 1", Kind.SELECT),
        ("  -- note\n(select 1)", Kind.SELECT),
        ("/* a /* b */ c */ WITH a AS (SELECT 1) SELECT * FROM a", Kind.SELECT),
        ("VALUES (1)", Kind.SELECT),
        ("from t", Kind.SELECT),
        ("EXPLAIN ANALYZE SELECT 1", Kind.EXPLAIN),
        ("show tables;", Kind.SHOW),
        ("DESC t", Kind.DESCRIBE),
    ],
)
def test_kind_is_told_by_the_first_word(sql: str, kind: Kind) -> None:
    assert read(sql).kind is kind


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (1)",
        "/* */ drop table t",
        "create view v as select 1",
        "BEGIN",
        "PREPARE x AS SELECT 1",
        "EXPLAIN DELETE FROM t",
        "EXPLAIN ANALYZE VERBOSE INSERT INTO t VALUES (1)",
        "SHOW ALL",
        "SHOW CREATE TABLE t",
        "SHOW",
    ],
)
def test_what_is_not_done_here_is_refused_with_a_way_out(sql: str) -> None:
    with pytest.raises(Unsupported):
        read(sql)


@pytest.mark.parametrize("sql", ["SET a = 1", "RESET a", "COPY t TO 'x'", "explain copy t to 'x'"])
def test_what_nobody_may_do_is_not_permitted(sql: str) -> None:
    with pytest.raises(NotPermitted):
        read(sql)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "empty"),
        (" ; ;", "empty"),
        ("-- only a comment", "empty"),
        ("SELECT 1; SELECT 2", "only one statement .* line 1, column 9"),
        ("SELECT 1; DROP TABLE t", "only one statement"),
        ("'text'", "cannot begin with"),
        ("SELECT 'open", "has no end at line 1, column 8"),
        ('SELECT "open', "has no end"),
        ("SELECT /* open /* */", "a comment has no end"),
        ("SELECT\n  $a$ open", "has no end at line 2, column 3"),
        ("SELECT /*! 1 */", r"must not begin with /\*!"),
        ("SELECT :name", "named parameter :name .*use \\?"),
        ("SELECT @name", "named parameter"),
        ("SELECT ?, $1", "not both"),
        ("SELECT $0", "numbered"),
        ("SELECT $7", "without large gaps"),
        ("SELECT ?1", r"not \?1"),
    ],
)
def test_wrong_text_is_refused_with_its_place(sql: str, message: str) -> None:
    with pytest.raises(InvalidSql, match=message):
        read(sql)


@pytest.mark.parametrize(
    ("sql", "engine_sql", "count"),
    [
        ("SELECT ?", "SELECT $1", 1),
        ("SELECT ?, '?', ?", "SELECT $1, '?', $2", 2),
        ("SELECT '''?', ?", "SELECT '''?', $1", 1),
        (r"SELECT E'\'?', ?", r"SELECT E'\'?', $1", 1),
        (r"SELECT '\', ?, '\'", r"SELECT '\', $1, '\'", 1),
        ('SELECT "?""?", ?', 'SELECT "?""?", $1', 1),
        ("SELECT `?`, ?", "SELECT `?`, $1", 1),
        ("SELECT $$ ? $$, ?", "SELECT $$ ? $$, $1", 1),
        ("SELECT $é$ ? $$ $é$, ?", "SELECT $é$ ? $$ $é$, $1", 1),
        ("SELECT $1$ ? $1$, ?", "SELECT $1$ ? $1$, $1", 1),
        ("SELECT ? -- ?\r\n, ?", "SELECT $1 -- ?\r\n, $2", 2),
        ("SELECT /* ? /* ? */ ? */ ?", "SELECT /* ? /* ? */ ? */ $1", 1),
        ("SELECT 1 LIMIT?", "SELECT 1 LIMIT $1", 1),
        ("SELECT ?AND ?OR a", "SELECT $1 AND $2 OR a", 2),
        ("SELECT a WHERE(?)=?", "SELECT a WHERE($1)=$2", 2),
        ("SELECT $2, $1", "SELECT $2, $1", 2),
        ("SELECT $1, $3", "SELECT $1, $3", 3),
        ("SELECT 1 --?", "SELECT 1 --?", 0),
    ],
)
def test_question_marks_are_numbered_where_the_engine_sees_parameters(
    sql: str, engine_sql: str, count: int
) -> None:
    text = read(sql)
    assert (text.engine_sql, text.parameters) == (engine_sql, count)


def test_cast_and_slices_are_not_named_parameters() -> None:
    assert read("SELECT a::int, b[1: 2]").parameters == 0


def test_parameters_behind_limit_and_offset_are_row_counts() -> None:
    assert read("SELECT ? FROM t LIMIT ? OFFSET ?").row_counts == {2, 3}
    assert read("SELECT $2 FROM t LIMIT $1").row_counts == {1}


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("SELECT now()", True),
        ('SELECT "now"()', True),
        ("SELECT Current_Date", True),
        ("SELECT 'now()' -- now()", False),
        ("SELECT nowhere", False),
    ],
)
def test_functions_of_the_current_time_are_noticed(sql: str, reads: bool) -> None:
    assert read(sql).reads_clock is reads


def test_position_in_the_numbered_text_is_told_in_the_text_that_was_sent() -> None:
    text = read("SELECT ?,\n ?, ?AND x, here")
    for word in ("here", "x", "?"):
        line = text.sql.splitlines()[1]
        numbered = text.engine_sql.splitlines()[1]
        column = numbered.index(word if word != "?" else "$2") + 1
        assert original_position(text, 2, column) == (2, line.index(word) + 1)
    assert original_position(text, 9, 9) == (9, 9)
