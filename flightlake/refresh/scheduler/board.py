"""What the scheduler knows of all views, kept up to date change by change."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from flightlake.names import TableIdentifier
from flightlake.refresh.runs import Ended
from flightlake.refresh.scheduler.deadlines import Outlook, outlook
from flightlake.refresh.scheduler.due import Due, Facts, Since, due
from flightlake.refresh.scheduler.knowledge import NOTHING, Known, Memory, Vector
from flightlake.refresh.scheduler.watching import Watch
from flightlake.refresh.status import Status

_REMEMBERED = 20
_COVERED = 64
_SHORTEST = timedelta(milliseconds=500)
_LONGEST = timedelta(minutes=5)
_BY_CHANGE = timedelta(seconds=2)
_OTHERWISE = timedelta(seconds=10)


@dataclass
class Board:
    """Used by one thread, but for ``standing``.

    Args:
        watch: What catalogs tell.
        writable: The catalogs that hold views.
        version: The server's.
        since: When the server began.
        tell: Is told of defects.

    ``unseen`` are names that views read and at which nobody has looked yet.
    """

    watch: Watch
    writable: frozenset[str]
    version: str
    since: Since
    tell: Callable[[Exception], object]
    facts: dict[TableIdentifier, Facts] = field(default_factory=dict)
    seen: Outlook = field(default_factory=Outlook)
    unseen: set[TableIdentifier] = field(default_factory=set)
    _memories: dict[TableIdentifier, Memory] = field(default_factory=dict)
    _readers: dict[TableIdentifier, set[TableIdentifier]] = field(default_factory=dict)

    def read_of(self, catalog: str) -> set[TableIdentifier]:
        """Return the names in *catalog* that views read."""
        return {name for name in self._readers if name.catalog == catalog}

    def intervals(self) -> dict[str, timedelta]:
        """Return how often each catalog is to be asked: a fifth of the lag that it is asked for."""
        found = dict.fromkeys(self.writable, _OTHERWISE)
        for facts in self.facts.values():
            if not facts.policy.automatic:
                continue
            wanted = _interval(facts)
            for name in {facts.view.catalog, *(source.catalog for source in facts.reads)}:
                found[name] = min(found.get(name, wanted), wanted)
        return found

    def update(self, changed: Iterable[TableIdentifier]) -> None:
        """Take note that something else is at the names in *changed*."""
        affected = set(changed)
        for name in list(affected):
            affected |= self._readers.get(name, set())
        known = Known(self.watch, self._memories, self.version)
        again: set[TableIdentifier] = set()
        for name in affected & ({*self.watch.views()} | self.facts.keys()):
            old, new = self.facts.pop(name, None), self._facts(known, name)
            if new is not None:
                self.facts[name] = new
            elif self.watch.head(name) is None:
                self._memories.pop(name, None)
            for source in old.reads if old is not None else frozenset():
                self._readers[source].discard(name)
                if not self._readers[source]:
                    del self._readers[source]
            for source in new.reads if new is not None else frozenset():
                if source not in self._readers and self.watch.head(source) is None:
                    again.add(source)
                self._readers.setdefault(source, set()).add(name)
        self.unseen = again
        self.seen = outlook(self.facts, self.since)

    def _facts(self, known: Known, name: TableIdentifier) -> Facts | None:
        try:
            facts = known.facts(name)
            if facts is not None:
                due(facts, facts.oldest, self.since)
        except Exception as defect:  # noqa: BLE001 - one view must not hold up all others
            self.tell(defect)
            return None
        return facts

    def vector(self, view: TableIdentifier) -> Vector:
        """Return where all stands that *view* reads."""
        return Known(self.watch, self._memories, self.version).vector(view)

    def ended(
        self,
        ended: Ended,
        shown: Vector | None,
        oldest: datetime | None,
        status: Status | None,
    ) -> None:
        """Remember how a refresh ended.

        Args:
            ended: The refresh.
            shown: What it saw at least, if that is known.
            oldest: The oldest change that it was made for.
            status: What could not be written of the view's.
        """
        wanted, started = ended.run.wanted, ended.run.started
        old = self._memories.get(wanted.view, NOTHING)
        if ended.outcome is None:
            self._memories[wanted.view] = Memory(started, old.shown, old.took, status, old.covers)
            return
        took = (*old.took, ended.duration)[-_REMEMBERED:]
        covers = old.covers
        if ended.outcome.snapshot is not None and oldest is not None:
            covers = (*covers, (ended.outcome.snapshot, oldest))[-_COVERED:]
        self._memories[wanted.view] = Memory(started, shown, took, None, covers)

    def forgive(self, view: TableIdentifier) -> None:
        """Forget failures that could not be written: somebody has seen to the view."""
        if view in self._memories:
            self._memories[view] = replace(self._memories[view], status=None)

    def standing(self, view: TableIdentifier, now: datetime) -> tuple[timedelta | None, Due | None]:
        """Return how far *view* is behind its sources at *now*, and when it is due; from any
        thread.
        """
        seen = self.seen
        if view not in seen.oldest:
            return None, None
        oldest = seen.oldest[view]
        lag = timedelta() if oldest is None else max(now - oldest, timedelta())
        return lag, seen.by_view.get(view)


def _interval(facts: Facts) -> timedelta:
    policy = facts.policy
    lag = policy.target_lag
    if lag is not None:
        return min(max(lag / 5, _SHORTEST), _LONGEST)
    if policy.on_change is not None:
        least = policy.on_change.at_most_every
        return _BY_CHANGE if least is None else min(max(least / 5, _BY_CHANGE), _LONGEST)
    return _LONGEST
