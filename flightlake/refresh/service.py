"""Statements about materialized views, from text to the rows they answer."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from flightlake.auth import Identity
from flightlake.cancellation import Cancellation
from flightlake.engine.defaults import Defaults
from flightlake.errors import (
    AlreadyExists,
    FlightlakeError,
    InvalidSql,
    NotFound,
    NotPermitted,
    PreconditionFailed,
    Unsupported,
)
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.commits import Committed, current
from flightlake.lake.materialized import is_materialized_view
from flightlake.lake.missing import no_schema
from flightlake.lake.pointers import Pointers
from flightlake.lake.replacement import dropped, plain_table
from flightlake.names import TableIdentifier, nearest
from flightlake.refresh.outcomes import (
    ABSENT,
    DROPPED,
    READY,
    TABLE,
    Outcome,
    create_statement,
    description,
    outcome_rows,
    properties_rows,
)
from flightlake.refresh.records import Definition, definition_of, state_of
from flightlake.refresh.refreshing import NOOP, Refresher
from flightlake.refresh.statements import (
    Create,
    Describe,
    Drop,
    ExplainCreate,
    Refresh,
    ShowAll,
    ShowCreate,
    ViewStatement,
    identified,
)
from flightlake.refresh.surveying import Surveyor

WRITER = "writer"
"""The role of those who may change views."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who sends a statement, with which defaults, and when it is no longer wanted."""

    identity: Identity
    catalog: str
    db_schema: str
    branch: str
    call: Cancellation


