"""A statement as text: what kind it is, its parameters, and whether it is bearable.

The engine parses SQL; this module only looks at tokens, for three reasons that the engine does
not cover: statements that never may reach it are refused by name, ``?`` parameters become
``$1, $2, …`` (the engine does not number them), and texts that are known to crash or stall the
planner are refused before it sees them (``sql_guards``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import pairwise

from flightlake.engine import dotted_metadata
from flightlake.engine.sql_guards import require_bearable
from flightlake.engine.sql_tokens import Token, at, tokens
from flightlake.engine.time_travel import rewrite
from flightlake.errors import FlightlakeError, InvalidSql, NotPermitted, Unsupported


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
    "this release only reads tables: write with another Iceberg engine and the next statement"
    " sees it"
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
_SHOWN = frozenset({"TABLES", "COLUMNS", "FIELDS", "FULL", "EXTENDED"})
_EXPLAIN_OPTIONS = frozenset({"ANALYZE", "VERBOSE"})

_CLOCK = frozenset(
    {
        "NOW", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "TODAY",
        "LOCALTIME", "LOCALTIMESTAMP",
    }
)  # fmt: skip
_NAMES = ("word", "identifier")
_SHORT = 20_000
"""Characters of the longest text that is remembered."""


@dataclass(frozen=True, slots=True)
class SqlText:
    """A statement that may go to the engine.

    ``engine_sql`` is the text with time travel rewritten and ``?`` numbered; ``parameters`` how
    many parameters it has; ``row_counts`` the numbers of those that stand behind LIMIT or
    OFFSET; ``reads_clock`` whether it names a function of the current time; ``shifts`` are the
    offsets in ``engine_sql`` behind which a character was added; ``dotted`` are the names that
    may be metadata tables (``dotted_metadata``).
    """

    sql: str
    kind: Kind
    engine_sql: str
    parameters: int
    reads_clock: bool
    row_counts: frozenset[int] = frozenset()
    shifts: tuple[int, ...] = ()
    dotted: frozenset[tuple[str, ...]] = frozenset()


def read(sql: str) -> SqlText:
    """Look at *sql* and return it ready for the engine.

    Raises:
        InvalidSql: It is empty, holds several statements, or mixes kinds of parameters.
        Unsupported, NotPermitted: It is of a kind that is refused; the message says why.
        Overloaded: It is longer or more deeply chained than the planner can bear.
    """
    # A statement is looked at when it is prepared, planned and run.
    return _remembered(sql) if len(sql) <= _SHORT else _read(sql)


def _read(sql: str) -> SqlText:
    if "\0" in sql:  # which no name of a column may hold, and a literal would be one
        raise InvalidSql(f"the statement holds a NUL character {at(sql, sql.index(chr(0)))}")
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
    require_bearable(found)
    dotted = dotted_metadata.spelled(found)
    dollars = dotted_metadata.rewrite(sql, found)
    if dollars != sql:
        found = _again(dollars)
    travelled = rewrite(dollars, found)
    if travelled != dollars:
        found = _again(travelled)
    engine_sql, parameters, shifts = _number_parameters(travelled, found)
    words = {token.text.strip('"`').upper() for token in found if token.kind in _NAMES}
    reads_clock = bool(words & _CLOCK)
    counts = _row_counts(found)
    return SqlText(sql, kind, engine_sql, parameters, reads_clock, counts, shifts, dotted)


_remembered = lru_cache(maxsize=1_000)(_read)


def _again(sql: str) -> list[Token]:
    return [token for token in tokens(sql) if token.text != ";"]


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
    if word == "SHOW" and not (len(found) > 1 and found[1].text.upper() in _SHOWN):
        raise Unsupported(
            "SHOW knows TABLES and COLUMNS FROM a table; for more, ask information_schema"
        )
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
