"""Upkeep of views: old snapshots expire, what refreshes left behind is deleted, and small files
are put together.

Each view is looked at by itself, and what goes wrong with one stops no other.  It costs a view
two readings of its metadata and one listing of its folder where there is nothing to do.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flightlake.cancellation import Cancellation
from flightlake.clock import Clock
from flightlake.errors import FlightlakeError, InternalError, PreconditionFailed, TimedOut
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.commits import Committed, current
from flightlake.lake.compaction import Compacted
from flightlake.lake.deletion import Deleted
from flightlake.lake.expiry import Expired, expire
from flightlake.lake.materialized import is_materialized_view
from flightlake.lake.retention import expirable
from flightlake.lake.unreferenced import remove_unreferenced
from flightlake.lake.writing import WritableCatalog
from flightlake.names import TableIdentifier
from flightlake.refresh.compacting import Compactor
from flightlake.refresh.dropping import remove_dropped
from flightlake.refresh.kept_views import kept_views, marks, shared
from flightlake.refresh.policy import policy_of
from flightlake.refresh.recorded import recorded, states
from flightlake.refresh.status import code_name
from flightlake.telemetry import InternalFailure, MaintenanceFinished, Observer

_EVER = timedelta(days=36_500)
Predicate = Callable[[TableIdentifier], bool]


@dataclass(frozen=True, slots=True)
class Upkeep:
    """The server's settings.

    ``history_retention``: how long a snapshot stays after it was last current, where a view's
    policy does not say; never less than ``least_retention``, which is as long as a reader may
    need that began when it was current.  ``unreferenced_age``: after what time files that no
    snapshot reaches are deleted; longer than any refresh takes.  ``timeout``: how long one view
    may take.  ``at_once``: how many views are looked at side by side.
    """

    history_retention: timedelta = timedelta(days=1)
    least_retention: timedelta = timedelta(hours=1, minutes=20)
    unreferenced_age: timedelta = timedelta(days=1)
    timeout: timedelta = timedelta(minutes=30)
    at_once: int = 2


@dataclass(frozen=True, slots=True)
class Maintained:
    """What was done for a view: ``expired``, ``unreferenced`` and ``compacted``; or ``dropped``,
    if it is not there any more; or why it ended in ``failure``.

    What was deleted before a failure is not counted.
    """

    view: TableIdentifier
    expired: Expired = field(default_factory=lambda: Expired(0, Deleted()))
    unreferenced: Deleted = field(default_factory=Deleted)
    compacted: Compacted = field(default_factory=Compacted)
    dropped: Deleted = field(default_factory=Deleted)
    failure: FlightlakeError | None = None


@dataclass(frozen=True, slots=True)
class Maintenance:
    """The upkeep of all views of a server's writable catalogs.  Thread-safe.

    Args:
        catalogs: What the server itself reads.
        writable: The catalogs that may be written, by name.
        upkeep: What is kept for how long.
        clock: The time.
        observer: Is told of each view for which something was done, or which failed.
        compactor: Puts small files together; None to leave them.
    """

    catalogs: Catalogs
    writable: frozenset[str]
    upkeep: Upkeep
    clock: Clock
    observer: Observer
    compactor: Compactor | None = None

    def run(
        self,
        call: Cancellation,
        busy: Predicate = lambda view: False,
        mine: Predicate = lambda view: True,
    ) -> list[Maintained]:
        """Do what there is to do for all views; return what was done for each.

        Args:
            call: Ends it, between two files at the latest.
            busy: Whether a view is being refreshed; it is left out, as its refresh would be
                refused.
            mine: Whether a view is this process's to look after; others are left out.

        Raises:
            NotReady: A catalog does not answer, so that it is not known which snapshots are in
                use: nothing was done.
            FlightlakeError: The reason of *call*.
        """
        begun = self.clock.now()
        views = list(kept_views(self.catalogs, self.writable, call))
        in_use = recorded(views)
        known = Counter(mark for view in views for mark in marks(view))

        def one(view: Committed) -> Maintained | None:
            if call.reason is not None or not mine(view.identifier) or busy(view.identifier):
                return None
            if any(known[mark] > 1 for mark in marks(view)):
                return self._ended(Maintained(view.identifier, failure=shared(view)), timedelta())
            uuid = str(view.metadata.table_uuid)
            return self._maintained(view, in_use.get(uuid, frozenset()), begun, call)

        return [*self._all(one, views, call), *self._dropped(begun, mine, call)]

    def compact(self, call: Cancellation, mine: Predicate = lambda view: True) -> list[Maintained]:
        """Put small files together, of all views, and nothing else; see ``run``."""

        def one(view: Committed) -> Maintained | None:
            if call.reason is not None or not mine(view.identifier):
                return None

            def work(own: Cancellation, done: "_Done") -> None:
                done.compacted = self._compacted(view, own)

            return self._kept(view, work, call)

        return self._all(one, kept_views(self.catalogs, self.writable, call), call)

    def _all(
        self,
        one: Callable[[Committed], Maintained | None],
        views: Iterable[Committed],
        call: Cancellation,
    ) -> list[Maintained]:
        with ThreadPoolExecutor(self.upkeep.at_once, thread_name_prefix="upkeep") as threads:
            done = [found for found in threads.map(one, views) if found is not None]
        call.check()
        return done

    def _maintained(
        self, listed: Committed, in_use: frozenset[int], begun: datetime, call: Cancellation
    ) -> Maintained:
        def work(own: Cancellation, done: _Done) -> None:
            view = self._still(listed)  # others took their time, and it may have been refreshed
            if view is not None:
                done.expired = self._expired(view, in_use, begun, own)
                view = self._still(view) if done.expired.snapshots else view
            # Elsewhere it is not told what all is reached (``remove_unreferenced``).
            catalog = self._catalog(listed)
            if view is not None and catalog.compares_properties():
                age = self.upkeep.unreferenced_age
                done.unreferenced = remove_unreferenced(catalog, view, begun, age, own)
            view = self._still(listed) if self.compactor is not None else None
            if view is not None:
                done.compacted = self._compacted(view, own)

        return self._kept(listed, work, call)

    def _kept(
        self, view: Committed, work: Callable[[Cancellation, "_Done"], None], call: Cancellation
    ) -> Maintained:
        """Do *work* for a view; return what was done, however it ended."""
        started, done, failure = self.clock.monotonic(), _Done(), None
        try:
            work(_Bounded(call, self.upkeep.timeout, self.clock), done)
        except FlightlakeError as known:
            failure = known
        except Exception as defect:  # noqa: BLE001 - other views have nothing to do with it
            self.observer.observe(
                InternalFailure("maintenance", None, "".join(traceback.format_exception(defect)))
            )
            failure = InternalError(f"the upkeep of {view.identifier} met an internal error")
        told = Maintained(
            view.identifier, done.expired, done.unreferenced, done.compacted, failure=failure
        )
        return self._ended(told, timedelta(seconds=self.clock.monotonic() - started))

    def _compacted(self, view: Committed, call: Cancellation) -> Compacted:
        if self.compactor is None:
            return Compacted()
        return self.compactor.compact(self._catalog(view), view, call)

    def _dropped(self, begun: datetime, mine: Predicate, call: Cancellation) -> list[Maintained]:
        """Delete the files of views that were dropped so long ago that no reader needs them."""
        before = begun - max(self.upkeep.unreferenced_age, self.upkeep.least_retention)
        return [
            self._ended(Maintained(one.view, dropped=one.deleted, failure=one.failure), timedelta())
            for one in remove_dropped(self.catalogs, self.writable, before, mine, call)
        ]

    def _still(self, view: Committed) -> Committed | None:
        """Return *view* as it is now; None if it is not there any more, or no view."""
        now = current(self._catalog(view), view.identifier)
        same = now is not None and now.metadata.table_uuid == view.metadata.table_uuid
        return now if same and now is not None and is_materialized_view(now.metadata) else None

    def _ended(self, done: Maintained, duration: timedelta) -> Maintained:
        compacted = done.compacted.snapshot is not None
        files = [left.files + left.failed for left in (done.unreferenced, done.dropped)]
        some = done.expired.snapshots or any(files) or compacted
        if done.failure is not None or some:
            self.observer.observe(_fact(done, duration))
        return done

    def _expired(
        self, view: Committed, in_use: frozenset[int], begun: datetime, call: Cancellation
    ) -> Expired:
        wanted = in_use.union(state.snapshot_id for state in states(view))
        # Whatever was read since it was listed what is in use was current after *begun*.
        ids = expirable(view.metadata, begun, self._retention(view), wanted)
        return expire(self._catalog(view), view, ids, call) if ids else Expired(0, Deleted())

    def _retention(self, view: Committed) -> timedelta:
        try:
            told = policy_of(view.metadata.properties, view.identifier).history_retention
        except PreconditionFailed:  # it is not known what it says
            told = _EVER
        return max(told or self.upkeep.history_retention, self.upkeep.least_retention)

    def _catalog(self, view: Committed) -> WritableCatalog:
        catalog: object = self.catalogs[view.identifier.catalog]
        assert isinstance(catalog, WritableCatalog)  # noqa: S101 - ``_views`` looked
        return catalog


@dataclass(slots=True)
class _Done:
    """What was done for a view by now."""

    expired: Expired = field(default_factory=lambda: Expired(0, Deleted()))
    unreferenced: Deleted = field(default_factory=Deleted)
    compacted: Compacted = field(default_factory=Compacted)


class _Bounded(Cancellation):
    """Comes with *call*, or once it is checked after *timeout*."""

    def __init__(self, call: Cancellation, timeout: timedelta, clock: Clock) -> None:
        super().__init__()
        self._call = call
        self._clock = clock
        self._timeout = timeout.total_seconds()
        self._until = clock.monotonic() + self._timeout

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        return self._call.on_cancel(callback)

    def check(self) -> None:
        self._call.check()
        if self._clock.monotonic() > self._until:
            raise TimedOut(f"the upkeep of the view took longer than {self._timeout:g} seconds")


def _fact(done: Maintained, duration: timedelta) -> MaintenanceFinished:
    deleted, left = done.expired.deleted, done.unreferenced
    return MaintenanceFinished(
        view=done.view,
        status="OK" if done.failure is None else code_name(done.failure),
        snapshots=done.expired.snapshots,
        files=deleted.files,
        bytes=deleted.bytes,
        unreferenced=left.files,
        unreferenced_bytes=left.bytes,
        failed=deleted.failed + left.failed + done.dropped.failed,
        compacted=done.compacted.files,
        compacted_into=done.compacted.into,
        compacted_bytes=done.compacted.bytes,
        manifests=done.compacted.manifests,
        dropped=done.dropped.files,
        dropped_bytes=done.dropped.bytes,
        duration=duration,
        error=None if done.failure is None else done.failure.message,
    )
