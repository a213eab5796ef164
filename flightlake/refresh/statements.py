"""The statements about materialized views, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flightlake.errors import InvalidSql
from flightlake.lake.given import Columns
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.names import TableIdentifier, quote
from flightlake.refresh.policy import Policy

Name = tuple[str, ...]
"""One to three parts: table, schema.table, or catalog.schema.table."""


@dataclass(frozen=True, slots=True)
class Create:
    """``query`` is verbatim, without a semicolon at its end; ``mode`` is ``AUTO``, ``FULL``
    or ``INCREMENTAL``.

    ``on_schedule`` leaves the rows to the first refresh.
    """

    name: Name
    query: str
    replace: bool = False
    if_not_exists: bool = False
    partitioned_by: Sequence[LayoutTerm] = ()
    mode: str = "AUTO"
    policy: Policy = field(default_factory=Policy)
    on_schedule: bool = False


@dataclass(frozen=True, slots=True)
class Refresh:
    """``full`` reads everything again even if nothing has changed.

    ``asynchronous`` answers at once, and refreshes afterwards.
    """

    names: Sequence[Name]
    full: bool = False
    asynchronous: bool = False


@dataclass(frozen=True, slots=True)
class RefreshAll:
    """All views of a schema, each after those that it reads; see ``Refresh``."""

    db_schema: Name
    full: bool = False
    asynchronous: bool = False


@dataclass(frozen=True, slots=True)
class CancelRefresh:
    """Ends a refresh that waits or runs."""

    refresh_id: str


@dataclass(frozen=True, slots=True)
class ExplainRefresh:
    """What a refresh would do, without doing it."""

    name: Name
    full: bool = False


@dataclass(frozen=True, slots=True)
class Verify:
    """Whether a view's rows are those of its query; ``repair`` makes them so."""

    name: Name
    repair: bool = False


@dataclass(frozen=True, slots=True)
class Alter:
    """Changes how a view is refreshed, not its query.

    ``action`` is ``SUSPEND``, ``RESUME``, ``RENAME`` to ``new_name``, ``SET`` of the fields in
    ``values`` (those of ``Policy``; ``mode`` is the definition's), or ``UNSET`` of ``fields``.
    """

    name: Name
    action: str
    new_name: Name = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    fields: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Drop:
    """``keep_table`` leaves an ordinary table with the rows; ``cascade`` drops what reads it."""

    name: Name
    if_exists: bool = False
    keep_table: bool = False
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class ShowAll:
    """All views, of all catalogs that have any; only those of a schema, or named like that.

    ``like`` is a pattern of SQL: ``%`` stands for anything, ``_`` for one character,
    and a backslash takes either as it is (``flightsql.patterns``).
    """

    db_schema: Name = ()
    like: str | None = None


@dataclass(frozen=True, slots=True)
class ShowCreate:
    """The statement that makes one view."""

    name: Name


@dataclass(frozen=True, slots=True)
class Describe:
    """What there is to say of one view."""

    name: Name


@dataclass(frozen=True, slots=True)
class Merge:
    """Makes what ``branch`` has of a view that of ``main``."""

    name: Name
    branch: str


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


@dataclass(frozen=True, slots=True)
class Placed:
    """``statement`` as if the session's catalog and schema were ``place``, its branch ``branch``.

    None leaves that to the session.
    """

    statement: "ViewStatement"
    place: Name | None
    branch: str | None


ViewStatement = (
    Create
    | Refresh
    | RefreshAll
    | CancelRefresh
    | ExplainRefresh
    | Verify
    | Alter
    | Drop
    | ShowAll
    | ShowCreate
    | Describe
    | ExplainCreate
    | Merge
    | Placed
)


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


def identified_schema(name: Name, catalog: str) -> tuple[str, str]:
    """Return the catalog and the schema that *name* (one or two parts) means.

    Raises:
        InvalidSql: It has three parts, or no catalog and there is no default.
    """
    if len(name) == 3:
        raise InvalidSql("a schema has at most two parts, catalog.schema; quote one with dots")
    if len(name) == 1 and not catalog:
        raise InvalidSql(
            f"schema {quote(name[0])} has no catalog in front of it, and the session no default:"
            " write catalog.schema, or set the session option 'catalog'"
        )
    return (catalog, name[0]) if len(name) == 1 else (name[0], name[1])
