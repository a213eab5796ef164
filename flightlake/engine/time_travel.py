"""``FOR VERSION AS OF`` and ``FOR TIMESTAMP AS OF``, and the metadata tables of a table.

The engine does not know time travel.  So ``orders FOR VERSION AS OF 5 o`` becomes a table of a
name that no table can have, ``"orders<mark>VERSION AS OF 5" o``, and whoever loads it reads the
name (``decode``).  It works wherever a table can stand, any number of times in a statement.

Source: Iceberg's documentation of Spark and Trino; ``FOR`` may be left out, as in Spark.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from flightlake.engine.sql_tokens import Token, at
from flightlake.errors import InvalidSql
from flightlake.lake.inspection import NAMES
from flightlake.lake.versions import AsOf, TimestampAsOf, VersionAsOf
from flightlake.names import AS_OF_MARK, quote_always

_VERSION = ("VERSION", "SYSTEM_VERSION")
_TIMESTAMP = ("TIMESTAMP", "SYSTEM_TIME")
_NAME = ("word", "identifier")
_BEFORE_TABLE = frozenset({"FROM", "JOIN", ",", "(", "TABLE", "LATERAL"})
_NO_ALIAS = frozenset(
    """WHERE JOIN ON USING GROUP ORDER HAVING LIMIT OFFSET FETCH UNION INTERSECT EXCEPT INNER LEFT
    RIGHT FULL CROSS NATURAL OUTER SEMI ANTI LATERAL WINDOW QUALIFY TABLESAMPLE FOR SET RETURNING
    PIVOT UNPIVOT ASOF SORT CLUSTER DISTRIBUTE""".split()
)
_PAYLOAD = re.compile(r"^(VERSION|TIMESTAMP) AS OF (?:'(.*)'|(\d+))$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a table's name in a statement asks for.

    ``table`` is the table; ``as_of`` when, None for now; ``metadata`` which of its metadata
    tables, None for its rows.
    """

    table: str
    as_of: AsOf | None = None
    metadata: str | None = None


def decode(name: str) -> Wanted:
    """Return what *name*, as the engine asks for it, stands for."""
    table, mark, payload = name.partition(AS_OF_MARK)
    as_of: AsOf | None = None
    match = _PAYLOAD.match(payload) if mark else None
    if match is not None:
        kind, text, number = match.groups()
        if kind == "VERSION":
            as_of = VersionAsOf(text if number is None else int(number))
        else:
            as_of = TimestampAsOf(datetime.fromisoformat(text))
    base, dollar, metadata = table.rpartition("$")
    if dollar and base and metadata in NAMES:
        return Wanted(base, as_of, metadata)
    return Wanted(table, as_of)


def rewrite(sql: str, found: Sequence[Token]) -> str:
    """Return *sql*, whose tokens are *found*, in words that the engine knows.

    What is put in is filled up with spaces to the length of what it stands for, so that
    positions in messages stay right (unless it is longer).

    Raises:
        InvalidSql: A version or timestamp is no literal, or cannot be understood.
    """
    parts, last = [], 0
    for number, token in enumerate(found):
        words = _AsOfWords.at(found, number)
        if words is None or token.start < last:
            continue
        name = found[number - 1]
        payload, end = _payload(sql, found, words)
        stop = found[end - 1].start + len(found[end - 1].text)
        marked = quote_always(plain(name) + AS_OF_MARK + payload)
        alias = "" if has_alias(found, end) else f" AS {quote_always(plain(name))}"
        text = marked + alias
        parts += [sql[last : name.start], text.ljust(stop - name.start)]
        last = stop
    return "".join([*parts, sql[last:]])


@dataclass(frozen=True, slots=True)
class _AsOfWords:
    """Where ``[FOR] VERSION|TIMESTAMP AS OF`` stands: which kind, and where its value is."""

    version: bool
    value: int

    @staticmethod
    def at(found: Sequence[Token], number: int) -> "_AsOfWords | None":
        start = number + (_word(found, number) == "FOR")
        kind = _word(found, start)
        if number == 0 or kind not in (*_VERSION, *_TIMESTAMP):
            return None
        if _word(found, start + 1) != "AS" or _word(found, start + 2) != "OF":
            return None
        if not _ends_a_table(found, number - 1):
            return None
        return _AsOfWords(kind in _VERSION, start + 3)


def _ends_a_table(found: Sequence[Token], number: int) -> bool:
    """Whether a name ends here that stands where a table can."""
    if found[number].kind not in _NAME:
        return False
    while number >= 2 and found[number - 1].text == "." and found[number - 2].kind in _NAME:
        number -= 2
    before = found[number - 1].text.upper() if number else ""
    return before in _BEFORE_TABLE


def _payload(sql: str, found: Sequence[Token], words: _AsOfWords) -> tuple[str, int]:
    """Return what the value says, and the number of the first token behind it."""
    place = words.value
    if not words.version and _word(found, place) in ("TIMESTAMP", "DATE"):
        place += 1
    if place >= len(found):
        raise InvalidSql("AS OF needs a version or a timestamp behind it")
    token = found[place]
    if token.kind == "string" and token.text.startswith("'"):
        text = token.text[1:-1].replace("''", "'")
        if words.version:
            return f"VERSION AS OF '{text}'", place + 1
        return f"TIMESTAMP AS OF '{_moment(sql, token, text).isoformat()}'", place + 1
    if words.version and token.kind == "number" and token.text.isdecimal():
        return f"VERSION AS OF {token.text}", place + 1
    wanted = (
        "a snapshot id, or the name of a branch or tag in quotes"
        if words.version
        else "a timestamp in quotes"
    )
    raise InvalidSql(f"AS OF needs {wanted} {at(sql, token.start)}")


def _moment(sql: str, token: Token, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidSql(
            f"{token.text[:60]} is not a timestamp like '2026-01-31 12:00:00' "
            f"{at(sql, token.start)}"
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def has_alias(found: Sequence[Token], number: int) -> bool:
    """Return whether the token of *number*, behind a table, is its alias."""
    if number >= len(found):
        return False
    if found[number].kind == "identifier":
        return True
    return found[number].kind == "word" and found[number].text.upper() not in _NO_ALIAS


def plain(token: Token) -> str:
    """Return the name that *token* stands for: what is not quoted is lower case."""
    if token.kind == "word":
        return token.text.lower()
    quotation = token.text[0]
    return token.text[1:-1].replace(quotation * 2, quotation)


def _word(found: Sequence[Token], number: int) -> str:
    if not 0 <= number < len(found) or found[number].kind != "word":
        return ""
    return found[number].text.upper()
