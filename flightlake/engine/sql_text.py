"""A statement as text: its tokens, what kind it is, its parameters, and whether it is bearable.

The engine parses SQL; this module only looks at tokens, for three reasons that the engine does
not cover: statements that never may reach it are refused by name, ``?`` parameters become
``$1, $2, …`` (the engine does not number them), and texts that are known to crash or stall the
planner are refused before it sees them (flat chains of thousands of operators recurse without a
bound: apache/datafusion#22936).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from flightlake.errors import FlightlakeError, InvalidSql, NotPermitted, Overloaded, Unsupported


class Kind(Enum):
    """What a statement does."""

    SELECT = "select"
    EXPLAIN = "explain"
    SHOW = "show"
    DESCRIBE = "describe"


_KINDS: Mapping[str, Kind] = {
    "SELECT": Kind.SELECT,
    "WITH": Kind.SELECT,
    "VALUES": Kind.SELECT,
    "TABLE": Kind.SELECT,
    "FROM": Kind.SELECT,
    "(": Kind.SELECT,
    "EXPLAIN": Kind.EXPLAIN,
    "SHOW": Kind.SHOW,
    "DESCRIBE": Kind.DESCRIBE,
    "DESC": Kind.DESCRIBE,
}

_READ_ONLY = (
    "this release only reads: write with another Iceberg engine and the next statement sees it"
)
_TRANSACTIONS = "every statement stands alone: leave out transaction statements (use autocommit)"
_OPTIONS = "set the session options 'catalog' and 'schema' through the driver instead"
_FILES = "statements cannot read or write files of the server"
_PREPARED = "use the driver's own prepared statements instead"
_REFUSALS: tuple[tuple[str, type[FlightlakeError], str], ...] = (
    ("INSERT UPDATE DELETE MERGE TRUNCATE CREATE DROP ALTER REFRESH", Unsupported, _READ_ONLY),
    ("COMMENT ANALYZE OPTIMIZE VACUUM CALL GRANT REVOKE", Unsupported, _READ_ONLY),
    ("BEGIN START COMMIT ROLLBACK END SAVEPOINT RELEASE", Unsupported, _TRANSACTIONS),
    ("PREPARE EXECUTE DEALLOCATE", Unsupported, _PREPARED),
    ("SET RESET USE", NotPermitted, _OPTIONS),
    ("COPY UNLOAD LOAD INSTALL ATTACH DETACH", NotPermitted, _FILES),
)
_REFUSED = {word: (error, why) for words, error, why in _REFUSALS for word in words.split()}
_EXPLAIN_OPTIONS = frozenset({"ANALYZE", "VERBOSE"})

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<line_comment>--[^\n]*)
  | (?P<hint>/\*!)
  | (?P<block_comment>/\*)
  | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')
  | (?P<string>(?:[nN](?=')|[xX](?=')|[bB](?=')|[uU]&(?='))?'(?:[^']|'')*')
  | (?P<identifier>"(?:[^"]|"")*"|`(?:[^`]|``)*`)
  | (?P<dollar>\$\w*\$)
  | (?P<numbered>\$[0-9]+)
  | (?P<named>[$@:][A-Za-z_][A-Za-z_0-9]*)
  | (?P<question>\?)
  | (?P<number>\d[\w.]*)
  | (?P<word>\w[\w$]*)
  | (?P<operator>::|\|\||<=|>=|<>|!=|->>|->|[^\w\s])
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_MARK = re.compile(r"/\*|\*/")

# The longest chains of these that plan in seconds; at about 10,000 the planner overruns its stack.
_CHAINING = frozenset(
    {
        "AND", "OR", "+", "-", "*", "/", "%", "||", "::", "IS", "LIKE", "ILIKE", "NOT",
        "=", "<", ">", "<=", ">=", "<>", "!=", "->", "->>", "BETWEEN", "XOR", "&", "|", "^", "#",
    }
)  # fmt: skip
_SET_OPERATIONS = frozenset({"UNION", "INTERSECT", "EXCEPT"})
_CLOCK = frozenset(
    {
        "NOW", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "TODAY",
        "LOCALTIME", "LOCALTIMESTAMP",
    }
)  # fmt: skip
_NAMES = ("word", "identifier")
MAX_TOKENS = 100_000
MAX_OPERATORS = 3_000
MAX_SET_OPERATIONS = 300
MAX_JOINS = 200
MAX_NESTING_IN_TYPE = 50
_ARROW_CAST = frozenset({"ARROW_CAST", "ARROW_TRY_CAST"})
_FIXED_SIZE = re.compile(r"FixedSize(?:List|Binary)\s*\(\s*(\d+)", re.IGNORECASE)
MAX_FIXED_SIZE = 1_000_000


@dataclass(frozen=True, slots=True)
class Token:
    """One token; ``kind`` is the name of its group in the lexer's pattern."""

    kind: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class SqlText:
    """A statement that may go to the engine.

    ``engine_sql`` is the text with ``?`` numbered; ``parameters`` how many parameters it has;
    ``row_counts`` the numbers of those that stand behind LIMIT or OFFSET; ``reads_clock``
    whether it names a function of the current time; ``shifts`` are the offsets in
    ``engine_sql`` behind which a character was added.
    """

    sql: str
    kind: Kind
    engine_sql: str
    parameters: int
    reads_clock: bool
    row_counts: frozenset[int] = frozenset()
    shifts: tuple[int, ...] = ()