@dataclass(frozen=True, slots=True)
class MaterializedViews:
    """All materialized views of a server.  Thread-safe.

    Args:
        refresher: Makes their rows.
        writable: The catalogs that may be written, by name.
    """

    refresher: Refresher
    writable: frozenset[str]

    def run(self, statement: ViewStatement, asked: Asked) -> pa.Table:
        """Run *statement*; return what it answers (``outcomes.schema_of``).

        Raises:
            NotPermitted: The caller may not change views, or nobody may there.
            FlightlakeError: It cannot be done; says why.
        """
        if isinstance(statement, ShowAll):
            return outcome_rows(self._all())
        if isinstance(statement, ShowCreate):
            view = self._existing(self._named(statement.name, asked))
            return create_statement(view.identifier, _definition(view))
        if isinstance(statement, Describe):
            view = self._existing(self._named(statement.name, asked))
            found = view.metadata
            state = state_of(found.properties, str(found.table_uuid))
            return description(view.identifier, _definition(view), state)
        if isinstance(statement, ExplainCreate):
            return self._explain(statement, asked)
        _require_writer(asked)
        if isinstance(statement, Create):
            return outcome_rows([self._create(statement, asked)])
        if isinstance(statement, Drop):
            return outcome_rows([self._drop(statement, asked)])
        return outcome_rows(self._refresh(statement, asked))

    def names_in(self, catalog: str, db_schema: str) -> frozenset[str]:
        """Return the names of the materialized views of a schema; none in other catalogs.

        Raises:
            NotFound: There is no such schema.
            NotReady: The catalog does not answer.
        """
        found: object = self._catalogs.get(catalog)
        if catalog in self.writable and isinstance(found, Pointers):
            return frozenset(found.materialized_views(db_schema))
        return frozenset()

    @property
    def _catalogs(self) -> Catalogs:
        return self.refresher.catalogs

    def _named(self, name: tuple[str, ...], asked: Asked) -> TableIdentifier:
        return identified(name, asked.catalog, asked.db_schema)

    def _explain(self, statement: ExplainCreate, asked: Asked) -> pa.Table:
        view = self._named(statement.create.name, asked)
        given = {self._named(one.name, asked): one.columns for one in statement.given}
        defaults = Defaults(asked.catalog, asked.db_schema)
        catalog = self._writable(view)
        surveyor = Surveyor(self.refresher, catalog, view, defaults, given, asked.call)
        return properties_rows(surveyor.explain(statement.create))

    def _create(self, statement: Create, asked: Asked) -> Outcome:
        view = self._named(statement.name, asked)
        catalog = self._writable(view)
        base = current(catalog, view)
        if base is not None and not is_materialized_view(base.metadata):
            raise AlreadyExists(f"{view} is a table; give the view another name")
        if base is not None and statement.if_not_exists:
            outcome = _as_it_is(base)
            return replace(outcome, strategy=NOOP, reason="the view is there already", seconds=0.0)
        if base is not None and not statement.replace:
            raise AlreadyExists(
                f"materialized view {view} is there already; use CREATE OR REPLACE, or IF NOT"
                " EXISTS"
            )
        definition = Definition(
            query=statement.query,
            catalog=asked.catalog,
            db_schema=asked.db_schema,
            partitioned_by=tuple(statement.partitioned_by),
            mode=statement.mode,
            version=1 if base is None else _version(base) + 1,
        )
        try:
            return self.refresher.make(catalog, view, base, definition, asked.call)
        except NotFound as missing:
            if base is None and missing.message.startswith(f"table {view} does not exist"):
                raise InvalidSql(
                    f"materialized view {view} cannot read itself; name other tables"
                ) from missing
            raise

    def _refresh(self, statement: Refresh, asked: Asked) -> Iterator[Outcome]:
        views = [self._named(name, asked) for name in statement.names]
        catalogs = [self._writable(view) for view in views]
        done: list[Outcome] = []
        for view, catalog in zip(views, catalogs, strict=True):
            try:
                base = self._existing(view)
                done.append(self.refresher.refresh(catalog, base, statement.full, asked.call))
            except FlightlakeError as failure:
                if not done:
                    raise
                names = ", ".join(str(one.view) for one in done)
                raise type(failure)(
                    f"{view} was not refreshed: {failure.message} (refreshed before it: {names})"
                ) from failure
        return iter(done)

    def _drop(self, statement: Drop, asked: Asked) -> Outcome:
        view = self._named(statement.name, asked)
        catalog = self._writable(view)
        base = current(catalog, view)
        if base is None and statement.if_exists:
            return Outcome(view, ABSENT, reason="there is no view of that name")
        base = self._existing(view)
        asked.call.check()
        if statement.keep_table:
            kept = plain_table(catalog, base)
            snapshot = kept.metadata.current_snapshot_id
            reason = "its rows stay as they are, as an ordinary table"
            return Outcome(view, TABLE, reason=reason, snapshot=snapshot)
        dropped(catalog, base)
        return Outcome(view, DROPPED, reason="its files stay where they are")

    def _all(self) -> Iterator[Outcome]:
        for name in sorted(self.writable):
            catalog = self._catalogs[name]
            if not isinstance(catalog, Pointers):
                continue
            for db_schema in catalog.db_schemas():
                try:
                    views = catalog.materialized_views(db_schema)
                except NotFound:  # dropped since it was listed
                    continue
                for view in views:
                    found = current(catalog, TableIdentifier(name, db_schema, view))
                    if found is not None and is_materialized_view(found.metadata):
                        yield _as_it_is(found)

    def _existing(self, view: TableIdentifier) -> Committed:
        catalog = self._pointers(view)
        found = current(catalog, view)
        if found is None:
            names = sorted(self.names_in(view.catalog, view.db_schema))
            near = nearest(view.table, names)
            hint = f"; did you mean '{near}'?" if near else ""
            raise NotFound(f"materialized view {view} does not exist{hint}")
        if not is_materialized_view(found.metadata):
            raise PreconditionFailed(f"{view} is a table, and no materialized view")
        return found

    def _pointers(self, view: TableIdentifier) -> Pointers:
        catalog = self._catalogs.get(view.catalog)
        if catalog is None:
            known = ", ".join(sorted(self._catalogs)) or "none"
            raise NotFound(f"catalog '{view.catalog}' does not exist (known: {known})")
        if not isinstance(catalog, Pointers):
            raise Unsupported(
                f"catalog '{view.catalog}' cannot hold materialized views; put them into one of"
                " type 'sql', from where they may read this one"
            )
        return catalog

    def _writable(self, view: TableIdentifier) -> Pointers:
        catalog = self._pointers(view)
        if view.catalog not in self.writable:
            raise NotPermitted(
                f"this server does not write to catalog '{view.catalog}'; its operator can allow it"
                f" by catalogs.{view.catalog}.writable"
            )
        db_schemas = self._catalogs[view.catalog].db_schemas()
        if view.db_schema not in db_schemas:
            raise no_schema(view.catalog, view.db_schema, db_schemas)
        return catalog


def _require_writer(asked: Asked) -> None:
    identity = asked.identity
    if identity.method == "anonymous":
        raise NotPermitted("materialized views are changed by users who log in; log in as one")
    if WRITER not in identity.roles:
        raise NotPermitted(
            f"materialized views are changed by users with the role '{WRITER}', which you have not"
        )
    if asked.branch:
        raise Unsupported(
            "materialized views are changed on main only; unset the session option 'branch'"
        )


def _definition(view: Committed) -> Definition:
    return definition_of(view.metadata.properties, view.identifier)


def _version(view: Committed) -> int:
    try:
        return _definition(view).version
    except PreconditionFailed:  # it is replaced, whatever it was
        return 0


def _as_it_is(view: Committed) -> Outcome:
    found = view.metadata
    state = state_of(found.properties, str(found.table_uuid))
    snapshot = found.current_snapshot_id
    if state is None:
        return Outcome(view.identifier, READY, snapshot=snapshot)
    return Outcome(
        view.identifier, READY, state.strategy, state.reason, state.rows, snapshot, state.as_of,
        state.seconds,
    )  # fmt: skip
