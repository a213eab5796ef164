"""Which slots and threads a statement has: those of all, or a few of their own.

Whoever looks at what runs must get through where all slots are taken and all threads busy.  A
statement may do so if its text says that it reads one table of what this process runs, and
nothing else: it is as quick as that table is short.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flightlake.engine.sql_tokens import Token, tokens
from flightlake.engine.system_tables import SYSTEM
from flightlake.flightsql.payloads import Statement
from flightlake.query.admission import Slots
from flightlake.query.planning import Planning
from flightlake.query.workers import Workers

_QUICK = 2
"""So many statements of that kind run at a time."""

_TABLES = frozenset({"queries", "sessions"})
_CLAUSES = frozenset({"", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET"})
_MORE = frozenset({"EXPLAIN", "WITH", "TABLE", "VALUES", "GENERATE_SERIES", "RANGE", "REPEAT"})
"""What reads something else, or makes many rows or long values of little."""


@dataclass(frozen=True, slots=True)
class Lane:
    """The slots that statements wait for, and where they are planned."""

    slots: Slots
    planning: Planning


class Lanes:
    """The lanes of a server.  Thread-safe.

    Args:
        slots: Those of all statements.
        planning: Where all are planned.
    """

    def __init__(self, slots: Slots, planning: Planning) -> None:
        self._all = Lane(slots, planning)
        self._workers = Workers(_QUICK)
        self._quick = Lane(slots.beside(_QUICK), planning.beside(self._workers))

    def of(self, statement: Statement) -> Lane:
        """Return the lane for *statement*."""
        return self._quick if is_quick(statement) else self._all

    def close(self) -> None:
        """Stop the threads; running statements end with errors."""
        self._workers.stop()
        self._all.planning.close()


def is_quick(statement: Statement) -> bool:
    """Return whether *statement* reads one table of what this process runs, and nothing else."""
    found = [token for token in tokens(statement.sql) if token.text != ";"]
    words = [token.text.upper() for token in found if token.kind == "word"]
    if words[:1] != ["SELECT"] or words.count("SELECT") != 1 or words.count("FROM") != 1:
        return False
    if not _MORE.isdisjoint(_names(found)):
        return False
    place = next(
        number for number, token in enumerate(found) if (token.kind, token.text.upper()) == _FROM
    )
    table, rest = _table(found[place + 1 :])
    if table[-1] not in _TABLES or (table[-2:-1] or [statement.db_schema]) != [SYSTEM]:
        return False
    after = [token.text.upper() if _is_name(token) else "?" for token in rest[:3]]
    if after[:1] == ["AS"]:
        del after[0]
    alias, behind, *_ = *after, "", ""
    return alias in _CLAUSES or (alias != "?" and behind in _CLAUSES)


_FROM = ("word", "FROM")


def _names(found: Sequence[Token]) -> Iterator[str]:
    for token in found:
        if _is_name(token):
            yield _name(token).upper()


def _table(found: Sequence[Token]) -> tuple[list[str], Sequence[Token]]:
    """Return the parts of the name that *found* begins with, and what comes behind it."""
    parts = [""]
    for place, token in enumerate(found):
        if place % 2 == 0 and _is_name(token):
            parts[-1] = _name(token)
        elif place % 2 == 1 and token.text == ".":
            parts.append("")
        else:
            return parts, found[place:]
    return parts, ()


def _is_name(token: Token) -> bool:
    return token.kind in ("word", "identifier")


def _name(token: Token) -> str:
    return token.text.lower() if token.kind == "word" else token.text[1:-1]