def tokens(sql: str) -> Iterator[Token]:
    """Yield the tokens of *sql* without space and comments.

    Raises:
        InvalidSql: A string, quoted name or comment has no end.
    """
    position = 0
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        if match is None or match.lastgroup is None:  # pragma: no cover - every character matches
            raise InvalidSql(f"unexpected character {at(sql, position)}")
        kind, start = match.lastgroup, position
        position = match.end()
        if kind == "block_comment":
            position = _end_of_comment(sql, start)
        elif kind == "hint":
            # The engine, as MySQL does, takes what stands in such a comment for SQL.
            raise InvalidSql(f"a comment must not begin with /*! {at(sql, start)}")
        elif kind == "dollar":
            end = sql.find(match.group(), position)
            if end < 0:
                raise InvalidSql(f"a dollar-quoted string has no end {at(sql, start)}")
            position = end + len(match.group())
            yield Token("string", sql[start:position], start)
        elif kind == "operator" and match.group() in "'\"`":
            raise InvalidSql(f"a quoted text has no end {at(sql, start)}")
        elif kind not in ("space", "line_comment"):
            yield Token(kind, match.group(), start)


def _end_of_comment(sql: str, start: int) -> int:
    depth = 0
    for mark in _BLOCK_MARK.finditer(sql, start):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    raise InvalidSql(f"a comment has no end {at(sql, start)}")


def at(sql: str, offset: int) -> str:
    """Return *offset* as ``at line 1, column 1`` for a message."""
    line = sql.count("\n", 0, offset) + 1
    column = offset - (sql.rfind("\n", 0, offset) + 1) + 1
    return f"at line {line}, column {column}"


def read(sql: str) -> SqlText:
    """Look at *sql* and return it ready for the engine.

    Raises:
        InvalidSql: It is empty, holds several statements, or mixes kinds of parameters.
        Unsupported, NotPermitted: It is of a kind that is refused; the message says why.
        Overloaded: It is longer or more deeply chained than the planner can bear.
    """
    found = list(tokens(sql))
    while found and found[-1].text == ";":
        found.pop()
    if not found:
        raise InvalidSql("the statement is empty")
    for token in found:
        if token.text == ";":
            raise InvalidSql(
                f"only one statement can be run at a time; another begins {at(sql, token.start)}"
            )
    kind = _kind(sql, found)
    _bearable(found)
    engine_sql, parameters, shifts = _number_parameters(sql, found)
    words = {token.text.strip('"`').upper() for token in found if token.kind in _NAMES}
    reads_clock = bool(words & _CLOCK)
    return SqlText(sql, kind, engine_sql, parameters, reads_clock, _row_counts(found), shifts)


def _row_counts(found: list[Token]) -> frozenset[int]:
    numbers, asked = set(), 0
    for before, token in pairwise(found):
        asked += token.kind == "question"
        if before.kind == "word" and before.text.upper() in ("LIMIT", "OFFSET"):
            if token.kind == "question":
                numbers.add(asked)
            elif token.kind == "numbered":
                numbers.add(int(token.text[1:]))
    return frozenset(numbers)


