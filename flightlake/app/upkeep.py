"""The upkeep of materialized views, as the configuration says."""

from datetime import timedelta

from flightlake.clock import Clock
from flightlake.config import Settings
from flightlake.lake.callers import CallerCatalogs
from flightlake.refresh.housekeeping import Housekeeping
from flightlake.refresh.maintenance import Maintenance, Predicate, Upkeep
from flightlake.telemetry import Observer

_TICKETS = timedelta(minutes=20)  # twice as long as one can be used


def readers(settings: Settings) -> timedelta:
    """Return for how long a snapshot may be needed by who began when it was current."""
    return settings.limits.statement_timeout + _TICKETS


def unreferenced_age(settings: Settings) -> timedelta:
    """Return after what time files go that no snapshot reaches."""
    refresh = settings.refresh
    # What a refresh writes that still runs is not reached by any snapshot either.
    return max(refresh.keep_unreferenced, 2 * refresh.timeout, 2 * readers(settings))


def maintenance(
    settings: Settings, catalogs: CallerCatalogs, clock: Clock, observer: Observer
) -> Maintenance:
    """Return what keeps the views of the writable catalogs."""
    upkeep = Upkeep(
        history_retention=settings.refresh.keep_snapshots,
        least_retention=readers(settings),
        unreferenced_age=unreferenced_age(settings),
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
