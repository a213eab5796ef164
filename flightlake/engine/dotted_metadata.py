"""``orders.snapshots``: the second spelling of ``"orders$snapshots"``.

To the engine ``orders.snapshots`` is the table ``snapshots`` of the schema ``orders``, and where
there is such a table it is that.  Only when there is none does the name stand for a metadata
table, so the names that are spelt so are noted here and looked at again by whoever loads tables.
Four parts can only be a metadata table; those are put in the first spelling.

Source: Iceberg's documentation of Spark, "Inspecting tables".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flightlake.engine.sql_tokens import Token
from flightlake.engine.time_travel import has_alias, plain
from flightlake.lake.inspection import NAMES
from flightlake.names import quote_always

_BEFORE_TABLE = frozenset({"FROM", "JOIN", ",", "(", "TABLE", "LATERAL"})
_SURELY_BEFORE_TABLE = frozenset({"FROM", "JOIN"})
_WITH_FROM_INSIDE = frozenset({"EXTRACT", "SUBSTRING", "SUBSTR", "TRIM", "OVERLAY"})
_VERSION_FOLLOWS = frozenset({"FOR", "VERSION", "TIMESTAMP", "SYSTEM_VERSION", "SYSTEM_TIME"})
_NAME = ("word", "identifier")
_PARTS_OF_A_TABLE = 3


@dataclass(frozen=True, slots=True)
class _Spelled:
    """A dotted name in a statement: its parts, and its first and last token's numbers."""

    parts: tuple[str, ...]
    first: int
    last: int


def spelled(found: Sequence[Token]) -> frozenset[tuple[str, ...]]:
    """Return the names of two and three parts that may be metadata tables.

    Columns may be among them: whoever uses the names asks for tables only.
    """
    return frozenset(name.parts for name in _names(found) if len(name.parts) <= _PARTS_OF_A_TABLE)


def rewrite(sql: str, found: Sequence[Token]) -> str:
    """Return *sql*, whose tokens are *found*, with ``c.s.t.files`` as ``c.s."t$files"``."""
    parts, last = [], 0
    for name in _names(found):
        if len(name.parts) <= _PARTS_OF_A_TABLE or not _is_table(found, name.first):
            continue
        base, end = found[name.last - 2], found[name.last]
        dollar = quote_always(f"{name.parts[-2]}${name.parts[-1]}")
        follows = found[name.last + 1] if name.last + 1 < len(found) else None
        versioned = follows is not None and follows.text.upper() in _VERSION_FOLLOWS
        alias = "" if versioned or has_alias(found, name.last + 1) else f" AS {end.text}"
        parts += [sql[last : base.start], dollar + alias]
        last = end.start + len(end.text)
    return "".join([*parts, sql[last:]])


def _names(found: Sequence[Token]) -> Iterator[_Spelled]:
    for number, token in enumerate(found):
        if token.text.upper() not in _BEFORE_TABLE:
            continue
        last = number + 1
        if last >= len(found) or found[last].kind not in _NAME:
            continue
        while (
            last + 2 < len(found) and found[last + 1].text == "." and found[last + 2].kind in _NAME
        ):
            last += 2
        parts = tuple(plain(found[place]) for place in range(number + 1, last + 1, 2))
        if 2 <= len(parts) <= _PARTS_OF_A_TABLE + 1 and parts[-1] in NAMES:
            yield _Spelled(parts, number + 1, last)


def _is_table(found: Sequence[Token], first: int) -> bool:
    """Whether a name surely stands where a table does: behind the FROM of a query, or a JOIN."""
    before = found[first - 1].text.upper()
    if before not in _SURELY_BEFORE_TABLE:
        return False
    if before == "FROM" and first >= 2 and found[first - 2].text.upper() == "DISTINCT":
        return False  # IS DISTINCT FROM
    depth = 0
    for number in range(first - 2, -1, -1):
        depth += {")": 1, "(": -1}.get(found[number].text, 0)
        if depth < 0:
            return number == 0 or found[number - 1].text.upper() not in _WITH_FROM_INSIDE
    return True
