"""The parts of a table's files (``lake.parts``) as one native DataFusion table.

Each part is a scan and a projection; deletes are anti joins; the parts are put together by
UNION ALL.  Filters and projections pass through all of it down to the scans.
"""

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
from datafusion import DataFrame, Expr, SessionContext, col, lit
from datafusion import functions as f

from flightlake.engine.reshaping import reshape
from flightlake.engine.scan import Scans, empty
from flightlake.engine.string_views import viewed, viewed_deletes, viewed_part
from flightlake.lake.parts import Column, EqualityDeletes, Part
from flightlake.lake.table import IcebergTable
from flightlake.names import quote_always

_ROW = "flightlake row number"
_FILE = "flightlake file"
_DELETED_ROW = "flightlake deleted row number"
_DELETED_FILE = "flightlake deleted file"
_OTHER = "flightlake other "
_SEQUENCE = "flightlake sequence"
_PARTITION = "flightlake partition"

_LARGE = 30_000
"""Rows from which a file with deleted rows is scanned by itself, and joined on the row number
alone.  Smaller ones are scanned together and joined on file name and row number, which costs
about 0.1 microseconds more per row and 2.7 milliseconds less per file."""
_FEW = 8
"""Up to so many files are scanned each by itself, however small."""


class PartScans:
    """Makes the engine's table of one Iceberg table's parts; used once.

    ``paths`` are then the files of each scan that was made, ``rows`` how many rows each has.
    With *views*, strings are read as views (``string_views``).
    """

    def __init__(
        self, engine: SessionContext, scans: Scans, table: IcebergTable, views: bool = True
    ) -> None:
        self._engine = engine
        self._scans = scans
        self._table = table
        self._views = views
        self.paths: list[list[str]] = []
        self.rows: dict[str, int] = {}

    def frame(self, parts: Sequence[Part]) -> DataFrame:
        """Return the rows of *parts*, with the columns and types of the table."""
        schema = viewed(self._table.schema) if self._views else self._table.schema
        if not parts:
            return empty(self._engine, schema)
        if self._views:
            parts = [viewed_part(part) for part in parts]
        for part in parts:
            self._count(part)
        if len(parts) == 1 and parts[0].plain:
            return self._scan(schema, parts[0].files.paths.to_pylist())
        frames: list[DataFrame] = []
        joined: dict[tuple[EqualityDeletes, ...], list[Part]] = {}
        for part in parts:
            if part.equality:
                joined.setdefault(part.equality, []).append(part)
            else:
                frames.extend(frame.select(*_columns(part)) for frame in self._rows(part))
        frames.extend(self._without_values(deletes, some) for deletes, some in joined.items())
        return _union(frames)

    def _rows(self, part: Part) -> list[DataFrame]:
        """Return the rows that are not deleted by position, as they are scanned."""
        files = part.files.paths.to_pylist()
        touched = {path for path in files if path in part.deleted_rows}
        alone = touched
        if len(touched) > _FEW:
            counts = zip(files, part.files.record_counts.to_pylist(), strict=True)
            alone = {path for path, rows in counts if path in touched and rows >= _LARGE}
        frames = []
        if untouched := [path for path in files if path not in touched]:
            frames.append(self._scan(part.schema, untouched))
        for path in files:
            if path in alone:
                scan = self._scan(part.schema, [path])
                deleted = {_DELETED_ROW: part.deleted_rows[path]}
                frames.append(self._without_rows(scan, {_ROW: _row(scan)}, deleted))
        if together := [path for path in files if path in touched - alone]:
            scan = self._scan(part.schema, together)
            found = {_FILE: scan.parse_sql_expr("input_file_name()"), _ROW: _row(scan)}
            frames.append(self._without_rows(scan, found, self._positions(part, together)))
        return frames

    def _count(self, part: Part) -> None:
        files = part.files
        self.rows.update(zip(files.paths.to_pylist(), files.record_counts.to_pylist(), strict=True))

    def _scan(self, schema: pa.Schema, paths: list[str]) -> DataFrame:
        once = list(dict.fromkeys(paths))
        self.paths.append(once)
        urls = self._table.store.engine_urls(once)
        scan = self._scans.scan(self._table.identifier, schema, urls)
        if len(once) == len(paths):
            return scan
        # The engine reads a file once that is named to it twice.
        again = Counter(paths) - Counter(once)
        return scan.union(self._scan(schema, list(again.elements())))

    def _positions(self, part: Part, paths: Sequence[str]) -> dict[str, pa.Array]:
        rows = [part.deleted_rows[path] for path in paths]
        lengths = [len(some) for some in rows]
        names = pa.array(self._table.store.engine_keys(paths), pa.string())
        owners = pa.array([at for at, length in enumerate(lengths) for _ in range(length)])
        return {_DELETED_FILE: names.take(owners), _DELETED_ROW: pa.concat_arrays(rows)}

    def _without_rows(
        self, scan: DataFrame, found: dict[str, Expr], deleted: dict[str, pa.Array]
    ) -> DataFrame:
        columns = [col(quote_always(name)) for name in scan.schema().names]
        numbered = scan.select(*columns, *(made.alias(name) for name, made in found.items()))
        return numbered.join(
            self._engine.read_batch(pa.record_batch(deleted)),
            left_on=[quote_always(name) for name in found],
            right_on=[quote_always(name) for name in deleted],
            how="anti",
        ).select(*columns)

    def _without_values(
        self, equality: Sequence[EqualityDeletes], parts: Sequence[Part]
    ) -> DataFrame:
        """Return the rows of *parts*, to all of which all of *equality* is to be applied."""
        rows = _union(
            [
                frame.select(
                    *_columns(part),
                    *(_comparable(key, part) for key in part.keys),
                    lit(part.sequence).alias(_SEQUENCE),
                    lit(part.partition).alias(_PARTITION),
                )
                for part in parts
                for frame in self._rows(part)
            ]
        )
        for deletes in equality:
            others = self._values(viewed_deletes(deletes) if self._views else deletes)
            # Null-safe: a null in the delete file deletes nulls.
            conditions = [
                f"{quote_always(name)} IS NOT DISTINCT FROM {quote_always(_OTHER + name)}"
                for name in deletes.names
            ]
            if deletes.by_partition:
                conditions.append(f'"{_PARTITION}" = "{_OTHER}{_PARTITION}"')
            if deletes.by_sequence:
                conditions.append(f'"{_SEQUENCE}" < "{_OTHER}{_SEQUENCE}"')
            rows = rows.join_on(others, *_parsed(rows, others, conditions), how="anti")
        return rows.select(*(col(quote_always(column.name)) for column in parts[0].columns))

    def _values(self, deletes: EqualityDeletes) -> DataFrame:
        """Return the values that delete, each once, with their greatest sequence number."""
        for some in deletes.files:
            self._count(some.part)
        found = _union(
            [
                self._scan(some.part.schema, some.part.files.paths.to_pylist()).select(
                    *(_comparable(column, some.part, _OTHER) for column in some.part.columns),
                    lit(some.sequence).alias(_OTHER + _SEQUENCE),
                    lit(some.partition).alias(_OTHER + _PARTITION),
                )
                for some in deletes.files
            ]
        )
        keys = [*deletes.names, *((_PARTITION,) if deletes.by_partition else ())]
        last = f.max(col(quote_always(_OTHER + _SEQUENCE))).alias(_OTHER + _SEQUENCE)
        return found.aggregate(
            [col(quote_always(_OTHER + name)) for name in keys],
            [last] if deletes.by_sequence else [],
        )


