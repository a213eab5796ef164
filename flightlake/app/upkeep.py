"""The upkeep of materialized views, as the configuration says."""

from datetime import timedelta

from flightlake.clock import Clock
from flightlake.config import Settings
from flightlake.lake.callers import CallerCatalogs
from flightlake.refresh.housekeeping import Housekeeping
from flightlake.refresh.maintenance import Maintenance, Predicate, Upkeep
from flightlake.telemetry import Observer

_TICKETS = timedelta(minutes=20)  # twice as long as one can be used


def maintenance(
    settings: Settings, catalogs: CallerCatalogs, clock: Clock, observer: Observer
) -> Maintenance:
    """Return what keeps the views of the writable catalogs."""
    refresh = settings.refresh
    readers = settings.limits.statement_timeout + _TICKETS
    upkeep = Upkeep(
        history_retention=refresh.keep_snapshots,
        least_retention=readers,
        # What a refresh writes that still runs is not reached by any snapshot either.
        unreferenced_age=max(refresh.keep_unreferenced, 2 * refresh.timeout, 2 * readers),
    )
    return Maintenance(catalogs.of(None), settings.writable, upkeep, clock, observer)


def housekeeping(
    settings: Settings,
    kept: Maintenance,
    busy: Predicate,
    mine: Predicate,
    clock: Clock,
    observer: Observer,
) -> Housekeeping:
    """Return what runs *kept* now and then."""
    return Housekeeping(kept, settings.refresh.upkeep_every, busy, clock, observer, mine)
