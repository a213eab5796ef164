"""The system tables of a server, put together from those who know."""

from collections.abc import Callable

from flightlake.app.upkeep import readers, unreferenced_age
from flightlake.clock import Clock
from flightlake.config import Settings
from flightlake.engine.system_tables import SystemTables
from flightlake.flightsql.payloads import Statement
from flightlake.lake.callers import CallerCatalogs
from flightlake.names import TableIdentifier
from flightlake.query.activity import Activity
from flightlake.query.system_tables import ProcessTables, SystemTablesOf
from flightlake.refresh.finding import Views
from flightlake.refresh.history import RefreshHistory
from flightlake.refresh.history_store import HistoryStore
from flightlake.refresh.history_upkeep import TABLE, HistoryUpkeep
from flightlake.refresh.runs import Runs
from flightlake.refresh.scheduler.loop import Scheduler
from flightlake.refresh.view_rows import Standing
from flightlake.refresh.view_tables import ViewTables


class Standings:
    """How views stand with the ``scheduler``, which is made after those who ask."""

    scheduler: Scheduler | None = None

    def of(self, view: TableIdentifier) -> Standing:
        """Return how *view* stands."""
        if self.scheduler is None:
            return Standing()
        lag, due = self.scheduler.standing(view)
        return Standing(lag, None if due is None else due.at)


def history_store(
    settings: Settings, history: RefreshHistory, catalogs: CallerCatalogs, clock: Clock
) -> HistoryStore:
    """Return what stores the history of refreshes."""
    kept = settings.refresh.keep_history
    upkeep = HistoryUpkeep(kept, readers(settings), unreferenced_age(settings))
    return HistoryStore(history, catalogs.of(None), settings.writable, upkeep, clock)


def system_tables(
    activity: Activity,
    history: RefreshHistory,
    store: HistoryStore,
    views: Views,
    runs: Runs,
    standing: Callable[[TableIdentifier], Standing],
    clock: Clock,
) -> SystemTablesOf:
    """Return how the system tables look to the caller of a statement."""
    of_process = ProcessTables(activity, history.server, clock.now)
    of_views = ViewTables(views, runs.under_way, standing, history.latest)

    def tables(statement: Statement) -> SystemTables:
        own, shared = of_process.of(statement), of_views.reading()
        return {**own, **shared, TABLE: store.table()}

    return tables
