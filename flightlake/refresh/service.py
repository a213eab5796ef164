"""Statements about materialized views, from text to the rows they answer."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from flightlake.engine.defaults import Defaults
from flightlake.errors import PreconditionFailed
from flightlake.flightsql.patterns import matcher
from flightlake.lake.commits import Committed
from flightlake.lake.materialized import is_unmade
from flightlake.refresh.altering import alter
from flightlake.refresh.asking import WRITER, Asked, placed, require_writer
from flightlake.refresh.creating import create, drop
from flightlake.refresh.dependencies import stale_upstream
from flightlake.refresh.dropped_views import remember
from flightlake.refresh.explaining import explain
from flightlake.refresh.finding import Views, state_word, view_of
from flightlake.refresh.jobs import Jobs
from flightlake.refresh.merging import MAIN, merge, on_branch
from flightlake.refresh.outcomes import (
    Outcome,
    create_statement,
    description,
    outcome_rows,
    properties_rows,
)
from flightlake.refresh.policy import policy_of
from flightlake.refresh.records import Definition, definition_of
from flightlake.refresh.refreshes import cancel, refresh
from flightlake.refresh.showing import as_it_is
from flightlake.refresh.statements import (
    Alter,
    CancelRefresh,
    Create,
    Describe,
    Drop,
    ExplainCreate,
    ExplainRefresh,
    Merge,
    Placed,
    ShowAll,
    ShowCreate,
    Verify,
    ViewStatement,
    identified_schema,
)
from flightlake.refresh.surveying import Surveyor
from flightlake.refresh.verifies import verify
from flightlake.refresh.verifying import verification_rows

__all__ = ["WRITER", "Asked", "MaterializedViews"]


@dataclass(frozen=True, slots=True)
class MaterializedViews:
    """All materialized views of a server.  Thread-safe.

    Args:
        jobs: Refreshes them.
    """

    jobs: Jobs

    @property
    def writable(self) -> frozenset[str]:
        """The catalogs that may hold views, by name."""
        return self._views.writable

    def run(self, statement: ViewStatement, asked: Asked) -> pa.Table:
        """Run *statement*; return what it answers (``outcomes.schema_of``).

        Raises:
            NotPermitted: The caller may not change views, or nobody may there.
            FlightlakeError: It cannot be done; says why.
        """
        if isinstance(statement, Placed):
            return self.run(statement.statement, placed(asked, statement))
        if asked.branch not in ("", MAIN):
            if isinstance(statement, Merge):
                raise PreconditionFailed(
                    "views are merged into main; unset the session option 'branch'"
                )
            there = MaterializedViews(on_branch(self.jobs, asked.branch))
            return there.run(statement, replace(asked, branch=""))
        if isinstance(statement, ShowAll):
            return outcome_rows(self._shown(statement, asked))
        if isinstance(statement, ShowCreate):
            table = self._views.existing(asked.named(statement.name))
            policy = policy_of(table.metadata.properties, table.identifier)
            waiting = is_unmade(table.metadata)
            return create_statement(table.identifier, _definition(table), policy, waiting)
        if isinstance(statement, Describe):
            view = view_of(self._views.existing(asked.named(statement.name)))
            return description(view, state_word(view, stale_upstream(view, self._views)))
        if isinstance(statement, ExplainCreate):
            return self._explained_create(statement, asked)
        if isinstance(statement, ExplainRefresh):
            return properties_rows(explain(self.jobs, statement, asked))
        require_writer(asked)
        if isinstance(statement, Verify):
            return verification_rows([verify(self.jobs, statement, asked)])
        if isinstance(statement, Create):
            return outcome_rows([create(self.jobs, statement, asked)])
        if isinstance(statement, Drop):
            gone = list(drop(self._views, statement, asked, self._remember))
            for one in gone:
                self.jobs.runs.changed(one.view)
            return outcome_rows(gone)
        if isinstance(statement, Alter):
            altered = alter(self.jobs, statement, asked)
            self.jobs.runs.changed(altered.table.identifier)
            outcome = as_it_is(self._views, altered.table)
            return outcome_rows([replace(outcome, reason=altered.told)])
        if isinstance(statement, Merge):
            return outcome_rows([merge(self.jobs, statement, asked)])
        if isinstance(statement, CancelRefresh):
            return outcome_rows([cancel(self.jobs.runs, statement, asked)])
        return outcome_rows(refresh(self.jobs, statement, asked))

    def names_in(self, catalog: str, db_schema: str) -> frozenset[str]:
        """Return the names of the materialized views of a schema; none in other catalogs.

        Raises:
            NotFound: There is no such schema.
            NotReady: The catalog does not answer.
        """
        return self._views.names_in(catalog, db_schema)

    def _remember(self, view: Committed) -> bool:
        return remember(self._views.catalogs, view, self.jobs.refresher.clock)

    @property
    def _views(self) -> Views:
        return self.jobs.views

    def _explained_create(self, statement: ExplainCreate, asked: Asked) -> pa.Table:
        view = asked.named(statement.create.name)
        given = {asked.named(one.name): one.columns for one in statement.given}
        defaults = Defaults(asked.catalog, asked.db_schema)
        catalog = self._views.writable_catalog(view)
        surveyor = Surveyor(self.jobs.refresher, catalog, view, defaults, given, asked.call)
        return properties_rows(surveyor.explain(statement.create))

    def _shown(self, statement: ShowAll, asked: Asked) -> Iterator[Outcome]:
        catalog = db_schema = None
        if statement.db_schema:
            catalog, db_schema = identified_schema(statement.db_schema, asked.catalog)
        wanted = matcher(statement.like)
        for table in self._views.tables(catalog, db_schema):
            if wanted(table.identifier.table):
                yield as_it_is(self._views, table)


def _definition(view: Committed) -> Definition:
    return definition_of(view.metadata.properties, view.identifier)
