"""Which tables a statement will most likely ask for, before the engine asks for one after another.

A catalog takes its time to answer, some tens of milliseconds if it is far away; eight tables
that are asked for side by side take as long as one.  This is a guess, and only that: what it
leaves out is loaded when it is asked for, and what is loaded in vain is forgotten.
"""

from collections.abc import Iterable, Iterator, Sequence

from flightlake.engine.defaults import Defaults
from flightlake.engine.sql_tokens import Token, tokens
from flightlake.engine.system_tables import SYSTEM
from flightlake.engine.time_travel import decode
from flightlake.errors import FlightlakeError
from flightlake.names import TableIdentifier

_MOST = 64
"""Names that are looked for in one statement."""
_NAME = ("word", "identifier")
_NO_TABLE = frozenset({"EXTRACT", "SUBSTRING", "SUBSTR", "TRIM", "OVERLAY"})
"""Functions in whose brackets FROM means something else."""
_NO_CATALOG_ASKED = frozenset({"information_schema", SYSTEM})


def expected(sql: str, defaults: Defaults) -> list[TableIdentifier]:
    """Return the tables that seem to be named behind FROM and JOIN in *sql*, as the engine has it.

    Names of the statement's own (WITH) are left out.
    """
    try:
        found = list(tokens(sql))
    except FlightlakeError:  # the engine says what is wrong with it
        return []
    own = set(_own(found))
    names: dict[TableIdentifier, None] = {}
    for place in _begun(found):
        for parts in _listed(found, place):
            name = _identified(parts, defaults)
            if name is not None and not (len(parts) == 1 and parts[0] in own):
                names[name] = None
        if len(names) >= _MOST:
            break
    return list(names)


def bases(names: Iterable[TableIdentifier]) -> list[TableIdentifier]:
    """Return the tables that *names*, some of which ask for versions, are names of.

    Those that hold rows of system tables are left out: a row that is known here until it is stored
    there would be seen in neither place, were they loaded first (``system_frames``).
    """
    plain = {
        TableIdentifier(name.catalog, name.db_schema, decode(name.table).table)
        for name in names
        if name.db_schema != SYSTEM
    }
    return sorted(plain)


def _begun(found: Sequence[Token]) -> Iterator[int]:
    """Yield the places right behind FROM and JOIN."""
    brackets: list[bool] = []  # whether it is one of a function that has a FROM of its own
    before = ["", ""]
    for place, token in enumerate(found):
        word = token.text.upper() if token.kind in ("word", "operator") else ""
        if word == "(":
            brackets.append(before[-1] in _NO_TABLE)
        elif word == ")" and brackets:
            brackets.pop()
        elif word == "JOIN" or (
            word == "FROM" and not any(brackets[-1:]) and not _compares(before)
        ):
            yield place + 1
        before = [before[-1], word]


def _compares(before: Sequence[str]) -> bool:
    """Return whether a FROM behind these words is that of ``IS [NOT] DISTINCT FROM``."""
    return before[-1] == "DISTINCT" and before[-2] in ("IS", "NOT")


def _own(found: Sequence[Token]) -> Iterator[str]:
    """Yield the names that stand before ``AS (``: those of WITH, and harmless others."""
    for name, word, bracket in zip(found, found[1:], found[2:], strict=False):
        if word.text.upper() == "AS" and bracket.text == "(" and name.kind in _NAME:
            yield _plain(name)


def _listed(found: Sequence[Token], place: int) -> Iterator[tuple[str, ...]]:
    """Yield the names from *place* on: one, or several with commas, each maybe with an alias."""
    while place < len(found) and found[place].kind in _NAME:
        parts = [_plain(found[place])]
        place += 1
        while place + 1 < len(found) and found[place].text == ".":
            parts.append(_plain(found[place + 1]))
            place += 2
        if place < len(found) and found[place].text == "(":
            return  # a function
        yield tuple(parts)
        if place < len(found) and found[place].text.upper() == "AS":
            place += 1
        if place + 1 < len(found) and found[place].kind in _NAME and found[place + 1].text == ",":
            place += 1
        if place >= len(found) or found[place].text != ",":
            return
        place += 1


def _plain(token: Token) -> str:
    if token.kind == "word":
        return token.text.lower()
    mark = token.text[0]
    return token.text[1:-1].replace(mark * 2, mark)


def _identified(parts: Sequence[str], defaults: Defaults) -> TableIdentifier | None:
    whole = (defaults.catalog, defaults.db_schema)[: 3 - len(parts)] + tuple(parts)
    if len(whole) != 3 or not all(whole) or whole[1] in _NO_CATALOG_ASKED:
        return None
    return TableIdentifier(*whole)
