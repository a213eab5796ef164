"""``flightlake_system.materialized_views`` and ``.mv_dependencies``: what the catalogs tell now.

Both are of one reading: a statement that joins them sees the same views and tables in them.
Nothing is kept between statements, so views that other processes refresh are shown as they are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property

import pyarrow as pa

from flightlake.engine.system_tables import (
    MATERIALIZED_VIEWS,
    MV_DEPENDENCIES,
    SystemTable,
    SystemTables,
)
from flightlake.errors import FlightlakeError, NotFound
from flightlake.lake.mapping import naming_of
from flightlake.lake.materialized import is_materialized_view
from flightlake.lake.table import IcebergTable
from flightlake.lake.views import find_view
from flightlake.names import AS_OF_MARK, TableIdentifier
from flightlake.refresh.dependencies import stale_source
from flightlake.refresh.finding import View, Views, plain, read_view
from flightlake.refresh.records import Source
from flightlake.refresh.roots import conflicts
from flightlake.refresh.runs import Run
from flightlake.refresh.view_rows import (
    UNREACHABLE,
    Row,
    Seen,
    Standing,
    name_of,
    of_content,
    of_policy,
    of_refresh,
    of_silent,
    of_standing,
    of_state,
)
from flightlake.telemetry import RefreshFinished

_LOADS_AT_ONCE = 8
CURRENT = "CURRENT"
CHANGED = "CHANGED"
REPLACED = "REPLACED"
GONE = "GONE"
FIXED = "FIXED"


@dataclass(frozen=True, slots=True)
class ViewTables:
    """The tables about views, for everybody.

    Args:
        views: Finds them.
        under_way: The refreshes that wait or run in this process.
        standing: How a view stands, with the scheduler of this process.
        latest: The last refresh of a view that this process knows of.
    """

    views: Views
    under_way: Callable[[], Sequence[Run]] = tuple
    standing: Callable[[TableIdentifier], Standing] = lambda view: Standing()
    latest: Callable[[TableIdentifier], RefreshFinished | None] = lambda view: None

    def reading(self) -> SystemTables:
        """Return the tables as they are when the first of them is read."""
        reading = _Reading(self)
        return {
            "materialized_views": SystemTable(reading.materialized_views),
            "mv_dependencies": SystemTable(reading.dependencies),
        }


@dataclass
class _Reading:
    tables: ViewTables
    _heads: dict[TableIdentifier, "IcebergTable | FlightlakeError"] = field(default_factory=dict)

    def materialized_views(self) -> pa.Table:
        found, silent = self._found
        known = {one.view.identifier: one.view for one in found}
        runs = {run.wanted.view: run for run in self.tables.under_way()}
        rows = [of_silent(name, why) for name, why in silent.items()]
        for one in found:
            name = one.view.identifier
            rows.append(
                {
                    **name_of(name),
                    **of_policy(one.view),
                    **of_state(one.view, stale_source(one.view, known)),
                    **of_content(one, self.tables.latest(name)),
                    **of_refresh(one, runs.get(name)),
                    **of_standing(self.tables.standing(name)),
                    **self._agreement(one.view, known.keys()),
                }
            )
        rows.sort(key=lambda row: (row["catalog"], row["schema"], row["name"]))
        return pa.Table.from_pylist(rows, schema=MATERIALIZED_VIEWS)

    def _agreement(self, view: View, known: Set[TableIdentifier]) -> Row:
        """Return whether all that a view reads is of one snapshot of each table."""
        if view.state is None:
            return {}
        if view.reads.isdisjoint(known):
            return {"consistent": True}
        found = conflicts(view.sources, self._table)
        return {"consistent": not found, "inconsistency": "; ".join(map(str, found)) or None}

    def _table(self, name: TableIdentifier) -> IcebergTable | None:
        head = self._head(name)
        return head if isinstance(head, IcebergTable) else None

    def dependencies(self) -> pa.Table:
        found = [
            (one.view.identifier, source) for one in self._found[0] for source in _read_by(one.view)
        ]
        self._load({plain(source.identifier) for _, source in found if source.kind != "view"})
        rows = [{**name_of(view), **self._dependency(source)} for view, source in found]
        return pa.Table.from_pylist(rows, schema=MV_DEPENDENCIES)

    @cached_property
    def _found(self) -> tuple[list[Seen], Mapping[str, str]]:
        """All views, and the catalogs that do not answer with the reason."""
        found: list[Seen] = []
        silent: dict[str, str] = {}
        for catalog in sorted(self.tables.views.writable):
            try:
                found += self._in_catalog(catalog)
            except FlightlakeError as failure:
                silent[catalog] = failure.message
        return found, silent

    def _in_catalog(self, name: str) -> Iterator[Seen]:
        views = self.tables.views
        names: list[TableIdentifier] = []
        for db_schema in views.catalogs[name].db_schemas():
            with suppress(NotFound):  # dropped since it was listed
                found = sorted(views.names_in(name, db_schema))
                names += [TableIdentifier(name, db_schema, view) for view in found]
        self._load(names)
        for identifier in names:
            table = self._head(identifier)
            if isinstance(table, IcebergTable) and is_materialized_view(table.metadata):
                properties = table.metadata.properties
                read = read_view(identifier, table.uuid, table.snapshot_id, properties)
                yield Seen(read, table)

    def _load(self, names: Iterable[TableIdentifier]) -> None:
        """Ask for several tables side by side."""
        with ThreadPoolExecutor(_LOADS_AT_ONCE, thread_name_prefix="heads") as threads:
            for _ in threads.map(self._head, names):
                pass

    def _head(self, name: TableIdentifier) -> "IcebergTable | FlightlakeError":
        if name not in self._heads:
            try:
                catalog = self.tables.views.catalogs[name.catalog]
                self._heads[name] = catalog.load(name.db_schema, name.table)
            except KeyError:
                self._heads[name] = NotFound(f"catalog '{name.catalog}' does not exist")
            except FlightlakeError as failure:
                self._heads[name] = failure
        return self._heads[name]

    def _dependency(self, source: Source) -> Row:
        kind, now, state = self._now(source)
        return {
            "source_catalog": source.identifier.catalog,
            "source_schema": source.identifier.db_schema,
            "source_name": plain(source.identifier).table,
            "source_version": source.identifier.table.partition(AS_OF_MARK)[2] or None,
            "source_kind": kind,
            "recorded_snapshot_id": source.snapshot_id,
            "current_snapshot_id": now,
            "source_state": state,
        }

    def _now(self, source: Source) -> tuple[str, int | None, str]:
        """Return the kind of a source, the snapshot it is at now, and how that compares."""
        name = plain(source.identifier)
        if source.kind == "view":
            return self._view_now(source, name)
        head = self._head(name)
        if isinstance(head, FlightlakeError):
            return "TABLE", None, GONE if isinstance(head, NotFound) else UNREACHABLE
        kind = "MATERIALIZED VIEW" if is_materialized_view(head.metadata) else "TABLE"
        if head.uuid != source.uuid:
            return kind, head.snapshot_id, REPLACED
        if name != source.identifier:
            return kind, head.snapshot_id, FIXED
        same = head.snapshot_id == source.snapshot_id
        same = same and naming_of(head.metadata) == source.naming
        return kind, head.snapshot_id, CURRENT if same else CHANGED

    def _view_now(self, source: Source, name: TableIdentifier) -> tuple[str, int | None, str]:
        try:
            view = find_view(self.tables.views.catalogs[name.catalog], name.db_schema, name.table)
        except (KeyError, NotFound):
            return "VIEW", None, GONE
        except FlightlakeError:
            return "VIEW", None, UNREACHABLE
        if view is None:
            return "VIEW", None, GONE
        if view.uuid != source.uuid:
            return "VIEW", view.version_id, REPLACED
        same = view.version_id == source.snapshot_id
        return "VIEW", view.version_id, CURRENT if same else CHANGED


def _read_by(view: View) -> Sequence[Source]:
    """Return what *view* was made of; what it waits to be made of, as read at no snapshot."""
    if view.waiting is None:
        return view.sources
    return [replace(source, snapshot_id=None) for source in view.sources]
