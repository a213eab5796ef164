"""Texts that the planner cannot bear, told from their tokens before it sees them.

Flat chains of thousands of operators make it overrun its stack, which ends the process
(apache/datafusion#22936); a common table expression is planned anew wherever it is named, and
``CUBE`` makes two to the power of its columns of groupings, so that a short text can take all
memory.  Planning cannot be interrupted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flightlake.engine.sql_tokens import Token
from flightlake.errors import Overloaded

# The longest chains of these that plan in seconds; at about 10,000 the planner overruns its stack.
_CHAINING = frozenset(
    {
        "AND", "OR", "+", "-", "*", "/", "%", "||", "::", "IS", "LIKE", "ILIKE", "NOT",
        "=", "<", ">", "<=", ">=", "<>", "!=", "->", "->>", "BETWEEN", "XOR", "&", "|", "^", "#",
        "~", "!", "@", "AT", "IN", "SIMILAR", "DIV", "REGEXP", "RLIKE", "COLLATE", "[",
    }
)  # fmt: skip
_SET_OPERATIONS = frozenset({"UNION", "INTERSECT", "EXCEPT", "MINUS"})
MAX_TOKENS = 100_000
MAX_OPERATORS = 3_000
MAX_SET_OPERATIONS = 300
MAX_JOINS = 200
MAX_RELATIONS = 1_000
MAX_CUBE_COLUMNS = 12
MAX_NESTING_IN_TYPE = 50
MAX_FIXED_SIZE = 1_000_000

_ARROW_CAST = frozenset({"ARROW_CAST", "ARROW_TRY_CAST"})
_FIXED_SIZE = re.compile(r"FixedSize(?:List|Binary)\s*\(\s*(\d+)", re.IGNORECASE)
# What ends the list of relations behind FROM, at the same depth of parentheses.
_BEHIND_FROM = frozenset(
    {"SELECT", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "WINDOW", "QUALIFY"}
) | _SET_OPERATIONS  # fmt: skip


def require_bearable(found: Sequence[Token]) -> None:
    """Return if a statement of these tokens can be planned.

    Raises:
        Overloaded: It has too much of something, which the message names.
    """
    upper = [token.text.upper() for token in found if token.kind in ("word", "operator")]
    shape = _shape(found)
    counts = (
        ("tokens", len(found), MAX_TOKENS),
        ("operators", sum(word in _CHAINING for word in upper), MAX_OPERATORS),
        ("set operations", sum(word in _SET_OPERATIONS for word in upper), MAX_SET_OPERATIONS),
        ("joins", shape.joins, MAX_JOINS),
        ("relations in FROM, its WITH clauses written out,", shape.relations, MAX_RELATIONS),
        ("columns in a CUBE", shape.cube_columns, MAX_CUBE_COLUMNS),
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
                _require_bearable_type(token.text)


def _require_bearable_type(text: str) -> None:
    # A type's name is parsed recursively and a fixed size is allocated at once: both have
    # ended the process.
    sizes = [int(size) for size in _FIXED_SIZE.findall(text)]
    if text.count("(") > MAX_NESTING_IN_TYPE or any(size > MAX_FIXED_SIZE for size in sizes):
        raise Overloaded("the type named in arrow_cast is too large or too deeply nested")


@dataclass(slots=True)
class _Shape:
    joins: int = 0
    relations: int = 0
    cube_columns: int = 0


@dataclass(slots=True)
class _Parentheses:
    """What has been seen between a parenthesis and the place the reader has come to."""

    defines: str = ""
    is_cube: bool = False
    commas: int = 0
    in_from: bool = False
    relations: int = 0


def _shape(found: Sequence[Token]) -> _Shape:
    shape = _Shape()
    written_out: dict[str, int] = {}
    open_ = [_Parentheses()]
    before = ""
    for place, token in enumerate(found):
        word, inner = token.text.upper(), open_[-1]
        if token.kind == "operator" and word == "(":
            open_.append(_Parentheses(_defined(found, place), before == "CUBE"))
        elif token.kind == "operator" and word == ")" and len(open_) > 1:
            open_.pop()
            if inner.defines:
                written_out[inner.defines] = inner.relations
            else:
                open_[-1].relations += inner.relations
            if inner.is_cube:
                shape.cube_columns = max(shape.cube_columns, inner.commas + 1)
        elif token.kind == "operator" and word == ",":
            inner.commas += 1
            shape.joins += inner.in_from
        elif token.kind == "word":
            shape.joins += word == "JOIN"
            if word == "FROM":
                inner.in_from = before != "DISTINCT"  # IS DISTINCT FROM
            elif word in _BEHIND_FROM:
                inner.in_from = False
        if inner.in_from and before in ("FROM", "JOIN", ",", "LATERAL"):
            inner.relations += 1 + written_out.get(_name(token), 0)
        before = word
    shape.relations = sum(part.relations for part in open_)
    return shape


def _defined(found: Sequence[Token], place: int) -> str:
    """Return the name of the WITH clause whose body begins at *place*; else an empty text."""
    place -= 1
    while place >= 0 and found[place].text.upper() in ("NOT", "MATERIALIZED"):
        place -= 1
    if place < 1 or found[place].text.upper() != "AS":
        return ""
    place -= 1
    if found[place].text == ")":  # name (column, …) AS (
        while place > 0 and found[place].text != "(":
            place -= 1
        place -= 1
    return _name(found[place]) if place >= 0 else ""


def _name(token: Token) -> str:
    if token.kind == "identifier":
        return token.text[1:-1]
    return token.text.lower() if token.kind == "word" else ""
