"""A statement → a plan whose scans name exactly the files it needs.

Two passes: the first plans against tables whose files are not known, and shows by the
optimizer's work which rows each scan wants; the second plans against the files that may hold
them.  Tables of few files are given them at once; where there are no others, one pass is enough.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyarrow as pa
from datafusion import DataFrame, LogicalPlan, SessionContext

from flightlake.cancellation import Cancellation
from flightlake.engine.datafusion_errors import NOT_FOUND, translate
from flightlake.engine.filters import predicates
from flightlake.engine.missing_names import missing
from flightlake.engine.mixed_types import mixes_types, settled
from flightlake.engine.parts import PartScans
from flightlake.engine.scan import UNPLANNED, Scans
from flightlake.engine.sql_text import SqlText
from flightlake.engine.string_views import plainly, viewed, worthwhile
from flightlake.engine.tables import StatementTables
from flightlake.engine.uuid_texts import REFUSAL, has_uuids, with_bytes
from flightlake.engine.view_frames import NOTHING_BUT_QUERIES
from flightlake.errors import FlightlakeError
from flightlake.lake.parts import Part
from flightlake.lake.predicates import Anything, Predicate
from flightlake.lake.table import IcebergTable
from flightlake.names import TableIdentifier

Values = Mapping[str, pa.Scalar]
OpenSession = Callable[[StatementTables, Callable[[IcebergTable], DataFrame]], SessionContext]

_FEW_FILES = 8


@dataclass(frozen=True, slots=True)
class Planned:
    """A logical plan, its result's schema, and the paths of the files of each scan in it.

    ``rows`` are the record counts of the files by path.  ``numbers_rows`` says whether the plan
    numbers the rows of files, to leave out those that are deleted by number.
    """

    plan: LogicalPlan
    schema: pa.Schema
    paths: Mapping[TableIdentifier, Sequence[Sequence[str]]]
    rows: Mapping[TableIdentifier, Mapping[str, int]]
    numbers_rows: bool = False


@dataclass(slots=True)
class StatementPlanner:
    """Plans one statement; used once, in one thread.

    Args:
        text: The statement.
        values: Its parameters by name (``1``, ``2``, …); empty leaves them open.
        tables: What it sees of the catalogs.
        open_session: Makes a session in which the engine finds the tables as the given
            function scans them.
        engine: The engine's context.
        scans: Makes scans in it.
        prune: Whether files are left out by what the statement asks.
    """

    text: SqlText
    values: Values
    tables: StatementTables
    open_session: OpenSession
    engine: SessionContext
    scans: Scans
    prune: bool = True
    _sql: str = ""
    _parts: dict[TableIdentifier, tuple[Part, ...]] = field(default_factory=dict)
    _paths: dict[TableIdentifier, list[list[str]]] = field(default_factory=dict)
    _rows: dict[TableIdentifier, dict[str, int]] = field(default_factory=dict)
    _views: bool = field(init=False)

    def __post_init__(self) -> None:
        self._views = worthwhile(self.text.engine_sql)

    def outline(self) -> Planned:
        """Return the statement planned without files, which tells its schema and parameters.

        Raises:
            FlightlakeError: The statement is wrong, or a table is missing.
        """
        return self._planned(self._plan(self._scan_nothing))

    def plan(self, cancellation: Cancellation) -> Planned:
        """Return the statement planned on the files it needs.

        Raises:
            FlightlakeError: The statement is wrong, a table cannot be read, or *cancellation*.
        """
        frame = self._plan(lambda table: self._scan_few(table, cancellation))
        rest = self.tables.loaded.keys() - self._parts.keys()
        if not rest:
            return self._planned(frame)
        wanted = self._wanted(frame) if self.prune else {}
        self._choose(rest, wanted, cancellation)
        frame = self._plan(self._scan_chosen)
        return self._planned(frame)

    def again(self, parts: Mapping[TableIdentifier, tuple[Part, ...]]) -> Planned:
        """Return the statement planned on *parts* of its tables, which were found before.

        Raises:
            FlightlakeError: The statement is wrong.
        """
        self._parts = dict(parts)
        return self._planned(self._plan(self._scan_chosen))

    @property
    def parts(self) -> Mapping[TableIdentifier, tuple[Part, ...]]:
        """What the statement reads of each table, once it is planned."""
        return dict(self._parts)

    def _planned(self, frame: DataFrame) -> Planned:
        numbered = any(part.deleted_rows for parts in self._parts.values() for part in parts)
        with self._translated():
            plan, schema = frame.logical_plan(), frame.schema()
            if mixes_types(self.text.engine_sql):
                schema = self._settled(frame, schema)
        return Planned(plan, schema, self._paths, self._rows, numbered)

    def _settled(self, frame: DataFrame, told: pa.Schema) -> pa.Schema:
        try:
            optimized = frame.optimized_logical_plan()
        except Exception:
            if self.text.parameters and not self.values:
                return told  # their types decide; it is planned again when they are known
            raise
        return settled(told, self.engine.create_dataframe_from_logical_plan(optimized).schema())

    def _plan(self, scan: Callable[[IcebergTable], DataFrame]) -> DataFrame:
        frame = self._parsed(self._sql or self.text.engine_sql, scan)
        if not self._sql and has_uuids(self.text.engine_sql, self.values) and not _fits(frame):
            columns = [member for table in self.tables.loaded.values() for member in table.schema]
            for sql in with_bytes(self.text.engine_sql, self.values, columns):
                try:
                    again = self._parsed(sql, scan)
                except FlightlakeError:
                    continue  # the frame says what is wrong with the statement as it was written
                if _fits(again):
                    self._sql = sql
                    return again
        return frame

    def _parsed(self, sql: str, scan: Callable[[IcebergTable], DataFrame]) -> DataFrame:
        session = self.open_session(self.tables, scan)
        with self._translated():
            frame = session.sql(sql, NOTHING_BUT_QUERIES, dict(self.values) or None)
            return plainly(frame)

    def _wanted(self, frame: DataFrame) -> dict[TableIdentifier, Predicate]:
        schemas = {name: table.schema for name, table in self.tables.loaded.items()}
        with self._translated():
            return predicates(frame.optimized_logical_plan(), schemas)

    def _choose(
        self,
        names: set[TableIdentifier],
        wanted: Mapping[TableIdentifier, Predicate],
        cancellation: Cancellation,
    ) -> None:
        cancellation.check()
        for name in names:
            predicate = wanted.get(name, Anything())
            table = self.tables.loaded[name]
            self._parts[name] = table.plan_files(predicate, cancellation).parts

    def _scan_nothing(self, table: IcebergTable) -> DataFrame:
        schema = viewed(table.schema) if self._views else table.schema
        return self.scans.scan(table.identifier, schema, [UNPLANNED])

    def _scan_few(self, table: IcebergTable, cancellation: Cancellation) -> DataFrame:
        count = table.data_file_count
        if count is None or count > _FEW_FILES:
            return self._scan_nothing(table)
        self._parts[table.identifier] = table.plan_files(Anything(), cancellation).parts
        return self._scan_chosen(table)

    def _scan_chosen(self, table: IcebergTable) -> DataFrame:
        scans = PartScans(self.engine, self.scans, table, self._views)
        frame = scans.frame(self._parts[table.identifier])
        self._paths[table.identifier] = scans.paths
        self._rows[table.identifier] = scans.rows
        return frame

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except FlightlakeError:
            raise
        except BaseException as error:
            # What happened while a table was loaded came through the engine as mere text.
            if self.tables.failure is not None:
                raise self.tables.failure from error
            named = NOT_FOUND.search(str(error))
            if named is not None:
                raise missing(self.tables.catalogs, self._identifier(named.group(1))) from error
            raise translate(error, self.text) from error

    def _identifier(self, dotted: str) -> TableIdentifier:
        for absent in self.tables.absent:
            if f"{absent.catalog}.{absent.db_schema}.{absent.table}" == dotted:
                return absent
        # Not asked for: its catalog is not there.
        catalog, _, rest = dotted.partition(".")
        db_schema, _, table = rest.rpartition(".")
        return TableIdentifier(catalog, db_schema, table)


def _fits(frame: DataFrame) -> bool:
    """Whether the engine does not refuse to compare a UUID with something else in *frame*."""
    try:
        frame.optimized_logical_plan()
    except Exception as refusal:  # noqa: BLE001 - any other refusal comes up again, and is told
        return REFUSAL not in str(refusal)
    return True
