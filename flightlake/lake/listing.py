"""Which schemas and tables there are, over all catalogs, even if one of them is down.

When somebody asks for one catalog by name and it does not answer, that is an error.  When all
are asked for, the others are listed: a BI tool lists everything when it connects, and one catalog
that is dead, or closed to the caller, must not make every other unusable.  So that the list is
not cut short in secret, the answer names the catalogs that are missing; and if no catalog answers
there is no list.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from flightlake.errors import NotFound, NotPermitted, NotReady
from flightlake.lake.catalogs import Catalog, Catalogs
from flightlake.names import TableIdentifier

T = TypeVar("T")

Matches = Callable[[str], bool]
"""Whether a name is asked for."""


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What was found, ordered by catalog, and the catalogs that did not answer."""

    items: tuple[T, ...]
    unreachable: tuple[str, ...] = ()


def catalog_names(catalogs: Catalogs, requested: str | None) -> list[str]:
    """Return the names a ``catalog`` filter asks for, sorted.

    None asks for all, ``""`` for what belongs to no catalog (nothing, here), any other text for
    exactly that name.
    """
    return sorted(name for name in catalogs if requested is None or name == requested)


def db_schemas(
    catalogs: Catalogs, requested: str | None, schema_matches: Matches
) -> Found[tuple[str, str]]:
    """Return the schemas asked for, each with its catalog's name first.

    Raises:
        NotReady: The requested catalog does not answer, or none of them all.
    """

    def read(catalog: Catalog) -> Iterable[tuple[str, str]]:
        names = sorted(name for name in catalog.db_schemas() if schema_matches(name))
        return [(catalog.name, name) for name in names]

    return from_each(catalogs, requested, read)


def tables_in(
    catalog: Catalog, schema_matches: Matches, table_matches: Matches
) -> list[TableIdentifier]:
    """Return the tables of one catalog that are asked for, sorted.

    Raises:
        NotReady: The catalog does not answer.
    """
    return listed_in(
        catalog, lambda catalog, schema: catalog.tables(schema), schema_matches, table_matches
    )


def listed_in(
    catalog: Catalog,
    names: Callable[[Catalog, str], list[str]],
    schema_matches: Matches,
    name_matches: Matches,
) -> list[TableIdentifier]:
    """Return what *names* finds in the schemas of one catalog and is asked for, sorted.

    Raises:
        NotReady: The catalog does not answer.
    """
    return sorted(
        TableIdentifier(catalog.name, db_schema, name)
        for db_schema in catalog.db_schemas()
        if schema_matches(db_schema)
        for name in _found(catalog, names, db_schema)
        if name_matches(name)
    )


def from_each(
    catalogs: Catalogs, requested: str | None, read: Callable[[Catalog], Iterable[T]]
) -> Found[T]:
    """Return what *read* finds in each catalog asked for, going on without those that are down.

    The items of a catalog stay in the order *read* gives them.

    Raises:
        NotReady: The requested catalog does not answer, or none of them all.
    """
    items: list[T] = []
    unreachable: list[str] = []
    names = catalog_names(catalogs, requested)
    for name in names:
        try:
            items.extend(read(catalogs[name]))
        except (NotReady, NotPermitted):
            if len(names) == 1:
                raise
            unreachable.append(name)
    if names and len(unreachable) == len(names):
        raise NotReady(f"none of the catalogs answers ({', '.join(names)}); try again later")
    return Found(tuple(items), tuple(unreachable))


def _found(
    catalog: Catalog, names: Callable[[Catalog, str], list[str]], db_schema: str
) -> list[str]:
    try:
        return names(catalog, db_schema)
    except NotFound:
        # Dropped since the schemas were listed.
        return []
