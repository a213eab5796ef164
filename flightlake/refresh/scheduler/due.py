"""When one view is due, from what is known of it; nothing is asked, nothing waits."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flightlake.names import TableIdentifier
from flightlake.refresh.policy import Policy
from flightlake.refresh.runs import CHANGE, LAG, PROBE, SCHEDULE
from flightlake.refresh.schedules import Cron, Every, next_slot
from flightlake.refresh.status import BY_ERRORS, WELL, Status

_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(minutes=5)
_PERMANENT_PAUSE = timedelta(seconds=10)
_PROBE = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a view.

    ``oldest`` is the oldest change of what it reads that its rows do not show, None if they show
    all.  ``anchor`` is when the last refresh began, ``expected`` how long one takes at most,
    nearly always.  ``seen`` stands for what else a failure may depend on: the columns of its
    sources, the server's version.  ``waiting`` says that it has no rows yet: ``oldest`` is when it
    was made, and ``anchor`` too, if no refresh has failed since.
    """

    view: TableIdentifier
    policy: Policy
    anchor: datetime
    status: Status = WELL
    reads: frozenset[TableIdentifier] = frozenset()
    oldest: datetime | None = None
    expected: timedelta = timedelta()
    seen: str = ""
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A view is due ``at`` a moment, for the reason ``trigger``.

    ``deadline`` is when it should be done.
    """

    view: TableIdentifier
    at: datetime
    trigger: str
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Since:
    """When this server began: what was overdue by then is spread."""

    started: datetime
    spread: timedelta = field(default=_MINUTE)


def due(facts: Facts, oldest: datetime | None, since: Since) -> Due | None:
    """Return when a view is due for itself, None if nothing makes it so.

    Args:
        facts: The view.
        oldest: As in *facts*, also by changes that have yet to pass through views it reads.
        since: When this server began.
    """
    policy, status = facts.policy, facts.status
    if not policy.automatic or (status.suspended and status.suspended != BY_ERRORS):
        return None
    if status.suspended:
        return _probe(facts, since)
    wishes = [*_by_lag(facts, oldest), *_by_schedule(facts), *_by_change(facts, oldest)]
    if status.failures and status.attempted is not None:
        again = status.attempted + pause(facts.view, status)
        if facts.seen != status.seen:
            again = min(again, status.attempted + _SECOND)
        wishes = [Due(facts.view, again, _usual(policy), again)]
    if not wishes:
        return None
    return spread(min(wishes, key=lambda wish: wish.at), _period(policy), since)


def pause(view: TableIdentifier, status: Status) -> timedelta:
    """Return how long to wait after failures: 1 s, doubled each time, at most 5 min.

    What would fail again waits ten times as long.  Views that fail together come back apart.
    """
    permanent = status.last is not None and status.last.permanent
    first = _PERMANENT_PAUSE if permanent else _SECOND
    doubled: timedelta = first * 2.0 ** min(max(status.failures - 1, 0), 16)
    return min(doubled, _LONGEST_PAUSE) * (0.75 + share(view, str(status.failures)) / 2)


def slack(lag: timedelta) -> timedelta:
    """Return by how much a refresh begins earlier than it would have to."""
    return min(max(lag / 10, _SECOND), _MINUTE)


def jitter(view: TableIdentifier, period: timedelta) -> timedelta:
    """Return how much earlier a view is due, always the same: less than 10 %, and than 60 s."""
    return min(period / 10, _MINUTE) * share(view, "jitter")


def share(view: TableIdentifier, what: str) -> float:
    """Return a number from 0 to below 1 that is always the same for *view* and *what*."""
    digest = hashlib.blake2b(f"{view}\0{what}".encode(), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48


def spread(wish: Due, period: timedelta, since: Since) -> Due:
    """Return *wish* later, if it was overdue when this server began: each view at its own time."""
    if wish.at >= since.started:
        return wish
    window = min(since.spread, period / 10)
    at = since.started + window * share(wish.view, "restart")
    return Due(wish.view, at, wish.trigger, wish.deadline)


def _by_lag(facts: Facts, oldest: datetime | None) -> list[Due]:
    lag = facts.policy.target_lag
    if lag is None:
        return []
    if oldest is None:
        return []
    deadline = oldest + lag
    if facts.waiting:
        return [Due(facts.view, oldest, LAG, deadline)]
    # Not before the change: what takes longer than its lag is begun at once.
    at = max(deadline - facts.expected - slack(lag), oldest)
    return [Due(facts.view, at, LAG, deadline)]


def _by_schedule(facts: Facts) -> list[Due]:
    schedule = facts.policy.schedule
    if isinstance(schedule, Cron):
        # From the last refresh on: of several times that were missed, one is made up for.
        at = next_slot(schedule, facts.anchor)
        return [Due(facts.view, at, SCHEDULE, at + _MINUTE)]
    if isinstance(schedule, Every) and facts.waiting:
        return [Due(facts.view, facts.anchor, SCHEDULE, facts.anchor + schedule.period)]
    if isinstance(schedule, Every):
        at = facts.anchor + schedule.period - jitter(facts.view, schedule.period)
        return [Due(facts.view, at, SCHEDULE, facts.anchor + schedule.period)]
    return []


def _by_change(facts: Facts, oldest: datetime | None) -> list[Due]:
    change = facts.policy.on_change
    if change is None or oldest is None:
        return []
    at = oldest
    if change.at_most_every is not None and not facts.waiting:
        at = max(oldest, facts.anchor + change.at_most_every)
    return [Due(facts.view, at, CHANGE, at + _MINUTE)]


def _usual(policy: Policy) -> str:
    if policy.target_lag is not None or policy.downstream:
        return LAG
    return SCHEDULE if policy.schedule is not None else CHANGE


def _probe(facts: Facts, since: Since) -> Due | None:
    attempted = facts.status.attempted
    if attempted is None:
        return None
    changed = facts.seen != facts.status.seen
    at = attempted + (_SECOND if changed else _PROBE)
    return spread(Due(facts.view, at, PROBE, at + _MINUTE), _PROBE, since)


def _period(policy: Policy) -> timedelta:
    """Return what a restart may delay a view by a tenth of."""
    if policy.target_lag is not None:
        return policy.target_lag
    if isinstance(policy.schedule, Every):
        return policy.schedule.period
    if policy.on_change is not None:
        return policy.on_change.at_most_every or _MINUTE / 2
    return 10 * _MINUTE
