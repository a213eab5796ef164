"""What refreshes views by itself, as the configuration says."""

from flightlake import __version__
from flightlake.clock import Clock
from flightlake.config import Settings
from flightlake.errors import Unsupported
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.sql_members import HoldsMembers
from flightlake.refresh.jobs import Jobs
from flightlake.refresh.scheduler.loop import Rules, Scheduler
from flightlake.refresh.scheduler.ownership import Meeting, Members, Peers, member
from flightlake.telemetry import Observer

_LIVES = 3
"""A process is taken for gone after so many heartbeats that did not come."""


def scheduler(
    settings: Settings, jobs: Jobs, instance: str, clock: Clock, observer: Observer
) -> Scheduler:
    """Return what begins refreshes; *instance* is what this process is called.

    Raises:
        Unsupported: The catalog that is to hold the members cannot.
    """
    refresh = settings.refresh
    rules = Rules(__version__, refresh.suspend_after, refresh.heartbeat, refresh.enabled)
    members = _members(settings, jobs.views.catalogs, refresh.instance or instance)
    return Scheduler(jobs, members, rules, clock, observer)


def _members(settings: Settings, catalogs: Catalogs, me: str) -> Members:
    refresh = settings.refresh
    if refresh.ownership == "peers":
        return Peers(me, tuple(peer for peer in refresh.peers if peer != me))
    if refresh.ownership != "catalog":
        return Peers(me)
    catalog: object = catalogs.get(refresh.catalog)
    if not isinstance(catalog, HoldsMembers):
        raise Unsupported(
            f"catalog '{refresh.catalog}' has no database in which servers could meet; set"
            " refresh.catalog to one of type 'sql', or refresh.ownership to 'peers'"
        )
    known = member(me, settings.writable)
    return Meeting(known, catalog.members(), refresh.heartbeat * _LIVES)
