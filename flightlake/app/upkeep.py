"""The upkeep of materialized views, as the configuration says."""

from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

from flightlake.clock import Clock
from flightlake.config import Settings
from flightlake.lake.callers import CallerCatalogs
from flightlake.lake.small_files import Smallness
from flightlake.names import TableIdentifier
from flightlake.refresh.compacting import Compactor
from flightlake.refresh.housekeeping import Housekeeping
from flightlake.refresh.maintenance import Maintenance, Predicate, Upkeep
from flightlake.refresh.refreshing import Refresher
from flightlake.refresh.runs import Runs
from flightlake.telemetry import Observer

_TICKETS = timedelta(minutes=20)  # twice as long as one can be used
_PATIENCE = timedelta(minutes=1)
"""For a refresh that is under way, after which small files are left for the next time."""


def readers(settings: Settings) -> timedelta:
    """Return for how long a snapshot may be needed by who began when it was current."""
    return settings.limits.statement_timeout + _TICKETS


def unreferenced_age(settings: Settings) -> timedelta:
    """Return after what time files go that no snapshot reaches."""
    refresh = settings.refresh
    # What a refresh writes that still runs is not reached by any snapshot either.
    return max(refresh.keep_unreferenced, 2 * refresh.timeout, 2 * readers(settings))


def compactor(
    settings: Settings, refresher: Refresher, clock: Clock, runs: Runs | None = None
) -> Compactor:
    """Return what puts small files of views together; *runs* are the refreshes of the process."""

    def alone(view: TableIdentifier) -> AbstractContextManager[bool]:
        return nullcontext(True) if runs is None else runs.alone(view, _PATIENCE)

    refresh = settings.refresh
    small = Smallness(refresh.compact_files, refresh.compact_below)
    return Compactor(refresher.engine, refresher.catalogs, clock, small, refresher.encoding, alone)


def maintenance(
    settings: Settings,
    catalogs: CallerCatalogs,
    clock: Clock,
    observer: Observer,
    compacting: Compactor | None = None,
) -> Maintenance:
    """Return what keeps the views of the writable catalogs."""
    upkeep = Upkeep(
        history_retention=settings.refresh.keep_snapshots,
        least_retention=readers(settings),
        unreferenced_age=unreferenced_age(settings),
    )
    return Maintenance(catalogs.of(None), settings.writable, upkeep, clock, observer, compacting)


def housekeeping(
    settings: Settings,
    kept: Maintenance,
    busy: Predicate,
    mine: Predicate,
    clock: Clock,
    observer: Observer,
) -> Housekeeping:
    """Return what runs *kept* now and then."""
    refresh = settings.refresh
    compact_every = refresh.compact_every if refresh.compact_files else timedelta()
    return Housekeeping(kept, refresh.upkeep_every, busy, clock, observer, mine, compact_every)
