"""Sessions: the engine's planner, seeing the catalogs as one statement, or one view, does."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from datafusion import DataFrame, SessionConfig, SessionContext

from flightlake.engine.defaults import Defaults
from flightlake.engine.missing_names import NO_CATALOG
from flightlake.engine.moment import fix
from flightlake.engine.providers import Lookup, Scan, StatementCatalog
from flightlake.engine.sql_text import SqlText
from flightlake.engine.tables import StatementTables
from flightlake.engine.view_frames import NOTHING_BUT_QUERIES, Place, ViewFrames
from flightlake.lake.views import IcebergView

_VIEW_THREADS = 2


@dataclass(frozen=True, slots=True)
class Sessions:
    """Opens sessions.

    Args:
        config: Makes the settings of a session with these defaults.
        engine: The engine's context.
        pool: Loads tables for the engine.
    """

    config: Callable[[Defaults], SessionConfig]
    engine: SessionContext
    pool: ThreadPoolExecutor

    def open(
        self,
        text: SqlText,
        defaults: Defaults,
        tables: StatementTables,
        scan: Scan,
        moment: datetime,
    ) -> SessionContext:
        """Return a session for *text*, whose current time is *moment*."""
        place = Place(tables, scan, moment, defaults.branch)
        return self._open(text, defaults, place, self.pool, {})

    def _open(
        self,
        text: SqlText,
        defaults: Defaults,
        place: Place,
        pool: ThreadPoolExecutor,
        synonyms: Mapping[str, str],
    ) -> SessionContext:
        session = SessionContext(self.config(defaults))
        session.deregister_udf("input_file_name")  # it tells paths of the server
        views = ViewFrames(place, self._frame)
        lookup = Lookup(
            place.tables, place.scan, views.frame, pool, self.engine, defaults, text.dotted
        )
        names = {name: name for name in place.tables.catalogs}
        names[NO_CATALOG] = NO_CATALOG  # where the system tables are there all the same
        # In schema.table.snapshots, the schema stands where the engine looks for a catalog.
        names |= {parts[0]: parts[0] for parts in text.dotted if len(parts) == 3}
        for name, catalog in {**names, **synonyms}.items():
            session.register_catalog_provider(name, StatementCatalog(catalog, lookup))
        if text.reads_clock:
            fix(session, place.moment)
        return session

    def _frame(self, text: SqlText, view: IcebergView, place: Place) -> DataFrame:
        """Return the rows of *text*, which is how *view* is written."""
        own = view.identifier.catalog
        known = view.catalog in place.tables.catalogs
        # The writer's name of the catalog need not be ours.
        synonyms = {view.catalog: own} if view.catalog and not known else {}
        defaults = Defaults(view.catalog if known else own, view.db_schema, place.branch)
        # Not the pool that waits for this: all its threads might.
        with ThreadPoolExecutor(_VIEW_THREADS, thread_name_prefix="views") as pool:
            session = self._open(text, defaults, place, pool, synonyms)
            frame = session.sql(text.engine_sql, NOTHING_BUT_QUERIES)
            plan = frame.logical_plan()
        return self.engine.create_dataframe_from_logical_plan(plan)
