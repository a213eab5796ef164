"""What a view reads: checked when the view is made, and pinned at one instant for a refresh.

Reading the heads of several tables takes time, in which any of them may move.  So they are read
twice: if nothing moved in between, all of them were current together at the moment between the
two readings, and that vector of snapshots is what the refresh reads.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from flightlake.engine.engine import Defaults, Engine, Survey
from flightlake.engine.sql_text import Kind, SqlText, read
from flightlake.engine.volatility import volatile
from flightlake.errors import InvalidSql, NotFound, NotPermitted, NotReady, Unsupported
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.mapping import naming_of
from flightlake.lake.materialized import is_materialized_view
from flightlake.lake.table import IcebergTable
from flightlake.names import AS_OF_MARK, TableIdentifier
from flightlake.refresh.records import Source, state_of
from flightlake.refresh.waiting import waiting_of

_ROUNDS = 20
"""Readings after which sources that still move are given up."""


@dataclass(frozen=True, slots=True)
class Vector:
    """What a query reads, all of which was current at the instant ``as_of``."""

    survey: Survey
    as_of: datetime

    @property
    def sources(self) -> tuple[Source, ...]:
        """The tables and views, sorted by name."""
        tables, views = self.survey.tables, self.survey.views
        return tuple(
            Source(
                name,
                "view" if name in views else "table",
                pin.uuid,
                pin.snapshot_id,
                pin.schema_id,
                naming_of(tables[name].metadata) if name in tables else None,
            )
            for name, pin in sorted(self.survey.pins.items())
        )


def readable_query(query: str) -> SqlText:
    """Return the query of a view, which may go to the engine.

    Raises:
        InvalidSql: It is no query, has parameters, or holds functions that give something else
            each time, or with each build of the server.
        Unsupported, Overloaded: It is of a kind that is refused.
    """
    text = read(query)
    if text.kind is not Kind.SELECT:
        raise InvalidSql("a materialized view is made of a query: write SELECT behind AS")
    if text.parameters:
        raise InvalidSql("the query of a materialized view has no parameters; write their values")
    name = volatile(query)
    if name is not None:
        raise InvalidSql(
            f"the query of a materialized view must give the same rows whenever it is run, and"
            f" {name} does not; leave it out, or quote it if it is the name of a column"
        )
    return text


def collect(
    engine: Engine,
    text: SqlText,
    defaults: Defaults,
    catalogs: Catalogs,
    now: Callable[[], datetime],
    unmade: bool = False,
) -> Vector:
    """Return what *text* reads, all of it current at one instant.

    *unmade* is as for ``engine.tables.StatementTables``.

    Raises:
        FlightlakeError: The query is wrong, or a table is missing.
        NotReady: The sources change faster than they can be read together.
    """
    with _allowed():
        found = engine.survey(text, defaults, catalogs, unmade=unmade)
        for _ in range(_ROUNDS // 2):
            between = now()
            again = engine.reread(found, defaults, catalogs, unmade)
            if _same(found, again):
                return Vector(again, between)
            between = now()
            found = engine.survey(text, defaults, catalogs, unmade=unmade)
            if _same(again, found):
                return Vector(found, between)
    raise NotReady(
        "the tables that the view reads change faster than they can be read together; try again"
    )


def check(view: TableIdentifier, survey: Survey, catalogs: Catalogs) -> None:
    """Return if the view called *view* may be made of what *survey* says.

    Raises:
        InvalidSql: It would read itself, straight or through others; or a view it reads gives
            something else each time.
        Unsupported: It reads what has no snapshots.
    """
    if survey.unpinned:
        raise Unsupported(
            f"a materialized view cannot read {survey.unpinned[0]}, which has no snapshots; read"
            " tables only"
        )
    for source in survey.views.values():
        for representation in source.representations:
            name = volatile(representation.sql)
            if name is not None:
                raise InvalidSql(
                    f"view {source.identifier} gives something else each time, because of {name};"
                    " a materialized view cannot read it"
                )
    if any(_named(source) == view for source in survey.pins):
        raise InvalidSql(f"materialized view {view} cannot read itself; name other tables")
    known = {_named(name): table for name, table in survey.tables.items()}
    through = _reads(view, known, catalogs)
    if through is not None:
        raise InvalidSql(
            f"materialized view {view} cannot read {through}, which itself reads {view}"
        )


@contextmanager
def _allowed() -> Iterator[None]:
    try:
        yield
    except NotPermitted as refused:
        raise NotPermitted(
            "a materialized view is read by everybody, so it can only be made of catalogs that this"
            " server reads with its own credentials, and not with those of whoever asks"
        ) from refused


def _same(one: Survey, other: Survey) -> bool:
    if one.pins != other.pins:
        return False
    # Not by snapshot alone: a rollback there and back brings the same one again.
    return all(
        table.metadata is other.tables[name].metadata
        or table.metadata == other.tables[name].metadata
        for name, table in one.tables.items()
    )


def _named(name: TableIdentifier) -> TableIdentifier:
    table = name.table.partition(AS_OF_MARK)[0]
    return TableIdentifier(name.catalog, name.db_schema, table)


def _reads(
    view: TableIdentifier, known: Mapping[TableIdentifier, IcebergTable], catalogs: Catalogs
) -> TableIdentifier | None:
    """Return the table through which *view* would read itself, None if it would not.

    *known* are the tables that it reads.
    """
    waiting = list(known)
    seen: set[TableIdentifier] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        sources = _sources_of(name, known, catalogs)
        if view in sources:
            return name
        waiting.extend(sources)
    return None


def _sources_of(
    name: TableIdentifier, known: Mapping[TableIdentifier, IcebergTable], catalogs: Catalogs
) -> list[TableIdentifier]:
    try:
        table = known.get(name) or catalogs[name.catalog].load(name.db_schema, name.table)
    except (KeyError, NotFound):
        return []
    metadata = table.metadata
    if not is_materialized_view(metadata):
        return []
    uuid = str(metadata.table_uuid)
    told = state_of(metadata.properties, uuid) or waiting_of(metadata.properties, uuid)
    return [] if told is None else [_named(source.identifier) for source in told.sources]


def place(snapshot_id: int | None) -> str:
    """Return a snapshot as it is spoken of."""
    return "no snapshot" if snapshot_id is None else f"snapshot {snapshot_id}"
