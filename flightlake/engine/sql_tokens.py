"""The tokens of a statement, as the engine's own lexer splits it.

Where the two would differ, a ``?`` in what the engine takes for a string would become a
parameter, so tests hold them against each other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from flightlake.errors import InvalidSql
from flightlake.lake.bounded_cache import BoundedCache

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


@dataclass(frozen=True, slots=True)
class Token:
    """One token; ``kind`` is the name of its group in the lexer's pattern."""

    kind: str
    text: str
    start: int


_KEPT_BYTES = 4 << 20
_TOKEN_BYTES = 200
_kept: BoundedCache[str, tuple[Token, ...]] = BoundedCache(_KEPT_BYTES)


def tokens(sql: str) -> Iterator[Token]:
    """Yield the tokens of *sql* without space and comments.

    One text is looked at from many sides while it is planned, so those of whole ones are kept.

    Raises:
        InvalidSql: A string, quoted name or comment has no end.
    """
    known = _kept.get(sql)
    return _split(sql) if known is None else iter(known)


def _split(sql: str) -> Iterator[Token]:
    found = []
    for token in _tokens(sql):
        found.append(token)
        yield token
    _kept.put(sql, tuple(found), len(sql) + _TOKEN_BYTES * len(found))


def _tokens(sql: str) -> Iterator[Token]:
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
