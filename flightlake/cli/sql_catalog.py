"""What the prompt can say about the server: its name, its tables, their columns."""

from collections.abc import Sequence
from typing import Any

import adbc_driver_manager
import pyarrow as pa

from flightlake.cli.sql_target import explained
from flightlake.errors import InvalidRequest, NotFound
from flightlake.names import quote


def server(connection: Any) -> str:
    """Return the server's own name and version; blocking.

    Raises:
        FlightlakeError: The server does not answer.
    """
    try:
        info = connection.adbc_get_info()
    except adbc_driver_manager.NotSupportedError:
        return "Flight SQL server"  # it answers, and has no name
    except adbc_driver_manager.Error as error:
        raise explained(error) from error
    name = str(info.get("vendor_name") or "Flight SQL server")
    version = str(info.get("vendor_version") or "")
    return f"{name} {version}".strip()


def tables(connection: Any) -> pa.Table:
    """Return catalog, schema, name and type of every table."""
    rows = [
        (catalog, db_schema, table["table_name"], table["table_type"])
        for catalog, db_schema, table in _objects(connection, depth="tables")
    ]
    return _table(("catalog", "schema", "table", "type"), rows)


def columns(connection: Any, name: str) -> pa.Table:
    """Return name, SQL type, Arrow type and nullability of the columns of table *name*.

    Raises:
        NotFound: There is no such table.
        InvalidRequest: Several schemas have one of that name.
    """
    # A schema of several levels is itself dotted, so the name is compared from its end.
    wanted = name.replace('"', "").split(".")
    found = [
        (catalog, db_schema, table)
        for catalog, db_schema, table in _objects(connection, depth="all", table_name=wanted[-1])
        if f"{catalog}.{db_schema}.{table['table_name']}".split(".")[-len(wanted) :] == wanted
    ]
    if not found:
        raise NotFound(f"there is no table {name}: \\d lists the tables")
    if len(found) > 1:
        places = ", ".join(quote(str(db_schema)) for _, db_schema, _ in found)
        raise InvalidRequest(f"{name} is in several schemas, say which: {places}")
    catalog, db_schema, table = found[0]
    fields = _fields(connection, catalog, db_schema, table["table_name"])
    rows: list[tuple[object, ...]] = []
    for column in table["table_columns"] or ():
        field = fields.get(column["column_name"])
        more = (None, None) if field is None else (field.type, "yes" if field.nullable else "no")
        rows.append((column["column_name"], column["xdbc_type_name"], *more))
    return _table(("column", "type", "arrow type", "nullable"), rows)


def _fields(
    connection: Any, catalog: str | None, db_schema: str | None, table: str
) -> dict[str, pa.Field]:
    """Return the table's Arrow fields, or nothing where the server has no answer to that."""
    try:
        schema = connection.adbc_get_table_schema(
            table, catalog_filter=catalog, db_schema_filter=db_schema
        )
    except adbc_driver_manager.Error:
        return {}
    return {field.name: field for field in schema}


def _objects(
    connection: Any, depth: str, table_name: str | None = None
) -> list[tuple[str | None, str | None, dict[str, Any]]]:
    # The filter is a LIKE pattern: a name with _ or % may bring more than was asked for.
    reader = connection.adbc_get_objects(depth=depth, table_name_filter=table_name)
    return [
        (catalog["catalog_name"], db_schema["db_schema_name"], table)
        for catalog in reader.read_all().to_pylist()
        for db_schema in catalog["catalog_db_schemas"] or ()
        for table in db_schema["db_schema_tables"] or ()
    ]


def _table(names: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> pa.Table:
    cells = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table(
        {
            name: pa.array([None if cell is None else str(cell) for cell in column], pa.string())
            for name, column in zip(names, cells, strict=True)
        }
    )
