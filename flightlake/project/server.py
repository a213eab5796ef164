"""The server that a project is held against, and what it tells of a view that is to be made."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from flightlake.errors import Conflict, FlightlakeError
from flightlake.names import TableIdentifier, quote_always
from flightlake.project.settings import literal

_SOURCE = re.compile(r"(?: at (?:snapshot|version) -?\d+|, empty|, not read yet)$")
"""What DESCRIBE says behind the name of a source."""
_TRIES = 4


class Refused(FlightlakeError):
    """The server refuses a statement for what it says: it is the statement that must change."""


class Server(Protocol):
    """Runs statements on a Flight SQL server, in a session that has no options."""

    def ask(self, sql: str, catalog: str = "", db_schema: str = "") -> list[dict[str, Any]]:
        """Return the rows of *sql*, a statement about views, on the branch that this is for.

        Names in it begin at *catalog* and *db_schema*, or are full.

        Raises:
            Refused: It cannot be done as it is written; says why.
            FlightlakeError: The server does not answer, or not to this caller, or not now.
        """
        ...

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of *sql*, a query in which all names are full; raises like ``ask``."""
        ...


def placed(sql: str, branch: str, catalog: str = "", db_schema: str = "") -> str:
    """Return *sql*, a statement about views, as one that says where it is.

    Session options would do, too; but a driver learns of the answer that sets them a moment
    after it has read it, and what is sent meanwhile is sent without them.
    """
    # In the same line: places that the server tells stay what they are.
    found = f"ON BRANCH {literal(branch)} {sql}" if branch else sql
    if not catalog:
        return found
    return f"IN SCHEMA {quote_always(catalog)}.{quote_always(db_schema)} {found}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a view, with its Iceberg type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Present:
    """A view as it is now: what it is made of and how large.

    ``fingerprint`` is empty if its query does not run any more, and ``problem`` says why.
    ``older`` are the views whose rows it holds as they were before their definition changed.
    """

    query: str
    columns: tuple[Column, ...]
    settings: tuple[str, ...]
    rows: int
    bytes: int
    fingerprint: str
    problem: str
    older: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """What the server says of a view that is to be made.

    ``reads`` are the given views that it reads, ``sources`` all that it reads.  ``schema`` is
    for statements that read it; None if a given view's columns were not known.
    """

    reads: tuple[str, ...]
    sources: tuple[str, ...]
    columns: tuple[Column, ...]
    schema: str | None
    settings: tuple[str, ...]
    fingerprint: str
    present: Present | None


def insist(
    server: Server, sql: str, catalog: str = "", db_schema: str = ""
) -> list[dict[str, Any]]:
    """Return the rows of *sql*, again if somebody else changed the same view just then.

    Raises:
        FlightlakeError: As ``Server.ask`` does; a ``Conflict`` after several in a row.
    """
    for _ in range(_TRIES - 1):
        with suppress(Conflict):  # nothing was done, or it would be another error
            return server.ask(sql, catalog, db_schema)
    return server.ask(sql, catalog, db_schema)


def explain_head(given: Mapping[TableIdentifier, str | None]) -> str:
    """Return how a statement begins that explains a view over those of *given*."""
    told = []
    for view, schema in given.items():
        name = quoted(view)
        told.append(name if schema is None else f"{name} {literal(schema)}")
    return f"EXPLAIN GIVEN {', '.join(told)} CREATE" if told else "EXPLAIN CREATE"


def quoted(view: TableIdentifier) -> str:
    """Return the name of *view* as SQL, every part of it quoted."""
    return ".".join(map(quote_always, (view.catalog, view.db_schema, view.table)))


def explained(rows: Iterable[Mapping[str, Any]]) -> Explained:
    """Return what the *rows* of EXPLAIN CREATE MATERIALIZED VIEW say."""
    told: dict[str, list[str]] = {}
    for row in rows:
        told.setdefault(str(row["property"]), []).append(str(row["value"]))

    def all_of(name: str) -> tuple[str, ...]:
        return tuple(told.get(name, ()))

    def one(name: str) -> str:
        return next(iter(told.get(name, ())), "")

    present = None
    if "present" in told:
        present = Present(
            query=one("present query"),
            columns=_columns(all_of("present column")),
            settings=all_of("present setting"),
            rows=int(one("present rows")),
            bytes=int(one("present bytes")),
            fingerprint=one("present fingerprint"),
            problem=one("present problem"),
            older=all_of("made of older"),
        )
    return Explained(
        reads=all_of("reads"),
        sources=all_of("source"),
        columns=_columns(all_of("column")),
        schema=one("schema") or None,
        settings=all_of("setting"),
        fingerprint=one("fingerprint"),
        present=present,
    )


def identifier(name: str) -> TableIdentifier:
    """Return the three parts of a name as the server writes it."""
    catalog, rest = _part(name, ".")
    db_schema, rest = _part(rest, ".")
    return TableIdentifier(catalog, db_schema, _part(rest, ".")[0])


def sources_in(description: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of what a view reads, of the rows of DESCRIBE MATERIALIZED VIEW."""
    told = [str(row["value"]) for row in description if row["property"] == "source"]
    return [_SOURCE.sub("", source) for source in told]


def _columns(told: Sequence[str]) -> tuple[Column, ...]:
    """Read columns, each a name and an Iceberg type, which may hold a space."""
    return tuple(Column(*_part(text, " ")) for text in told)


def _part(text: str, end: str) -> tuple[str, str]:
    """Return the name that *text* begins with, quoted or up to *end*, and what is behind it."""
    if not text.startswith('"'):
        name, _, rest = text.partition(end)
        return name, rest
    close = 1
    while text[close] != '"' or text[close + 1 : close + 2] == '"':
        close += 2 if text[close] == '"' else 1
    return text[1:close].replace('""', '"'), text[close + 2 :]
