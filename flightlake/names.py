"""Names of catalogs, schemas and tables, and how they are quoted.

A Flight SQL ``db_schema`` is an Iceberg namespace whose levels are joined by dots:
``("bronze", "inventory")`` is ``bronze.inventory``, one quoted SQL identifier
``"bronze.inventory"``.  A level that itself holds a dot cannot be told apart from two levels,
so such a namespace is not offered (``from_namespace`` returns None).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_SEPARATOR = "."
AS_OF_MARK = "\x01"
"""In the table part of an identifier, between its name and the version it is read at."""
MAIN = "main"
"""What is read and changed where no branch is named."""


@dataclass(frozen=True, slots=True, order=True)
class TableIdentifier:
    """The three-part name of a table."""

    catalog: str
    db_schema: str
    table: str

    def __str__(self) -> str:
        table, mark, version = self.table.partition(AS_OF_MARK)
        name = ".".join(quote(part) for part in (self.catalog, self.db_schema, table))
        return f"{name} FOR {version}" if mark else name


def branch_named(name: str) -> str:
    """Return the branch that *name* means; ``main`` is none of its own, and so ``""``."""
    return "" if name == MAIN else name


def quote(name: str) -> str:
    """Return *name* as an SQL identifier, quoted only where it must be.

    >>> quote("orders"), quote("Orders"), quote('a"b'), quote("bronze.inventory")
    ('orders', '"Orders"', '"a""b"', '"bronze.inventory"')
    """
    plain = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower()
    if plain and name and not name[0].isdigit():
        return name
    return quote_always(name)


def quote_always(name: str) -> str:
    """Return *name* as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def to_namespace(db_schema: str) -> tuple[str, ...]:
    """Return the Iceberg namespace levels of a ``db_schema``."""
    return tuple(db_schema.split(_SEPARATOR))


def from_namespace(levels: Sequence[str]) -> str | None:
    """Return the ``db_schema`` of an Iceberg namespace, or None if a level holds a dot."""
    if not levels or any(_SEPARATOR in level or not level for level in levels):
        return None
    return _SEPARATOR.join(levels)


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate most like *name*, if one is close enough to be a likely typo."""
    # Imported here: only error messages need it.
    from difflib import get_close_matches

    by_lower = {candidate.lower(): candidate for candidate in candidates}
    matches = get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None
