"""CommandGetTables: tables and views of all kinds, by catalog, schema and name (FlightSql.proto).

What happens when something is broken:

- A catalog that does not answer is left out and named in a header, unless it is the one asked
  for; ``lake.listing`` says why.
- With ``include_schema``, one table whose metadata cannot be read must not hide all the others
  (BI tools ask for every column of every table at once): it is listed without columns and named
  in the header.  If it is the one table asked for, its error is the answer.
- A table dropped while the answer is made is left out.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pyarrow as pa

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.commands.command import BatchStream, Call, Command, Described
from flightlake.engine.system_tables import SYSTEM
from flightlake.errors import Cancelled, FlightlakeError, NotFound, NotReady, TimedOut
from flightlake.flightsql.column_metadata import describe_schema
from flightlake.flightsql.incomplete import incomplete
from flightlake.flightsql.patterns import literal, matcher
from flightlake.flightsql.schemas import TABLES, TABLES_WITH_SCHEMA
from flightlake.flightsql.table_stream import TableStream
from flightlake.lake.catalogs import Catalog
from flightlake.lake.listing import Found, from_each, listed_in, tables_in
from flightlake.lake.views import find_view, has_views, views_in
from flightlake.names import TableIdentifier
from flightlake.query.view_statements import ViewStatements

_TABLE = "TABLE"
_VIEW = "VIEW"
_MATERIALIZED = "MATERIALIZED VIEW"
_SYSTEM = "SYSTEM TABLE"
_NAMES_OF_TABLES = frozenset({"TABLE", "BASE TABLE"})
"""What clients call it: JDBC says TABLE, the SQL standard BASE TABLE."""

_LOADS_AT_ONCE = 4
"""Tables of one catalog whose metadata is read at the same time."""

_NO_COLUMNS = pa.schema([]).serialize().to_pybytes()


@dataclass(frozen=True, slots=True)
class _Row:
    table: TableIdentifier
    schema: bytes = b""
    broken: bool = False
    type: str = _TABLE


def describe(command: pb.CommandGetTables, call: Call) -> Described:
    """Return the schema, with ``table_schema`` if asked for; the ticket is the command."""
    return Described(_schema(command), command)


def read(command: pb.CommandGetTables, call: Call) -> BatchStream:
    """Return one row for each table and view that the filters let pass.

    Raises:
        NotReady: The catalog asked for does not answer, or none does.
        FlightlakeError: The one table asked for with its schema cannot be read.
    """
    found = _find(command, call)
    broken = [str(row.table) for row in found.items if row.broken]
    call.response_headers.extend(incomplete([*found.unreachable, *broken]))
    columns: list[list[str] | list[bytes]] = [
        [row.table.catalog for row in found.items],
        [row.table.db_schema for row in found.items],
        [row.table.table for row in found.items],
        [row.type for row in found.items],
    ]
    if command.include_schema:
        columns.append([row.schema for row in found.items])
    return TableStream(pa.table(columns, schema=_schema(command)))


COMMAND = Command(pb.CommandGetTables, describe, read)


def _schema(command: pb.CommandGetTables) -> pa.Schema:
    return TABLES_WITH_SCHEMA if command.include_schema else TABLES


def _find(command: pb.CommandGetTables, call: Call) -> Found[_Row]:
    wanted = set(command.table_types)
    with_tables = not wanted or bool(wanted & _NAMES_OF_TABLES)
    with_views = not wanted or _VIEW in wanted
    with_materialized = not wanted or _MATERIALIZED in wanted
    with_system = not wanted or _SYSTEM in wanted
    if not (with_tables or with_views or with_materialized or with_system):
        return Found(())
    kinds = {_TABLE: with_tables, _MATERIALIZED: with_materialized}
    table_pattern = _given(command, "table_name_filter_pattern")
    any_schema_matches = matcher(_given(command, "db_schema_filter_pattern"))
    table_matches = matcher(table_pattern)
    the_one = literal(table_pattern)

    def schema_matches(name: str) -> bool:
        return name != SYSTEM and any_schema_matches(name)

    system = call.services.system_tables if with_system and any_schema_matches(SYSTEM) else {}

    def read_catalog(catalog: Catalog) -> list[_Row]:
        found: list[_Row] = []
        if with_tables or with_materialized:
            names = tables_in(catalog, schema_matches, table_matches)
            found += [row for row in _told_apart(names, call) if kinds[row.type]]
        if with_views and has_views(catalog):
            names = listed_in(catalog, views_in, schema_matches, table_matches)
            found += [_Row(name, type=_VIEW) for name in names]
        found += [
            _Row(TableIdentifier(catalog.name, SYSTEM, name), type=_SYSTEM)
            for name in filter(table_matches, system)
        ]
        found.sort(key=lambda row: row.table)
        if not command.include_schema:
            return found
        return _with_schemas(found, lambda row: _load(catalog, row, the_one, call))

    return from_each(call.catalogs, _given(command, "catalog"), read_catalog)


def _told_apart(names: list[TableIdentifier], call: Call) -> list[_Row]:
    """Return the rows of *names*, which are of tables and of materialized views."""
    views = call.services.views
    materialized: set[TableIdentifier] = set()
    if views is not None:
        for catalog, db_schema in {(name.catalog, name.db_schema) for name in names}:
            materialized |= {
                TableIdentifier(catalog, db_schema, view)
                for view in _names_of_views(views, catalog, db_schema)
            }
    return [_Row(name, type=_MATERIALIZED if name in materialized else _TABLE) for name in names]


def _names_of_views(views: ViewStatements, catalog: str, db_schema: str) -> frozenset[str]:
    try:
        return views.names_in(catalog, db_schema)
    except NotFound:  # dropped since it was listed
        return frozenset()


def _with_schemas(found: list[_Row], load: Callable[[_Row], _Row | None]) -> list[_Row]:
    with ThreadPoolExecutor(_LOADS_AT_ONCE, thread_name_prefix="get-tables") as pool:
        return [row for row in pool.map(load, found) if row is not None]


def _load(catalog: Catalog, row: _Row, the_one: str | None, call: Call) -> _Row | None:
    call.cancellation.check()
    table = row.table
    try:
        schema = _columns(catalog, row, call.services.system_tables)
    except NotFound:
        return None
    except (Cancelled, TimedOut, NotReady):
        raise
    except FlightlakeError:
        if table.table == the_one:
            raise
        return replace(row, schema=_NO_COLUMNS, broken=True)
    described = describe_schema(
        schema, catalog=table.catalog, db_schema=table.db_schema, table=table.table
    )
    return replace(row, schema=described.serialize().to_pybytes())


def _columns(catalog: Catalog, row: _Row, system: Mapping[str, pa.Schema]) -> pa.Schema:
    if row.type == _SYSTEM:
        return system[row.table.table]
    if row.type != _VIEW:
        return catalog.load(row.table.db_schema, row.table.table).schema
    view = find_view(catalog, row.table.db_schema, row.table.table)
    if view is None:  # dropped since it was listed
        raise NotFound(f"view {row.table} does not exist")
    return view.schema


def _given(command: pb.CommandGetTables, field: str) -> str | None:
    """Return an optional text field, or None if the client did not set it."""
    if not command.HasField(field):
        return None
    return str(getattr(command, field))
