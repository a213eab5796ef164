"""Reading the tokens of a statement's head, one after the other."""

from collections.abc import Mapping, Sequence

from flightlake.engine.sql_tokens import Token, at
from flightlake.errors import InvalidSql, Unsupported
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.refresh.statements import Name

_NONE: frozenset[str] = frozenset()
_RESERVED = frozenset({"AS", "SELECT", "WITH", "PARTITIONED", "FROM", "TABLE", "VIEW"})
"""Words that are no names without quotes: a name was forgotten."""


class Head:
    """The tokens of *sql*, and how far they were read."""

    def __init__(self, sql: str, found: Sequence[Token]) -> None:
        self._sql = sql
        self._found = found
        self._place = 0

    def take(self, *words: str) -> bool:
        """Read the next token if it is one of *words*; return whether it is."""
        return self.which(*words) is not None

    def which(self, *words: str) -> str | None:
        """Read the next token if it is one of *words* (upper case; unquoted, or a sign)."""
        token = self._next()
        if token is None or token.kind not in ("word", "operator"):
            return None
        word = token.text.upper()
        if word not in words:
            return None
        self._place += 1
        return word

    def require(self, *words: str) -> None:
        """Read *words*, one after the other.

        Raises:
            InvalidSql: Something else is there; says where.
        """
        for word in words:
            if not self.take(word):
                raise self.unexpected(word)

    def refuse(self, reasons: Mapping[str, str]) -> None:
        """Raise ``Unsupported`` if the next token is a key of *reasons*."""
        for word, reason in reasons.items():
            if self.take(word):
                raise Unsupported(reason)

    def name(self) -> Name:
        """Read a name of one to three parts.

        Raises:
            InvalidSql: No name is there, or one of more parts.
        """
        parts = [self._part()]
        while self.take("."):
            parts.append(self._part(_NONE))  # behind a dot no word means anything else
        if len(parts) > 3:
            raise InvalidSql(
                f"a name has at most three parts, and one has {len(parts)}; a schema of several"
                ' levels is one quoted name, as in catalog."bronze.inventory".orders'
            )
        return tuple(parts)

    def take_string(self) -> str | None:
        """Read the next token if it is a text in single quotes; return what it says."""
        token = self._next()
        if token is None or token.kind != "string" or token.text[0] != "'":
            return None
        self._place += 1
        return token.text[1:-1].replace("''", "'")

    def take_number(self) -> int | None:
        """Read the next token if it is a whole number."""
        token = self._next()
        if token is None or token.kind != "number" or not token.text.isdecimal():
            return None
        if len(token.text) > 18:
            raise self.unexpected("a smaller number")
        self._place += 1
        return int(token.text)

    def terms(self) -> tuple[LayoutTerm, ...]:
        """Read ``(column, day(column), …)``.

        Raises:
            InvalidSql: Something else is there.
        """
        self.require("(")
        found = [self._term()]
        while self.take(","):
            found.append(self._term())
        self.require(")")
        return tuple(found)

    def rest(self) -> str:
        """Return the text from behind the token read last to the last token of all.

        Raises:
            InvalidSql: There is none.
        """
        if self._next() is None:
            raise self.unexpected("a query")
        before, last = self._found[self._place - 1], self._found[-1]
        start = before.start + len(before.text)
        return self._sql[start : last.start + len(last.text)].strip()

    def end(self) -> None:
        """Raise ``InvalidSql`` unless all tokens were read."""
        if self._next() is not None:
            raise self.unexpected("the end of the statement")

    def unexpected(self, wanted: str) -> InvalidSql:
        """Return the error for finding something else than *wanted*."""
        token = self._next()
        if token is None:
            return InvalidSql(f"the statement ends where {wanted} is expected")
        place = at(self._sql, token.start)
        return InvalidSql(f"{wanted} is expected, and {token.text[:50]!r} found {place}")

    def _next(self) -> Token | None:
        return self._found[self._place] if self._place < len(self._found) else None

    def _part(self, reserved: frozenset[str] = _RESERVED) -> str:
        token = self._next()
        if token is None or token.kind not in ("word", "identifier"):
            raise self.unexpected("a name")
        if token.kind == "word":
            if token.text.upper() in reserved or token.text[0].isdigit():
                raise self.unexpected("a name")
            part = token.text.lower()
        else:
            mark = token.text[0]
            part = token.text[1:-1].replace(mark * 2, mark)
            if not part or any(ord(character) < 32 for character in part):
                raise self.unexpected("a name without control characters")
        self._place += 1
        return part

    def _term(self) -> LayoutTerm:
        first = self._part()
        if not self.take("("):
            return LayoutTerm("identity", first)
        arguments = [self._argument()]
        while self.take(","):
            arguments.append(self._argument())
        self.require(")")
        if first == "identity" and len(arguments) == 1:
            return LayoutTerm("identity", arguments[0])
        if len(arguments) == 2 and first in ("bucket", "truncate") and arguments[0].isdecimal():
            return LayoutTerm(f"{first}[{arguments[0]}]", arguments[1])
        return LayoutTerm(first, ", ".join(arguments))

    def _argument(self) -> str:
        token = self._next()
        if token is not None and token.kind == "number":
            self._place += 1
            return token.text
        return self._part()
