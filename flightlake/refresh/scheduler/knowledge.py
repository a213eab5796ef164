"""From what catalogs tell to what is known of each view."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from flightlake.engine.time_travel import decode
from flightlake.errors import FlightlakeError
from flightlake.lake.unread import unread
from flightlake.lake.versions import AsOf
from flightlake.names import TableIdentifier
from flightlake.refresh.finding import View, plain, read_view
from flightlake.refresh.records import Source
from flightlake.refresh.scheduler.due import Facts
from flightlake.refresh.scheduler.watching import Head, Watch
from flightlake.refresh.status import Status

Place = tuple[str, int | None, int | None, str | None]
Vector = Mapping[TableIdentifier, Place]
"""Of each source: its UUID, snapshot or version, schema, and what stands for its name mapping."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Memory:
    """What this process remembers of a view, and no table tells.

    ``began`` is when the last refresh began here, ``shown`` what all it read stood at by then,
    if it went well; ``took`` how long the last ones took; ``status`` one that is not written;
    ``covers`` the oldest change that each snapshot of the view was made for.
    """

    began: datetime | None = None
    shown: Vector | None = None
    took: tuple[timedelta, ...] = ()
    status: Status | None = None
    covers: tuple[tuple[int, datetime], ...] = ()


NOTHING = Memory()


@dataclass(frozen=True, slots=True)
class Known:
    """Makes facts; used within one thread.

    Args:
        watch: What catalogs told.
        memories: What this process remembers, by view.
        version: The server's.
    """

    watch: Watch
    memories: Mapping[TableIdentifier, Memory]
    version: str

    def view(self, name: TableIdentifier) -> View | None:
        """Return the view at *name* as it was last seen, None if there is none."""
        head = self.watch.head(name)
        if head is None or head.table is None or not head.is_view():
            return None
        table = head.table
        return read_view(name, table.uuid, table.snapshot_id, table.metadata.properties)

    def facts(self, name: TableIdentifier) -> Facts | None:
        """Return what is known of a view; None if its policy cannot be read, or it is none."""
        view, head = self.view(name), self.watch.head(name)
        if view is None or view.policy is None or view.definition is None or head is None:
            return None
        memory = self.memories.get(name, NOTHING)
        # Written by a clock that was ahead: it was no later than it was seen here.
        status, latest = view.status, head.since
        if status.attempted is not None and status.attempted > latest:
            status = replace(status, attempted=latest)
        if memory.status is not None and not status.suspended:
            status = max(status, memory.status, key=lambda one: one.failures)
        begun = [memory.began, status.attempted]
        took = memory.took
        if view.waiting is not None:  # a calendar counts from when it was made
            begun.append(min(view.waiting.since, latest))
        if view.state is not None:
            begun.append(min(view.state.as_of, latest))
            took = (*took, timedelta(seconds=view.state.seconds))
        return Facts(
            view=name,
            policy=view.policy,
            anchor=max((one for one in begun if one is not None), default=_EPOCH),
            status=status,
            reads=view.reads,
            oldest=self._oldest(view, head, memory),
            expected=_nearly_always(took),
            seen=self._fingerprint(view),
            waiting=view.waiting is not None,
        )

    def vector(self, view: TableIdentifier) -> Vector:
        """Return where all that *view* reads, and its own table, stood when it was last seen."""
        found = self.view(view)
        names = {view, *(found.reads if found is not None else ())}
        return {name: _place(self.watch.head(name)) for name in names}

    def _oldest(self, view: View, head: Head, memory: Memory) -> datetime | None:
        state = view.state
        if view.waiting is not None:
            return min(view.waiting.since, head.since)
        if state is None or view.definition is None or state.version != view.definition.version:
            return head.since
        shown = memory.shown or {}
        own = Source(view.identifier, "table", view.uuid, state.snapshot_id, None, head.naming)
        found: list[datetime] = []
        for source in (own, *state.sources):
            name = plain(source.identifier)
            now = self.watch.head(name)
            if now is None:
                continue
            as_of = decode(source.identifier.table).as_of
            if as_of is not None:
                now = _at(now, as_of)
            elif shown.get(name) == _place(now):
                continue
            found += self._changes(source, now)
        return min(found, default=None)

    def _changes(self, source: Source, head: Head) -> Iterable[datetime]:
        if head.table is None:
            gone = (head.uuid, head.version) != (source.uuid, source.snapshot_id)
            return [head.since] if gone else []
        if head.uuid != source.uuid:
            return [head.since]
        covers = dict(self.memories.get(plain(source.identifier), NOTHING).covers)
        found = []
        then = source.snapshot_id, source.schema_id, source.naming
        for snapshot, committed in unread(head.table, *then):
            # The writer's clock may be ahead: then what counts is when it was seen here.
            moment = min(committed, head.seen.get(snapshot or 0, head.since))
            found.append(min(moment, covers.get(snapshot or 0, moment)))
        return found

    def _fingerprint(self, view: View) -> str:
        parts = [self.version, "" if view.definition is None else str(view.definition.version)]
        for source in sorted(view.sources, key=lambda one: one.identifier):
            head = self.watch.head(plain(source.identifier))
            uuid, _, schema_id, naming = _place(head)
            parts.append(f"{source.identifier}\0{uuid}\0{schema_id}\0{naming or ''}")
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


def _at(head: Head, as_of: AsOf) -> Head:
    """Return *head* as it is for a query that reads a version of it, which a branch may be."""
    if head.table is None:
        return head
    try:
        table = head.table.as_of(as_of)
    except FlightlakeError:
        return replace(head, table=None, uuid="")
    return replace(head, table=table, version=table.snapshot_id)


def _place(head: Head | None) -> Place:
    if head is None:
        return "", None, None, None
    return head.uuid, head.version, head.schema_id, head.naming


def _nearly_always(took: tuple[timedelta, ...]) -> timedelta:
    """Return how long 19 of 20 take at most."""
    if not took:
        return timedelta()
    ordered = sorted(took)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
