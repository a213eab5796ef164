"""How a table of the corpus is made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from tests.corpus.writers.workshop import Workshop

Step: TypeAlias = "str | Callable[[Workshop, str], None]"
"""A statement for Spark, in which ``{t}`` is the table; or what is done to the table of a name."""


@dataclass(frozen=True)
class Recipe:
    """A table, what it is good for, and the steps that make it.

    ``reader`` is who answers: ``spark``, or ``java`` (Iceberg's own reader) where Spark does not
    know a type, or ``nobody`` for a table that must be refused.  Where Spark fails on a table that
    is right by the specification, ``expected`` is a query for the rows it should have.
    """

    name: str
    features: frozenset[str]
    steps: tuple[Step, ...]
    reader: str = "spark"
    writer: str = "spark"
    expected: str = ""


def recipe(
    name: str,
    features: str,
    *steps: Step,
    reader: str = "spark",
    writer: str = "spark",
    expected: str = "",
) -> Recipe:
    """Return a recipe; *features* are words."""
    reader = "specification" if expected else reader
    return Recipe(name, frozenset(features.split()), steps, reader, writer, expected)


def create(columns: str, partitioned: str = "", version: int = 2, **properties: str) -> str:
    """Return the statement that creates ``{t}``.

    Properties are written with ``_`` for ``.`` and ``__`` for ``-``.
    """
    told = {"format-version": str(version)} | {
        name.replace("__", "-").replace("_", "."): value for name, value in properties.items()
    }
    shown = ", ".join(f"'{name}' = '{value}'" for name, value in told.items())
    by = f" PARTITIONED BY ({partitioned})" if partitioned else ""
    return f"CREATE TABLE {{t}} ({columns}) USING iceberg{by} TBLPROPERTIES ({shown})"


def insert(*rows: str) -> str:
    """Return the statement that inserts *rows*, each the text of a row without parentheses."""
    return "INSERT INTO {t} VALUES " + ", ".join(f"({row})" for row in rows)