def _kind(sql: str, found: list[Token]) -> Kind:
    first = found[0]
    word = first.text.upper()
    if word == "EXPLAIN":
        explained = (token for token in found[1:] if token.text.upper() not in _EXPLAIN_OPTIONS)
        _refuse(next(explained, first))
    _refuse(first)
    if word not in _KINDS:
        raise InvalidSql(f"a statement cannot begin with {first.text!r} {at(sql, first.start)}")
    return _KINDS[word]


def _refuse(token: Token) -> None:
    word = token.text.upper()
    if word in _REFUSED:
        error, advice = _REFUSED[word]
        raise error(f"{word} is not available: {advice}")


def _bearable(found: list[Token]) -> None:
    upper = [token.text.upper() for token in found if token.kind in ("word", "operator")]
    counts = (
        ("tokens", len(found), MAX_TOKENS),
        ("operators", sum(word in _CHAINING for word in upper), MAX_OPERATORS),
        ("set operations", sum(word in _SET_OPERATIONS for word in upper), MAX_SET_OPERATIONS),
        ("joins", sum(word == "JOIN" for word in upper), MAX_JOINS),
    )
    for what, count, limit in counts:
        if count > limit:
            raise Overloaded(
                f"the statement has {count} {what} and at most {limit} are planned;"
                " use IN lists, VALUES or a table instead"
            )
    if _ARROW_CAST.intersection(upper):
        for token in found:
            if token.kind in ("string", "escaped"):
                _bearable_type(token.text)


def _bearable_type(text: str) -> None:
    # A type's name is parsed recursively and a fixed size is allocated at once: both have
    # ended the process.
    sizes = [int(size) for size in _FIXED_SIZE.findall(text)]
    if text.count("(") > MAX_NESTING_IN_TYPE or any(size > MAX_FIXED_SIZE for size in sizes):
        raise Overloaded("the type named in arrow_cast is too large or too deeply nested")


def _number_parameters(sql: str, found: list[Token]) -> tuple[str, int, tuple[int, ...]]:
    kinds = {token.kind for token in found} & {"question", "numbered", "named"}
    if "named" in kinds:
        token = next(token for token in found if token.kind == "named")
        raise InvalidSql(
            f"named parameter {token.text} {at(sql, token.start)}: use ? or $1, $2, … instead"
        )
    if len(kinds) > 1:
        raise InvalidSql("use either ? or $1, $2, … for parameters, not both")
    if "numbered" in kinds:
        numbers = [int(token.text[1:]) for token in found if token.kind == "numbered"]
        if min(numbers) < 1 or max(numbers) > len(found):
            raise InvalidSql("parameters are numbered $1, $2, … without large gaps")
        return sql, max(numbers), ()
    parts, shifts, last, count, length = [], [], 0, 0, 0
    for token in found:
        if token.kind == "question":
            count += 1
            start, end = token.start, token.start + 1
            if sql[end : end + 1].isdigit():
                raise InvalidSql(f"write ? or $1, not ?1 {at(sql, start)}")
            # Without a space, LIMIT? would become the name LIMIT$1.
            before = " " if _in_name(sql[start - 1 : start]) else ""
            numbered = before + f"${count}" + (" " if _in_name(sql[end : end + 1]) else "")
            parts += [sql[last:start], numbered]
            length += start - last + len(numbered)
            shifts += [length] * (len(numbered) - 1)
            last = end
    return "".join([*parts, sql[last:]]), count, tuple(shifts)


def _in_name(character: str) -> bool:
    return character.isalnum() or character in ("_", "$", "@", "#")


def original_position(text: SqlText, line: int, column: int) -> tuple[int, int]:
    """Return where ``line``, ``column`` of ``engine_sql`` stand in the text the client sent."""
    starts = [0, *(match.end() for match in re.finditer("\n", text.engine_sql))]
    if not 1 <= line <= len(starts):
        return line, column
    start = starts[line - 1]
    offset = start + column - 1
    return line, column - sum(start < shift <= offset for shift in text.shifts)
