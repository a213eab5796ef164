"""``information_schema``: what tables and columns there are, as the SQL standard lists it.

The engine's own would load every table to name it, calls every table a view, and shows the
server's settings.  Listings ask the catalogs at the time of the statement.  The
``information_schema`` of a catalog is about that catalog.  A table that cannot be read is
listed, and has no columns.

Source: ISO/IEC 9075-11.  ``data_type`` is the SQL name of the type, where DESCRIBE shows Arrow's.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from flightlake.engine.missing_names import INFORMATION_SCHEMA
from flightlake.engine.system_tables import SCHEMAS, SYSTEM
from flightlake.engine.tables import StatementTables
from flightlake.engine.view_sql import in_order
from flightlake.errors import FlightlakeError, NotFound, NotReady
from flightlake.flightsql.sql_types import sql_type
from flightlake.lake.views import IcebergView, find_view, views_in
from flightlake.names import TableIdentifier

NAME = INFORMATION_SCHEMA
View = Callable[[str, StatementTables], pa.Table]

_LOADS_AT_ONCE = 8


def _text(*names: str) -> pa.Schema:
    return pa.schema([pa.field(name, pa.string(), nullable=False) for name in names])


SCHEMATA = _text("catalog_name", "schema_name", "schema_owner")
TABLES = _text("table_catalog", "table_schema", "table_name", "table_type")
VIEWS_SCHEMA = _text("table_catalog", "table_schema", "table_name", "definition")
COLUMNS = pa.schema(
    [
        *_text("table_catalog", "table_schema", "table_name", "column_name"),
        pa.field("ordinal_position", pa.int32(), nullable=False),
        pa.field("column_default", pa.string()),
        pa.field("is_nullable", pa.string(), nullable=False),
        pa.field("data_type", pa.string(), nullable=False),
    ]
)


def _schemata(catalog: str, tables: StatementTables) -> pa.Table:
    names = [*_schemas(catalog, tables), SYSTEM, NAME]
    rows = {"catalog_name": [catalog] * len(names), "schema_name": names}
    return pa.table({**rows, "schema_owner": [""] * len(names)}, schema=SCHEMATA)


def _tables(catalog: str, tables: StatementTables) -> pa.Table:
    found = [(name.db_schema, name.table, "BASE TABLE") for name in _names(catalog, tables)]
    found += [(name.db_schema, name.table, "VIEW") for name in _views_of(catalog, tables)]
    found += [(SYSTEM, name, "SYSTEM TABLE") for name in SCHEMAS]
    found += [(NAME, view, "VIEW") for view in VIEWS]
    return _rows(TABLES, [(catalog, *row) for row in found])


def _views(catalog: str, tables: StatementTables) -> pa.Table:
    names = list(_views_of(catalog, tables))
    with ThreadPoolExecutor(_LOADS_AT_ONCE, thread_name_prefix="views") as threads:
        definitions = list(threads.map(lambda name: _definition(name, tables), names))
    rows = zip(names, definitions, strict=True)
    return _rows(VIEWS_SCHEMA, [(catalog, name.db_schema, name.table, text) for name, text in rows])


def _columns(catalog: str, tables: StatementTables) -> pa.Table:
    names = [*_names(catalog, tables), *_views_of(catalog, tables)]
    with ThreadPoolExecutor(_LOADS_AT_ONCE, thread_name_prefix="columns") as threads:
        schemas = list(threads.map(lambda name: _schema(name, tables), names))
    names += [TableIdentifier(catalog, SYSTEM, table) for table in SCHEMAS]
    schemas += SCHEMAS.values()
    return _rows(
        COLUMNS,
        [
            (
                catalog, name.db_schema, name.table, field.name, position, None,
                "YES" if field.nullable else "NO", sql_type(field.type).name,
            )
            for name, schema in zip(names, schemas, strict=True)
            for position, field in enumerate(schema, start=1)
        ],
    )  # fmt: skip


VIEWS: Mapping[str, View] = {
    "columns": _columns,
    "schemata": _schemata,
    "tables": _tables,
    "views": _views,
}


def _schemas(catalog: str, tables: StatementTables) -> list[str]:
    # What a catalog has below the name of the system tables is hidden by them.
    return [name for name in tables.catalogs[catalog].db_schemas() if name != SYSTEM]


def _names(catalog: str, tables: StatementTables) -> Iterator[TableIdentifier]:
    for db_schema in _schemas(catalog, tables):
        for table in tables.catalogs[catalog].tables(db_schema):
            yield TableIdentifier(catalog, db_schema, table)


def _views_of(catalog: str, tables: StatementTables) -> Iterator[TableIdentifier]:
    for db_schema in _schemas(catalog, tables):
        for view in views_in(tables.catalogs[catalog], db_schema):
            yield TableIdentifier(catalog, db_schema, view)


def _schema(name: TableIdentifier, tables: StatementTables) -> pa.Schema:
    catalog = tables.catalogs[name.catalog]
    try:
        return catalog.load(name.db_schema, name.table).schema
    except NotReady:
        raise
    except NotFound:
        view = _view(name, tables)
        return pa.schema([]) if view is None else view.schema
    except FlightlakeError:
        return pa.schema([])


def _definition(name: TableIdentifier, tables: StatementTables) -> str:
    """Return the SQL of a view: the first that is there, of those for this engine if there are."""
    view = _view(name, tables)
    written = () if view is None else in_order(view.representations)
    return next((one.sql for one in written), "")


def _view(name: TableIdentifier, tables: StatementTables) -> IcebergView | None:
    try:
        return find_view(tables.catalogs[name.catalog], name.db_schema, name.table)
    except NotReady:
        raise
    except FlightlakeError:
        return None


def _rows(schema: pa.Schema, rows: list[tuple[object, ...]]) -> pa.Table:
    columns = [[row[index] for row in rows] for index in range(len(schema))]
    return pa.table(columns, schema=schema)
