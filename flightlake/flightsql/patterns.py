"""The search patterns of GetDbSchemas and GetTables, and of SHOW … LIKE.

``%`` stands for any characters or none, ``_`` for exactly one; a backslash before one of the
three takes it literally (SQL_SEARCH_STRING_ESCAPE).  Letter case counts, as it does in
Iceberg.  Matching takes time proportional to pattern times name at worst, so no pattern can
hold the server up.
"""

from collections.abc import Callable
from enum import Enum, auto

ESCAPE = "\\"
_SPECIAL = frozenset({"%", "_", ESCAPE})


class _Wild(Enum):
    ONE = auto()
    MANY = auto()


_Token = str | _Wild


def matcher(pattern: str | None) -> Callable[[str], bool]:
    """Return the test for *pattern*; None lets every name pass."""
    if pattern is None:
        return lambda name: True
    tokens = _tokens(pattern)
    return lambda name: _matches(tokens, name)


def literal(pattern: str | None) -> str | None:
    """Return the one name a client means by *pattern*, or None if it means several.

    An unescaped ``_`` is taken for itself: many clients put a table's name where a pattern
    belongs without escaping it.
    """
    if pattern is None:
        return None
    tokens = _tokens(pattern)
    if _Wild.MANY in tokens:
        return None
    return "".join("_" if token is _Wild.ONE else str(token) for token in tokens)


def _tokens(pattern: str) -> list[_Token]:
    tokens: list[_Token] = []
    characters = iter(pattern)
    for character in characters:
        if character == ESCAPE:
            following = next(characters, "")
            # Before anything else, and at the end, the backslash stands for itself.
            if following not in _SPECIAL:
                tokens.append(ESCAPE)
            if following:
                tokens.append(following)
        elif character == "%":
            if not tokens or tokens[-1] is not _Wild.MANY:
                tokens.append(_Wild.MANY)
        else:
            tokens.append(_Wild.ONE if character == "_" else character)
    return tokens


def _matches(tokens: list[_Token], name: str) -> bool:
    """Match greedily; on a mismatch let the last MANY take one character more."""
    token = position = 0
    many, taken = -1, 0
    while position < len(name):
        if token < len(tokens) and tokens[token] is _Wild.MANY:
            many, taken = token, position
            token += 1
        elif token < len(tokens) and tokens[token] in (_Wild.ONE, name[position]):
            token += 1
            position += 1
        elif many >= 0:
            taken += 1
            token, position = many + 1, taken
        else:
            return False
    return all(rest is _Wild.MANY for rest in tokens[token:])
