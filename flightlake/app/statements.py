"""What runs statements, as the configuration says."""

from pathlib import Path

from flightlake.app.scheduling import scheduler
from flightlake.app.system import Standings, system_tables
from flightlake.clock import Clock
from flightlake.config import Settings, cores, memory_bytes
from flightlake.engine.engine import Defaults, Engine, EngineSettings
from flightlake.engine.spill import SpillDirectory
from flightlake.lake.callers import CallerCatalogs
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.encoding import Encoding
from flightlake.query.activity import Activity
from flightlake.query.admission import Slots
from flightlake.query.planning import Planning
from flightlake.query.service import QueryService, StatementLimits
from flightlake.query.view_statements import ViewStatements
from flightlake.query.workers import Workers
from flightlake.refresh.background import Background
from flightlake.refresh.finding import Views
from flightlake.refresh.history import RefreshHistory
from flightlake.refresh.history_store import HistoryStore
from flightlake.refresh.jobs import Jobs
from flightlake.refresh.refreshing import Refresher
from flightlake.refresh.runs import Runs
from flightlake.refresh.scheduler.loop import Scheduler
from flightlake.refresh.service import MaterializedViews
from flightlake.telemetry import Observer


def statements(
    settings: Settings,
    catalogs: CallerCatalogs,
    spill: SpillDirectory,
    clock: Clock,
    observer: Observer,
    history: RefreshHistory,
    store: HistoryStore,
) -> tuple[QueryService, ViewStatements, Scheduler, Jobs]:
    """Return what runs queries, what runs statements about materialized views, what refreshes
    them by itself, and the refreshes that both have.
    """
    limits, shared = settings.limits, catalogs.of(None)
    running = limits.running or 2 * cores()
    activity = Activity(clock, sql_text=settings.logging.sql_text)
    runs, found = Runs(clock, observer), Views(shared, settings.writable)
    standings = Standings()
    system = system_tables(activity, history, store, found, runs, standings.of, clock)
    # One for each that may run: to begin a statement takes as long as what it computes once.
    background = settings.refresh.slots or max(cores() // 2, 1)
    workers = Workers(running + background)
    refresher = open_refresher(settings, shared, workers, spill.path, clock)
    engine = refresher.engine
    planning = Planning(engine, workers, catalogs.of, system)
    slots = Slots(running, limits.queued, limits.queue_timeout, clock, observer)
    bounds = StatementLimits(limits.statement_timeout, limits.statement_bytes)
    defaults = Defaults(settings.default_catalog, settings.session.schema_)
    query = QueryService(planning, slots, bounds, defaults, clock, observer, activity)
    later = Background(background, lambda: slots.crowded, clock)
    after, timeout = query.deadlines.after, settings.refresh.timeout
    jobs = Jobs(found, refresher, runs, later, after, timeout)
    standings.scheduler = scheduler(settings, jobs, history.server, clock, observer)
    views = ViewStatements(MaterializedViews(jobs), query, slots, bounds, clock, observer)
    return query, views, standings.scheduler, jobs


def open_refresher(
    settings: Settings, catalogs: Catalogs, workers: Workers, spill: Path, clock: Clock
) -> Refresher:
    """Return what makes the rows of views, with the engine that all statements share."""
    limits = settings.limits
    memory, threads = limits.memory.of(memory_bytes()), limits.threads or cores()
    engine = Engine(EngineSettings(memory, spill, limits.spill_limit, threads), catalogs)
    return Refresher(engine, catalogs, workers, clock, Encoding.within(memory, threads))
