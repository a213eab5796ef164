"""What a result column tells about itself, in the metadata of its Arrow field.

ODBC and JDBC drivers build ``SQLColumns`` and ``ResultSetMetaData`` from these keys (Flight
SQL specification, "Result set metadata"; FlightSql.proto, GetTables).
"""

import pyarrow as pa

from flightlake.flightsql.sql_types import sql_type

_PREFIX = b"ARROW:FLIGHT:SQL:"
_OF_THE_STORAGE = frozenset({b"PARQUET:field_id", b"doc"})
"""Metadata of the table format that means nothing to a client."""


def describe_field(
    field: pa.Field,
    *,
    catalog: str | None = None,
    db_schema: str | None = None,
    table: str | None = None,
) -> pa.Field:
    """Return *field* with the metadata of a read-only result column.

    *catalog*, *db_schema* and *table* say where the column comes from, None where it is
    computed.  A field's ``doc`` becomes its remarks.
    """
    given: dict[bytes, bytes] = field.metadata or {}
    metadata = {key: value for key, value in given.items() if key not in _OF_THE_STORAGE}
    for key, text in _entries(field.type, catalog, db_schema, table).items():
        metadata[_PREFIX + key.encode()] = text.encode()
    if b"doc" in given:
        metadata[_PREFIX + b"REMARKS"] = given[b"doc"]
    return field.with_metadata(metadata)


def describe_schema(
    schema: pa.Schema,
    *,
    catalog: str | None = None,
    db_schema: str | None = None,
    table: str | None = None,
) -> pa.Schema:
    """Return *schema* with every field described; the schema's own metadata stays."""
    return pa.schema(
        [
            describe_field(field, catalog=catalog, db_schema=db_schema, table=table)
            for field in schema
        ],
        metadata=schema.metadata,
    )


def _entries(
    arrow: pa.DataType, catalog: str | None, db_schema: str | None, table: str | None
) -> dict[str, str]:
    described = sql_type(arrow)
    values = {
        "CATALOG_NAME": catalog,
        # The specification says DB_SCHEMA_NAME; the C++, Go and Java libraries read SCHEMA_NAME.
        "DB_SCHEMA_NAME": db_schema,
        "SCHEMA_NAME": db_schema,
        "TABLE_NAME": table,
        "TYPE_NAME": described.name,
        "PRECISION": described.precision,
        "SCALE": described.scale,
        "IS_AUTO_INCREMENT": False,
        "IS_CASE_SENSITIVE": described.case_sensitive,
        "IS_READ_ONLY": True,
        "IS_SEARCHABLE": described.searchable,
    }
    return {
        key: str(int(value)) if isinstance(value, bool) else str(value)
        for key, value in values.items()
        if value is not None
    }
