"""What a statement asks of a table's rows, as far as files can be left out by it.

A predicate is a *promise* by the engine: rows for which it is not true are of no use to the
statement.  Leaving a part of a condition out is always allowed (more files are read);
inventing one never is.  Columns are named as in the table's schema; only top-level columns.
Comparison with NULL is never true.
"""

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

Operator = Literal["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Comparison:
    """``column operator value``; *value* is not null and has exactly the column's Arrow type."""

    column: str
    operator: Operator
    value: pa.Scalar


@dataclass(frozen=True, slots=True)
class In:
    """``column IN (values)``; like ``Comparison`` for each value."""

    column: str
    values: tuple[pa.Scalar, ...]


@dataclass(frozen=True, slots=True)
class IsNull:
    """``column IS NULL``."""

    column: str


@dataclass(frozen=True, slots=True)
class IsNotNull:
    """``column IS NOT NULL``."""

    column: str


@dataclass(frozen=True, slots=True)
class StartsWith:
    """``column LIKE 'prefix%'`` for a string column."""

    column: str
    prefix: str


@dataclass(frozen=True, slots=True)
class And:
    """All of *parts*."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of *parts*."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Anything:
    """True for every row: nothing can be left out."""


Predicate = Comparison | In | IsNull | IsNotNull | StartsWith | And | Or | Anything