def _parsed(left: DataFrame, right: DataFrame, conditions: Sequence[str]) -> list[Expr]:
    """Return *conditions* over the columns of both sides."""
    both = left.join_on(right, lit(True), how="inner")
    return [both.parse_sql_expr(condition) for condition in conditions]


def _row(scan: DataFrame) -> Expr:
    return scan.parse_sql_expr("file_row_index()").cast(pa.int64())


def _columns(part: Part) -> list[Expr]:
    return [_expression(column, part) for column in part.columns]


def _expression(column: Column, part: Part) -> Expr:
    """Return how *column* comes out of a scan of *part*."""
    if column.reshaped is not None:
        return reshape(column).alias(column.name)
    if column.stored is not None:
        found = col(quote_always(column.stored))
        if part.schema.field(column.stored).type != column.type:
            found = found.cast(column.type)
        elif column.stored not in part.nans:
            return found if column.stored == column.name else found.alias(column.name)
        # This changes nothing, but the engine knows nothing of its result.
        nan = lit(float("nan")).cast(column.type)
        return f.nanvl(found, nan).alias(column.name)
    return _literal(column).cast(column.type).alias(column.name)


def _literal(column: Column) -> Expr:
    absent = column.absent
    if absent is None or not absent.is_valid:
        return lit(None)
    if pa.types.is_timestamp(column.type):
        # datafusion makes literals from Python's datetime, which has no nanoseconds.
        return lit(absent.value)
    return lit(absent)


def _comparable(column: Column, part: Part, prefix: str = "") -> Expr:
    """Return the values of an equality column such that equal ones are equal to the engine.

    Iceberg's own library compares as Java's ``Double.compare``: NaN is NaN, and 0.0 is not
    -0.0.  To the engine zeros are equal, and there are several NaNs; their texts are right.
    """
    found = _expression(column, part)
    if pa.types.is_floating(column.type):
        found = found.cast(pa.string())
    return found.alias(prefix + column.name)


def _union(frames: Sequence[DataFrame]) -> DataFrame:
    """Return all rows of *frames*, as a balanced tree: hundreds in a row are too deep."""
    if len(frames) == 1:
        return frames[0]
    half = len(frames) // 2
    return _union(frames[:half]).union(_union(frames[half:]))
