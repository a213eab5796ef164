"""The statements about materialized views, as values."""

from collections.abc import Sequence
from dataclasses import dataclass

from flightlake.errors import InvalidSql
from flightlake.lake.given import Columns
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.names import TableIdentifier, quote

Name = tuple[str, ...]
"""One to three parts: table, schema.table, or catalog.schema.table."""


@dataclass(frozen=True, slots=True)
class Create:
    """``query`` is verbatim, without a semicolon at its end; ``mode`` is ``AUTO`` or ``FULL``."""

    name: Name
    query: str
    replace: bool = False
    if_not_exists: bool = False
    partitioned_by: Sequence[LayoutTerm] = ()
    mode: str = "AUTO"


@dataclass(frozen=True, slots=True)
class Refresh:
    """``full`` reads everything again even if nothing has changed."""

    names: Sequence[Name]
    full: bool = False


@dataclass(frozen=True, slots=True)
class Drop:
    """``keep_table`` leaves an ordinary table with the rows."""

    name: Name
    if_exists: bool = False
    keep_table: bool = False


@dataclass(frozen=True, slots=True)
class ShowAll:
    """All views, of all catalogs that have any."""


@dataclass(frozen=True, slots=True)
class ShowCreate:
    """The statement that makes one view."""

    name: Name


@dataclass(frozen=True, slots=True)
class Describe:
    """What there is to say of one view."""

    name: Name


@dataclass(frozen=True, slots=True)
class GivenView:
    """A view that is still to be made; ``columns`` is None where they are not known yet."""

    name: Name
    columns: Columns | None


@dataclass(frozen=True, slots=True)
class ExplainCreate:
    """What ``create`` would make, checked as if the views of ``given`` were there."""

    create: Create
    given: Sequence[GivenView] = ()


ViewStatement = Create | Refresh | Drop | ShowAll | ShowCreate | Describe | ExplainCreate


def identified(name: Name, catalog: str, db_schema: str) -> TableIdentifier:
    """Return *name* in full, where *catalog* and *db_schema* (``""``: none) are the defaults.

    Raises:
        InvalidSql: A part is missing and has no default.
    """
    written = ".".join(map(quote, name))
    if len(name) == 1 and not db_schema:
        raise InvalidSql(
            f"view {written} has no schema in front of it, and the session no default: write"
            " schema.view, or set the session option 'schema'"
        )
    if len(name) < 3 and not catalog:
        raise InvalidSql(
            f"view {written} has no catalog in front of it, and the session no default: write"
            " catalog.schema.view, or set the session option 'catalog'"
        )
    parts = (catalog, db_schema)[: 3 - len(name)] + name
    return TableIdentifier(*parts)
