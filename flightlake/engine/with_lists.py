"""The queries in front of a statement, WITH name AS (query), told from its tokens.

Only the list that the statement begins with: what stands there depends on no row around it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flightlake.engine.sql_tokens import Token, tokens

HELD = ("flightlake held", "once", "rows")
"""The name under which the rows of a query that was computed once are found."""

_NAMES = ("word", "identifier")
_BEFORE_A_TABLE = frozenset({"FROM", "JOIN", ","})


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """One query of the list: its name as it is written, and the offsets of its parentheses."""

    name: str
    opens: int
    closes: int

    def alone(self, sql: str) -> str:
        """Return the statement that gives the rows of this query of *sql*."""
        return f"{sql[: self.closes + 1]} SELECT * FROM {self.name}"  # noqa: S608 - its own

    def replaced(self, sql: str) -> str:
        """Return *sql* reading the rows of this query from ``HELD``."""
        held = ".".join(f'"{name}"' for name in HELD)
        before, after = sql[: self.opens + 1], sql[self.closes :]
        return f"{before}SELECT * FROM {held}{after}"  # noqa: S608 - its own


def repeated_queries(sql: str) -> list[NamedQuery]:
    """Return the queries in the WITH of *sql* that seem to be read more than once, in order.

    Empty where there is no WITH, or one that is RECURSIVE or cannot be told apart.

    Raises:
        InvalidSql: A string, quoted name or comment has no end.
    """
    if "WITH" not in sql.upper():
        return []
    found = list(tokens(sql))
    if len(found) < 2 or found[0].text.upper() != "WITH" or found[1].text.upper() == "RECURSIVE":
        return []
    queries = []
    at = 1
    while True:
        query, at = _query(found, at)
        if at >= len(found):
            return []
        if query is not None and _uses(found[at:], _named(query.name)) > 1:
            queries.append(query)
        if found[at].text != ",":
            return queries
        at += 1


def _query(found: Sequence[Token], at: int) -> tuple[NamedQuery | None, int]:
    """Return the query that begins at token *at*, and where the next token behind it is.

    None, and the end, if it has another form.
    """
    end = len(found)
    name = found[at] if at < end else None
    if name is None or name.kind not in _NAMES:
        return None, end
    at += 1
    if at < end and found[at].text == "(":
        at = _behind(found, at)
    if at >= end or found[at].text.upper() != "AS":
        return None, end
    at += 1
    if at >= end or found[at].text != "(":
        return None, end
    after = _behind(found, at)
    if after > end or found[after - 1].text != ")":
        return None, end
    query = NamedQuery(name.text, found[at].start, found[after - 1].start)
    return query, after


def _behind(found: Sequence[Token], opening: int) -> int:
    """Return the index behind the parenthesis that closes that at *opening*."""
    depth = 0
    for at in range(opening, len(found)):
        if found[at].kind == "operator":
            depth += {"(": 1, ")": -1}.get(found[at].text, 0)
        if depth == 0:
            return at + 1
    return len(found) + 1


def _uses(found: Sequence[Token], name: str) -> int:
    count = 0
    for at in range(1, len(found)):
        token = found[at]
        if token.kind in _NAMES and _named(token.text) == name:
            qualifies = at + 1 < len(found) and found[at + 1].text in (".", "(")
            count += found[at - 1].text.upper() in _BEFORE_A_TABLE and not qualifies
    return count


def _named(text: str) -> str:
    """Return the name that *text* is for the engine."""
    if text[0] in '"`':
        return text[1:-1].replace(text[0] * 2, text[0])
    return text.lower()
