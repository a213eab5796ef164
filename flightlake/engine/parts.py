"""The parts of a table's files (``lake.parts``) as one native DataFusion table.

Each part is a scan and a projection; deletes are anti joins; the parts are put together by
UNION ALL.  Filters and projections pass through all of it down to the scans.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from datafusion import DataFrame, Expr, SessionContext, col, lit

from flightlake.engine.scan import Scans, empty
from flightlake.lake.parts import Column, EqualityDeletes, Part
from flightlake.lake.stores import StoreSettings
from flightlake.lake.table import IcebergTable
from flightlake.names import quote_always

_ROW = "flightlake row number"
_DELETED = "flightlake deleted row number"
_OTHER = "flightlake other "
_SINGLE = 64
"""Up to so many files of a part with deleted rows are scanned each by itself, which joins on the
row number alone; more are scanned together, joined on file and row number, which costs more per
row and less per file."""
_ROWS_PER_FILE = 1 << 40


class PartScans:
    """Makes the engine's table of one Iceberg table's parts; used once.

    ``paths`` are then the files of each scan that was made.
    """

    def __init__(self, engine: SessionContext, scans: Scans, table: IcebergTable) -> None:
        self._engine = engine
        self._scans = scans
        self._table = table
        self.paths: list[list[str]] = []

    def frame(self, parts: Sequence[Part]) -> DataFrame:
        """Return the rows of *parts*, with the columns and types of the table."""
        if not parts:
            return empty(self._engine, self._table.schema)
        if len(parts) == 1 and parts[0].plain:
            return self._scan(self._table.schema, parts[0].files.paths.to_pylist())
        return _union([frame for part in parts for frame in self._part(part)])

    def _part(self, part: Part) -> list[DataFrame]:
        paths = part.files.paths.to_pylist()
        touched = [path for path in paths if path in part.deleted_rows]
        frames = []
        if len(touched) < len(paths):
            untouched = [path for path in paths if path not in part.deleted_rows]
            frames.append(self._finish(self._scan(part.schema, untouched), part))
        if len(touched) <= _SINGLE:
            for path in touched:
                kept = self._without_rows(
                    self._scan(part.schema, [path]),
                    "file_row_index()",
                    part.deleted_rows[path],
                )
                frames.append(self._finish(kept, part))
        else:
            kept = self._without_rows(
                self._scan(part.schema, touched),
                _row_number(self._table.store, touched),
                _row_numbers(part, touched),
            )
            frames.append(self._finish(kept, part))
        return frames

    def _scan(self, schema: pa.Schema, paths: list[str]) -> DataFrame:
        self.paths.append(paths)
        return self._scans.scan(
            self._table.identifier, schema, self._table.store.engine_urls(paths)
        )

    def _without_rows(self, scan: DataFrame, row: str, deleted: pa.Array) -> DataFrame:
        columns = [col(quote_always(name)) for name in scan.schema().names]
        numbered = scan.select(*columns, scan.parse_sql_expr(row).cast(pa.int64()).alias(_ROW))
        rows = self._engine.read_batch(pa.record_batch({_DELETED: deleted}))
        return numbered.join(
            rows, left_on=quote_always(_ROW), right_on=quote_always(_DELETED), how="anti"
        )

    def _finish(self, frame: DataFrame, part: Part) -> DataFrame:
        for deletes in part.equality:
            frame = self._without_values(frame, deletes)
        return frame.select(*(_expression(column) for column in part.columns))

    def _without_values(self, frame: DataFrame, deletes: EqualityDeletes) -> DataFrame:
        others = _union(
            [
                self._scan(part.schema, part.files.paths.to_pylist()).select(
                    *(
                        col(quote_always(str(column.stored)))
                        .cast(column.type)
                        .alias(_OTHER + column.name)
                        for column in part.columns
                    )
                )
                for part in deletes.parts
            ]
        ).distinct()
        kept = [col(quote_always(column)) for column in frame.schema().names]
        keyed = frame.select(*kept, *(_expression(key) for key in deletes.keys))
        # Null-safe: a null in the delete file deletes nulls.
        same = [
            f"{quote_always(key.name)} IS NOT DISTINCT FROM {quote_always(_OTHER + key.name)}"
            for key in deletes.keys
        ]
        joined = keyed.join_on(
            others, *(_parsed(keyed, others, condition) for condition in same), how="anti"
        )
        return joined.select(*kept)


def _parsed(left: DataFrame, right: DataFrame, condition: str) -> Expr:
    """Return *condition* over the columns of both sides."""
    both = left.join_on(right, lit(True), how="inner")
    return both.parse_sql_expr(condition)


def _expression(column: Column) -> Expr:
    """Return how *column* comes out of a scan."""
    if column.stored is not None:
        found = col(quote_always(column.stored))
        return found if column.stored == column.name else found.alias(column.name)
    known = column.absent is not None and column.absent.is_valid
    return lit(column.absent if known else None).cast(column.type).alias(column.name)


def _union(frames: Sequence[DataFrame]) -> DataFrame:
    whole = frames[0]
    for frame in frames[1:]:
        whole = whole.union(frame)
    return whole


def _row_number(store: StoreSettings, paths: Sequence[str]) -> str:
    """Return the SQL that numbers the rows of several files: file number, then row number."""
    cases = " ".join(
        f"WHEN '{key.replace(chr(39), chr(39) * 2)}' THEN {number}"
        for number, key in enumerate(store.engine_keys(paths))
    )
    return f"(CASE input_file_name() {cases} END) * {_ROWS_PER_FILE} + file_row_index()"


def _row_numbers(part: Part, paths: Sequence[str]) -> pa.Array:
    return pa.array(
        np.concatenate(
            [
                np.asarray(part.deleted_rows[path]) + number * _ROWS_PER_FILE
                for number, path in enumerate(paths)
            ]
        )
    )
