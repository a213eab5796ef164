"""What catalogs tell of tables and views, asked now and then and for all views together.

A catalog in a database tells the heads of all tables in one query; only what moved is loaded.
Others are asked table by table, for those that views read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flightlake.clock import Clock
from flightlake.errors import FlightlakeError, NotFound, NotReady
from flightlake.lake.catalogs import Catalog, Catalogs
from flightlake.lake.mapping import naming_of
from flightlake.lake.materialized import is_materialized_view
from flightlake.lake.table import IcebergTable
from flightlake.lake.unread import ListsHeads
from flightlake.lake.views import find_view
from flightlake.names import TableIdentifier
from flightlake.refresh.finding import Views

_FEW = 64
_LISTED_EVERY = timedelta(minutes=1)
_PATIENCE = 3
"""Tables that do not answer, after which the others wait for the next time."""
_SOON, _LATER = timedelta(seconds=10), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Head:
    """What is at a name: a ``table``; or else a view at a ``version``; or nothing that is read.

    ``uuid`` tells it from another of that name.  ``seen`` are snapshots of the table and when
    each was first seen to be current here, ``since`` when this head was.
    """

    table: IcebergTable | None
    uuid: str
    version: int | None
    since: datetime
    seen: Mapping[int, datetime] = field(default_factory=dict)

    @property
    def schema_id(self) -> int | None:
        return None if self.table is None else self.table.schema_id

    @property
    def naming(self) -> str | None:
        return None if self.table is None else naming_of(self.table.metadata)

    def is_view(self) -> bool:
        """Return whether it is a materialized view."""
        return self.table is not None and is_materialized_view(self.table.metadata)


class Watch:
    """The heads of tables, as they were when their catalogs were last asked.

    Catalogs may be asked side by side, each by one thread at a time; what one tells is seen at
    once, when it has told all.

    Args:
        catalogs: What the server itself reads.
        writable: Those in which all views are watched.
        clock: The time.
    """

    def __init__(self, catalogs: Catalogs, writable: frozenset[str], clock: Clock) -> None:
        self._catalogs = catalogs
        self._writable = writable
        self._clock = clock
        self._locations: dict[str, dict[tuple[str, str], str]] = {}
        self._heads: dict[str, dict[TableIdentifier, Head]] = {}
        self._listed_at: dict[str, datetime] = {}
        self._not_before: dict[TableIdentifier, datetime] = {}

    def head(self, name: TableIdentifier) -> Head | None:
        """Return what was last seen at *name*; None if nobody has looked."""
        return self._heads.get(name.catalog, {}).get(name)

    def views(self) -> list[TableIdentifier]:
        """Return the materialized views that were seen in writable catalogs."""
        return [
            name
            for catalog in self._writable
            for name, head in self._heads.get(catalog, {}).items()
            if head.is_view()
        ]

    def ask(self, catalog: str, wanted: Iterable[TableIdentifier]) -> set[TableIdentifier]:
        """Ask a catalog; return the names at which something else is than before.

        *wanted* are names in it that views read, and those of which somebody says that they have
        changed.

        Raises:
            NotReady: It does not answer.
        """
        found = self._catalogs.get(catalog)
        if found is None:
            return set()
        # Nobody sees what was found until all was: what is lost on the way is found again.
        heads = dict(self._heads.get(catalog, {}))
        if isinstance(found, ListsHeads):
            changed = self._listed(catalog, found, heads, set(wanted))
        else:
            names = set(wanted) | set(self._views_of(catalog, heads))
            changed, silent = self._looked_at(found, heads, names, names)
            if names and silent == names:
                raise NotReady(f"catalog '{catalog}' does not answer")
        self._heads[catalog] = heads
        return changed

    def _views_of(
        self, catalog: str, heads: Mapping[TableIdentifier, Head]
    ) -> list[TableIdentifier]:
        if catalog not in self._writable:
            return []
        now = self._clock.now()
        known = [name for name, head in heads.items() if head.is_view()]
        if abs(now - self._listed_at.get(catalog, now - _LISTED_EVERY)) < _LISTED_EVERY:
            return known
        views = Views(self._catalogs, self._writable)
        found = known
        for db_schema in self._catalogs[catalog].db_schemas():
            try:
                names = views.names_in(catalog, db_schema)
            except NotFound:  # dropped since it was listed
                continue
            found += [TableIdentifier(catalog, db_schema, name) for name in names]
        self._listed_at[catalog] = now
        return found

    def _listed(
        self,
        name: str,
        catalog: ListsHeads,
        heads: dict[TableIdentifier, Head],
        wanted: set[TableIdentifier],
    ) -> set[TableIdentifier]:
        before = self._locations.setdefault(name, {})
        now = dict(catalog.heads())
        keys = {key for key, _ in now.items() - before.items()} | (before.keys() - now.keys())
        moved = {TableIdentifier(name, *key) for key in keys}
        news = {one for one in wanted if one not in heads}
        # In a writable catalog each table may be a view.
        known = wanted | heads.keys()
        names = (moved if name in self._writable else moved & known) | news
        changed, silent = self._looked_at(self._catalogs[name], heads, names, wanted)
        for one in moved - silent:
            key = (one.db_schema, one.table)
            if key in now:
                before[key] = now[key]
            else:
                before.pop(key, None)
        return changed

    def _looked_at(
        self,
        catalog: Catalog,
        heads: dict[TableIdentifier, Head],
        names: set[TableIdentifier],
        wanted: set[TableIdentifier],
    ) -> tuple[set[TableIdentifier], set[TableIdentifier]]:
        """Look at *names*; return those at which something else is, and those that say nothing.

        A store that does not answer for one table hides no other; but nobody waits for many.
        """
        now = self._clock.now()
        changed, silent, failures = set(), set(), 0
        for one in sorted(names):
            if failures == _PATIENCE or now < self._not_before.get(one, now) <= now + _LATER:
                silent.add(one)
                continue
            try:
                if self._load(catalog, heads, one, one in wanted):
                    changed.add(one)
                self._not_before.pop(one, None)
            except NotReady:
                failures += 1
                silent.add(one)
                self._not_before[one] = now + (_SOON if one in wanted else _LATER)
        return changed, silent

    def _load(
        self,
        catalog: Catalog,
        heads: dict[TableIdentifier, Head],
        name: TableIdentifier,
        keep: bool,
    ) -> bool:
        """Look at *name*; return whether something else is there; *keep* it, if it is no view."""
        old = heads.get(name)
        new = self._look(catalog, name, old)
        if not keep and not new.is_view():
            heads.pop(name, None)
            return old is not None
        if old is not None and _same(old, new):
            return False
        heads[name] = new
        return True

    def _look(self, catalog: Catalog, name: TableIdentifier, old: Head | None) -> Head:
        now = self._clock.now()
        try:
            table = catalog.load(name.db_schema, name.table)
        except NotReady:
            raise
        except FlightlakeError as refused:
            return self._look_for_view(catalog, name, now, isinstance(refused, NotFound))
        seen = {} if old is None or old.uuid != table.uuid else dict(old.seen)
        if table.snapshot_id is not None:
            seen.setdefault(table.snapshot_id, now)
        recent = dict(list(seen.items())[-_FEW:])
        return Head(table, table.uuid, table.snapshot_id, now, recent)

    def _look_for_view(
        self, catalog: Catalog, name: TableIdentifier, now: datetime, absent: bool
    ) -> Head:
        try:
            view = find_view(catalog, name.db_schema, name.table)
        except NotReady:
            raise
        except FlightlakeError:
            view = None
        if view is None:
            return Head(None, "" if absent else "unreadable", None, now)
        return Head(None, view.uuid, view.version_id, now)


def _same(old: Head, new: Head) -> bool:
    if old.table is None or new.table is None:
        return old.table is new.table and (old.uuid, old.version) == (new.uuid, new.version)
    # Catalogs give the same metadata again as long as it has not changed.
    return old.table.metadata is new.table.metadata or old.table.metadata == new.table.metadata
