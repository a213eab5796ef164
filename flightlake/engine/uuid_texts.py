"""UUIDs that a statement writes as text, as ``id = '0b9f…'``, and that are bytes to the engine.

The engine compares 16 bytes with 16 bytes only, and everything else it refuses.  So a statement
that it refuses is tried once more with the UUIDs that something is compared with as bytes: what
it takes then is right, for a text that was meant as text would be refused in turn.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import pyarrow as pa

from flightlake.engine.sql_tokens import Token, tokens

UUID_TYPE = pa.binary(16)
REFUSAL = "FixedSizeBinary(16)"
"""Stands in what the engine says where it cannot compare a UUID with a text."""

_SHAPE = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SIGNS = frozenset({"=", "<>", "!=", "<", "<=", ">", ">="})
_NAMES = ("word", "identifier")


@dataclass(frozen=True, slots=True)
class _Compared:
    """A UUID written as text: where its token is, and the column it is compared with, if any."""

    token: Token
    value: UUID
    column: str | None


def uuid_of(value: object) -> UUID | None:
    """Return the UUID that a text is in its usual form; None for anything else."""
    return UUID(value) if isinstance(value, str) and _SHAPE.fullmatch(value) else None


def has_uuids(sql: str, values: Mapping[str, pa.Scalar]) -> bool:
    """Whether *sql* or the *values* of its parameters may have UUIDs as text."""
    return bool(_SHAPE.search(sql)) or any(_is_text(value) for value in values.values())


def with_bytes(
    sql: str, values: Mapping[str, pa.Scalar], columns: Sequence[pa.Field]
) -> Iterator[str]:
    """Yield *sql* with the UUIDs in it as bytes that may be meant so, the surest reading first.

    Args:
        sql: The statement, its parameters written ``$1``.
        values: Those of the parameters.
        columns: Those of its tables.  What is compared with a UUID is one; what is compared with
            another column is none; of anything else only the engine knows.
    """
    compared = list(_compared(list(tokens(sql)), values))
    uuids = {column.name for column in columns if column.type == UUID_TYPE}
    others = {column.name for column in columns} - uuids
    sure = [found for found in compared if found.column in uuids]
    possible = [found for found in compared if found.column not in others]
    yield _rewritten(sql, sure)
    if len(possible) > len(sure):
        yield _rewritten(sql, possible)


def _rewritten(sql: str, chosen: Sequence[_Compared]) -> str:
    parts, last = [], 0
    for found in chosen:
        parts += [sql[last : found.token.start], f"arrow_cast(X'{found.value.hex}', '{REFUSAL}')"]
        last = found.token.start + len(found.token.text)
    return "".join([*parts, sql[last:]])


def _is_text(value: pa.Scalar) -> bool:
    return pa.types.is_string(value.type) and uuid_of(value.as_py()) is not None


def _compared(found: Sequence[Token], values: Mapping[str, pa.Scalar]) -> Iterator[_Compared]:
    for place, token in enumerate(found):
        value = _value(token, values)
        if value is None:
            continue
        start = _start_of_comparison(found, place)
        if start is not None:
            yield _Compared(token, value, _column_before(found, start))
        elif place + 1 < len(found) and found[place + 1].text in _SIGNS:
            yield _Compared(token, value, _column_behind(found, place + 2))


def _value(token: Token, values: Mapping[str, pa.Scalar]) -> UUID | None:
    if token.kind == "string" and token.text.startswith("'"):
        return uuid_of(token.text[1:-1])
    if token.kind == "numbered":
        bound = values.get(token.text[1:])
        return None if bound is None else uuid_of(bound.as_py())
    return None


def _start_of_comparison(found: Sequence[Token], place: int) -> int | None:
    """Return where the sign, IN or BETWEEN is that puts *place* on the right of a comparison."""
    before = place - 1
    word = found[before].text.upper() if before >= 0 else ""
    if word in _SIGNS or word == "BETWEEN":
        return before
    if word == "AND" and before >= 2 and found[before - 2].text.upper() == "BETWEEN":
        return before - 2
    while before >= 0 and (found[before].text == "," or found[before].kind in _LISTED):
        before -= 1
    in_list = before >= 1 and found[before].text == "(" and found[before - 1].text.upper() == "IN"
    return before - 1 if in_list else None


_LISTED = frozenset({"string", "numbered"})


def _column_before(found: Sequence[Token], sign: int) -> str | None:
    before = sign - 1
    if before >= 0 and found[before].text.upper() == "NOT":
        before -= 1
    return _name(found[before]) if before >= 0 else None


def _column_behind(found: Sequence[Token], place: int) -> str | None:
    """Return the last part of the name that begins at *place*."""
    while place + 2 < len(found) and found[place + 1].text == ".":
        place += 2
    return _name(found[place]) if place < len(found) else None


def _name(token: Token) -> str | None:
    if token.kind not in _NAMES:
        return None
    return token.text[1:-1].replace('""', '"') if token.kind == "identifier" else token.text.lower()
