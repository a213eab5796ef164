"""Views that read views: what one needs in time, and which must wait for which."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

from flightlake.names import TableIdentifier
from flightlake.refresh.runs import CHANGE, LAG
from flightlake.refresh.scheduler.due import Due, Facts, Since, due
from flightlake.refresh.status import is_stuck

_PATIENCE = timedelta(seconds=60)

Known = Mapping[TableIdentifier, Facts]


@dataclass(frozen=True)
class Outlook:
    """What is due of all views.

    ``dues`` are in the order in which they are begun; ``oldest`` is, of each view, the oldest
    change below it that its rows do not show.
    """

    dues: tuple[Due, ...] = ()
    oldest: Mapping[TableIdentifier, datetime | None] = field(default_factory=dict)

    @cached_property
    def by_view(self) -> Mapping[TableIdentifier, Due]:
        """When each view is due; those that are not are left out."""
        return {one.view: one for one in self.dues}


def outlook(known: Known, since: Since) -> Outlook:
    """Return when each of the *known* views is due.

    A view that keeps up by itself passes the changes below it on: they count for its readers
    from when they were made, and its readers' deadlines count for it.  Where its readers can
    show nothing newer before it does, it comes before them, whatever their priority.  Readers of
    a view that has no rows yet are not due before it has.
    """
    order = _upstream_first(known)
    oldest: dict[TableIdentifier, datetime | None] = {}
    for facts in order:
        below = [oldest.get(name) for name in _passing(facts, known)]
        moments = [moment for moment in (facts.oldest, *below) if moment is not None]
        oldest[facts.view] = min(moments, default=None)
    needed: dict[TableIdentifier, datetime] = {}
    dues: list[Due] = []
    ranks: dict[TableIdentifier, tuple[int, datetime]] = {}
    for facts in reversed(order):
        found = due(facts, oldest[facts.view], since)
        inherited = needed.get(facts.view)
        if inherited is not None and oldest[facts.view] is not None:
            found = _sooner(facts, found, inherited, oldest[facts.view])
        if found is None:
            continue
        if not any(name in known and known[name].waiting for name in facts.reads):
            dues.append(found)  # what has no rows yet cannot be read: whoever does, waits
        rank = (-facts.policy.priority, found.deadline)
        rank = ranks[facts.view] = min(rank, ranks.get(facts.view, rank))
        for name in _passing(facts, known):
            if found.trigger in (LAG, CHANGE) and oldest[name] == oldest[facts.view]:
                ranks[name] = min(rank, ranks.get(name, rank))
            # Not for what is older than its own changes: a view that is never on time would
            # go before its readers each time.
            need = max(found.at, oldest[name] or found.at)
            needed[name] = min(needed.get(name, need), need)
    places = {facts.view: place for place, facts in enumerate(order)}
    dues.sort(key=lambda one: (*ranks[one.view], places[one.view]))
    return Outlook(tuple(dues), oldest)


def held_up(
    wish: Due, known: Known, seen: Outlook, busy: Iterable[TableIdentifier], now: datetime
) -> bool:
    """Return whether a view should wait for views that it reads, which are about to change.

    It waits no longer than to its deadline, or for a minute: whoever refreshes those may be
    another process, or nobody, or take for hours.  But if its rows show all that there is to
    read, and only views below it have yet to change, then it would be made of the same again.
    """
    facts = known[wish.view]
    if facts.oldest is None and wish.trigger in (LAG, CHANGE) and not facts.status.failures:
        return True
    until = max(wish.deadline, wish.at + _PATIENCE)
    if now >= until:
        return False
    if not facts.reads.isdisjoint(busy):
        return True
    # By one calendar, the reader of another's rows comes after it, whoever's jitter is less.
    if any(name in seen.by_view and seen.by_view[name].at < until for name in facts.reads):
        return True
    return any(seen.oldest.get(name) is not None for name in _passing(facts, known))


def _sooner(facts: Facts, found: Due | None, needed: datetime, oldest: datetime | None) -> Due:
    at = needed - facts.expected
    if oldest is not None:
        at = max(at, oldest)
    if found is not None and found.at <= at:
        return replace(found, deadline=min(found.deadline, needed))
    return Due(facts.view, at, LAG, needed)


def _passing(facts: Facts, known: Known) -> list[TableIdentifier]:
    """Return the views that *facts* reads and that changes pass through by themselves."""
    return [name for name in facts.reads if name in known and _passes(known[name])]


def _passes(facts: Facts) -> bool:
    policy = facts.policy
    follows = policy.target_lag is not None or policy.downstream or policy.on_change is not None
    return follows and not is_stuck(facts.status)


def _upstream_first(known: Known) -> list[Facts]:
    found: list[Facts] = []
    done: set[TableIdentifier] = set()
    for start in sorted(known):
        stack = [(start, iter(sorted(known[start].reads)))]
        entered = {start}
        while stack:
            name, below = stack[-1]
            further = next((one for one in below if one in known and one not in done), None)
            if further is not None and further not in entered:
                entered.add(further)
                stack.append((further, iter(sorted(known[further].reads))))
            elif further is None:
                stack.pop()
                if name not in done:
                    done.add(name)
                    found.append(known[name])
    return found
