"""Planning and starting statements, on the threads made for it."""

from collections.abc import Callable, Iterator, Sequence

from flightlake.cancellation import Cancellation
from flightlake.engine.engine import Defaults, Engine, Outline, Plan
from flightlake.engine.parameters import bind
from flightlake.engine.result import Result
from flightlake.engine.sql_text import SqlText
from flightlake.errors import FlightlakeError, InvalidRequest
from flightlake.flightsql.payloads import Statement
from flightlake.lake.catalogs import Catalogs
from flightlake.query.parameters import Row
from flightlake.query.record import Record
from flightlake.query.system_tables import SystemTablesOf
from flightlake.query.workers import Workers

CatalogsOf = Callable[[str | None], Catalogs]
"""The catalogs as a caller with this token of his own sees them."""


class Planning:
    """The engine's planning, off the thread that waits for it.  Thread-safe.

    Args:
        engine: Plans.
        workers: The threads it plans on.
        catalogs: What a caller with this token of his own sees; None: what the engine has.
        system: The system tables as the caller of a statement sees them; None: without rows.
    """

    def __init__(
        self,
        engine: Engine,
        workers: Workers,
        catalogs: CatalogsOf | None = None,
        system: SystemTablesOf | None = None,
    ) -> None:
        self._engine = engine
        self._workers = workers
        self._catalogs = catalogs
        self._system = system

    def beside(self, workers: Workers) -> "Planning":
        """Return the same on threads of its own."""
        return Planning(self._engine, workers, self._catalogs, self._system)

    def outline(
        self, text: SqlText, statement: Statement, record: Record, call: Cancellation
    ) -> Outline:
        """Return the schemas of *text*'s result and parameters."""
        defaults, catalogs = _defaults(statement), self._seen(statement)
        return record.planned(
            lambda: self._workers.run(
                lambda: self._engine.outline(text, defaults, statement.pins, catalogs), call
            )
        )

    def first(
        self,
        text: SqlText,
        statement: Statement,
        rows: Sequence[Row],
        record: Record,
        call: Cancellation,
    ) -> Plan:
        """Return the plan for the first of *rows*; without rows, for parameters left open."""
        if statement.parameters is None and text.parameters:
            raise InvalidRequest(
                f"the statement has {text.parameters} parameters and none are bound"
            )
        return self._plan(text, statement, rows[0] if rows else None, record, call)

    def start(self, plan: Plan, record: Record, call: Cancellation) -> Result:
        """Begin to execute *plan*."""
        return record.planned(
            lambda: self._workers.run(lambda: self._engine.start(plan, call), call, Result.close)
        )

    def rest(
        self,
        first: Plan,
        text: SqlText,
        statement: Statement,
        rows: Sequence[Row],
        record: Record,
        call: Cancellation,
    ) -> Iterator[Result]:
        """Yield the results for *rows*, each planned when it is reached, on the same snapshots."""
        for number, row in enumerate(rows, start=2):
            plan = self._plan(text, statement, row, record, call)
            if plan.schema.types != first.schema.types:
                raise InvalidRequest(
                    f"row {number} of the parameters gives columns of other types than row 1;"
                    " cast the parameters in the statement"
                )
            yield self.start(plan, record, call)

    def close(self) -> None:
        """Stop the threads and the engine."""
        self._workers.stop()
        self._engine.close()

    def _plan(
        self,
        text: SqlText,
        statement: Statement,
        row: Row | None,
        record: Record,
        call: Cancellation,
    ) -> Plan:
        defaults, catalogs = _defaults(statement), self._seen(statement)
        system = None if self._system is None else self._system(statement)

        def work() -> Plan:
            values = {}
            if row:
                outline = self._engine.outline(text, defaults, statement.pins, catalogs)
                values = bind(row, outline.parameters)
            return self._engine.plan(
                text, defaults, statement.pins, values, statement.moment, call, catalogs, system
            )

        try:
            return record.planned(lambda: self._workers.run(work, call))
        except FlightlakeError:
            call.check()
            raise

    def _seen(self, statement: Statement) -> Catalogs | None:
        return None if self._catalogs is None else self._catalogs(statement.own_token)


def _defaults(statement: Statement) -> Defaults:
    return Defaults(statement.catalog, statement.db_schema, statement.branch)
