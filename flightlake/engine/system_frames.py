"""The rows of a system table: those that are known here, and those that Iceberg tables hold."""

from collections.abc import Callable

import pyarrow as pa
from datafusion import DataFrame, Expr, SessionContext, col, lit
from datafusion import functions as f

from flightlake.engine.scan import in_memory
from flightlake.engine.system_tables import SCHEMAS, STORED, SYSTEM
from flightlake.engine.tables import StatementTables
from flightlake.engine.time_travel import Wanted, decode
from flightlake.errors import Unsupported
from flightlake.lake.table import IcebergTable


def system_frame(
    name: str,
    tables: StatementTables,
    scan: Callable[[IcebergTable], DataFrame],
    engine: SessionContext,
) -> DataFrame | None:
    """Return the rows of the system table *name*; None if there is no such table.

    Raises:
        Unsupported: It is wanted as it was, or its metadata is.
        FlightlakeError: The rows cannot be made.
    """
    wanted = decode(name)
    if wanted.table in SCHEMAS and wanted != Wanted(wanted.table):
        raise Unsupported(
            f"{SYSTEM}.{wanted.table} has neither snapshots nor files; read it as it is now"
        )
    # First what is known here: a row that is stored meanwhile is in both, and not in neither.
    rows = tables.system.table(name)
    if rows is None:
        return None
    tables.unpinned.append(f"{SYSTEM}.{name}")
    frame = in_memory(engine, rows)
    read: set[str] = set()
    for identifier in tables.system.stored(name):
        table = tables.load(identifier)
        # Two catalogs may know one table.
        if table is None or table.uuid in read:
            continue
        if table.metadata.properties.get(STORED) == name:
            read.add(table.uuid)
            frame = frame.union(_others(scan(table), table.schema, rows))
    return frame


def _others(stored: DataFrame, found: pa.Schema, rows: pa.Table) -> DataFrame:
    """Return *stored*, without those of *rows*, in the columns of *rows*."""
    key = rows.schema.names[0]
    known = [lit(value) for value in rows[key].to_pylist()]
    if known:
        stored = stored.filter(f.in_list(col(key), known, negated=True))
    return stored.select(*(_column(field, found) for field in rows.schema))


def _column(field: pa.Field, found: pa.Schema) -> Expr:
    # A table that an older release made has not all the columns.
    value = col(f'"{field.name}"') if field.name in found.names else lit(None)
    return value.cast(field.type).alias(field.name)
