"""Finding views by name, and what is known of each without a refresh."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flightlake.engine.system_tables import SYSTEM
from flightlake.errors import (
    FlightlakeError,
    NotFound,
    NotPermitted,
    PreconditionFailed,
    Unsupported,
)
from flightlake.lake.branches import CannotBranch
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.commits import Committed, current
from flightlake.lake.materialized import is_materialized_view
from flightlake.lake.missing import no_schema
from flightlake.lake.writing import WritableCatalog
from flightlake.names import AS_OF_MARK, TableIdentifier, nearest
from flightlake.refresh.policy import Policy, policy_of
from flightlake.refresh.records import Definition, Source, State, definition_of, state_of
from flightlake.refresh.status import Status, status_of, word
from flightlake.refresh.waiting import Waiting, waiting_of


@dataclass(frozen=True, slots=True)
class View:
    """A view as its table tells of it.

    ``definition``, ``policy`` and ``state`` are None where they cannot be read; ``waiting`` is
    None of a view whose rows were made.
    """

    identifier: TableIdentifier
    uuid: str
    snapshot_id: int | None
    definition: Definition | None
    policy: Policy | None
    status: Status
    state: State | None
    waiting: Waiting | None = None

    @property
    def sources(self) -> tuple[Source, ...]:
        """The tables and views that its rows were made of, or will be."""
        told = self.state or self.waiting
        return () if told is None else told.sources

    @property
    def reads(self) -> frozenset[TableIdentifier]:
        """The names of ``sources``, without versions."""
        return frozenset(plain(source.identifier) for source in self.sources)


@dataclass(frozen=True, slots=True)
class Views:
    """The views of a server, read anew from its catalogs by every call.  Thread-safe.

    Args:
        catalogs: What the server itself reads.
        writable: Those that may be written, and so hold views.
    """

    catalogs: Catalogs
    writable: frozenset[str]

    def names_in(self, catalog: str, db_schema: str) -> frozenset[str]:
        """Return the names of the views of a schema; none in catalogs that are not written.

        Raises:
            NotFound: There is no such schema.
            NotReady: The catalog does not answer.
        """
        found: object = self.catalogs.get(catalog)
        if catalog in self.writable and isinstance(found, WritableCatalog):
            return frozenset(found.materialized_views(db_schema))
        return frozenset()

    def existing(self, view: TableIdentifier) -> Committed:
        """Return a view's table.

        Raises:
            NotFound: There is none of that name, or no such catalog.
            PreconditionFailed: It is a table, and no view.
            FlightlakeError: The catalog does not answer, or holds no views.
        """
        found = current(self.catalog(view), view)
        if found is None:
            names = sorted(self.names_in(view.catalog, view.db_schema))
            near = nearest(view.table, names)
            hint = f"; did you mean '{near}'?" if near else ""
            raise NotFound(f"materialized view {view} does not exist{hint}")
        if not is_materialized_view(found.metadata):
            raise PreconditionFailed(f"{view} is a table, and no materialized view")
        return found

    def catalog(self, view: TableIdentifier) -> WritableCatalog:
        """Return the catalog of *view*.

        Raises:
            NotFound: There is no such catalog.
            Unsupported: It cannot hold views.
        """
        catalog = self.catalogs.get(view.catalog)
        if catalog is None:
            known = ", ".join(sorted(self.catalogs)) or "none"
            raise NotFound(f"catalog '{view.catalog}' does not exist (known: {known})")
        if not isinstance(catalog, WritableCatalog):
            raise Unsupported(
                f"catalog '{view.catalog}' cannot hold materialized views: it is read with the"
                " tokens of its callers; put them into another one"
            )
        return catalog

    def writable_catalog(self, view: TableIdentifier) -> WritableCatalog:
        """Return the catalog of *view*, which this server may write.

        Raises:
            NotFound: There is no such catalog or schema.
            NotPermitted: The operator has not allowed it.
            Unsupported: It cannot hold views.
        """
        catalog = self.allowed(view)
        db_schemas = self.catalogs[view.catalog].db_schemas()
        if view.db_schema not in db_schemas:
            raise no_schema(view.catalog, view.db_schema, db_schemas)
        return catalog

    def allowed(self, view: TableIdentifier) -> WritableCatalog:
        """Return the catalog of *view*, which this server may write, whatever schemas it has.

        Raises:
            As ``writable_catalog``.
        """
        catalog = self.catalog(view)
        if view.db_schema == SYSTEM:
            raise NotPermitted(f"schema '{SYSTEM}' is the server's own; use another for views")
        if view.catalog not in self.writable:
            raise NotPermitted(
                f"this server does not write to catalog '{view.catalog}'; its operator can allow it"
                f" by catalogs.{view.catalog}.writable"
            )
        return catalog

    def tables(
        self, catalog: str | None = None, db_schema: str | None = None
    ) -> Iterator[Committed]:
        """Yield the tables of all views, by name; those of one catalog, of one schema.

        Raises:
            NotFound: There is no such schema.
            Unsupported: That catalog has no branches, and one is looked at.
            NotReady: A catalog does not answer.
        """
        for name in sorted(self.writable) if catalog is None else [catalog]:
            found: object = self.catalogs.get(name)
            if name not in self.writable or not isinstance(found, WritableCatalog):
                continue
            schemas = self.catalogs[name].db_schemas() if db_schema is None else [db_schema]
            for schema in schemas:
                try:
                    names = found.materialized_views(schema)
                except (NotFound, CannotBranch):  # dropped since it was listed; not of a branch
                    if db_schema is not None:
                        raise
                    continue
                for view in names:
                    table = current(found, TableIdentifier(name, schema, view))
                    if table is not None and is_materialized_view(table.metadata):
                        yield table

    def all(self) -> list[View]:
        """Return all views, by name.

        Raises:
            NotReady: A catalog does not answer.
        """
        return [view_of(table) for table in self.tables()]

    def glance(self, name: TableIdentifier) -> View | None:
        """Return a view as the catalog last told; None if it is none, or cannot be asked."""
        catalog = self.catalogs.get(name.catalog)
        if catalog is None or name.catalog not in self.writable:
            return None
        try:
            table = catalog.load(name.db_schema, name.table)
        except FlightlakeError:
            return None
        if not is_materialized_view(table.metadata):
            return None
        return read_view(name, table.uuid, table.snapshot_id, table.metadata.properties)


def plain(name: TableIdentifier) -> TableIdentifier:
    """Return *name* without the version it is read at."""
    table = name.table.partition(AS_OF_MARK)[0]
    return TableIdentifier(name.catalog, name.db_schema, table)


def view_of(table: Committed) -> View:
    """Return the view in *table*."""
    found = table.metadata
    return read_view(
        table.identifier, str(found.table_uuid), found.current_snapshot_id, found.properties
    )


def read_view(
    name: TableIdentifier, uuid: str, snapshot_id: int | None, properties: Mapping[str, str]
) -> View:
    """Return the view that *properties* of a table tell of."""
    definition: Definition | None = None
    policy: Policy | None = None
    try:
        definition = definition_of(properties, name)
        policy = policy_of(properties, name)
    except PreconditionFailed:
        pass
    return View(
        name, uuid, snapshot_id, definition, policy, status_of(properties),
        state_of(properties, uuid), waiting_of(properties, uuid),
    )  # fmt: skip


def state_word(view: View, stale: TableIdentifier | None) -> str:
    """Return the word for how *view* fares; *stale* is a view that it reads and that is stuck, or
    has no rows yet."""
    if view.definition is None:
        return "INVALID(its definition cannot be read)"
    if view.policy is None:
        return "INVALID(its policy cannot be read)"
    return word(view.status, stale, view.waiting is not None)
