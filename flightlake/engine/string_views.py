"""Strings as views while a statement runs, and as plain strings in its result.

A view holds a short string itself and points to a long one, so rows are chosen, compared and
grouped without copying texts: 6 % less CPU for TPC-H than with plain strings.  Clients are
promised plain strings, so they are made where the result comes out, in the engine's partitions.
Only whole columns are views; strings inside of nested ones stay as they are.  A statement that only
hands rows on has nothing from views, and reads plain strings.
"""

from dataclasses import replace

import pyarrow as pa
from datafusion import DataFrame, col

from flightlake.engine.sql_tokens import tokens
from flightlake.lake.parts import Column, DeletedValues, EqualityDeletes, Part
from flightlake.names import quote_always

_MORE_THAN_HANDING_ON = frozenset(
    {
        "WHERE", "GROUP", "HAVING", "QUALIFY", "DISTINCT", "ORDER", "LIMIT", "OFFSET", "FETCH",
        "JOIN", "UNION", "INTERSECT", "EXCEPT", "WITH", "(",
    }
)  # fmt: skip


def worthwhile(sql: str) -> bool:
    """Return whether *sql* does more with rows than to hand them on."""
    return any(token.text.upper() in _MORE_THAN_HANDING_ON for token in tokens(sql))


def viewed_type(type_: pa.DataType) -> pa.DataType:
    """Return the type that a column of *type_* is read with."""
    return pa.string_view() if pa.types.is_string(type_) else type_


def plain_type(type_: pa.DataType) -> pa.DataType:
    """Return the type that a column read with *type_* has for clients."""
    return pa.string() if pa.types.is_string_view(type_) else type_


def viewed(schema: pa.Schema) -> pa.Schema:
    """Return *schema* with the types that its columns are read with."""
    fields = [field.with_type(viewed_type(field.type)) for field in schema]
    return pa.schema(fields, metadata=schema.metadata)


def viewed_part(part: Part) -> Part:
    """Return *part* with the types that its columns are read with."""
    return replace(
        part,
        schema=viewed(part.schema),
        columns=_columns(part.columns),
        keys=_columns(part.keys),
    )


def viewed_deletes(deletes: EqualityDeletes) -> EqualityDeletes:
    """Return *deletes* with the types that the columns of its files are read with."""
    files = [
        DeletedValues(viewed_part(some.part), some.sequence, some.partition)
        for some in deletes.files
    ]
    return replace(deletes, files=tuple(files))


def plainly(frame: DataFrame) -> DataFrame:
    """Return the rows of *frame* with plain strings.

    Where several columns have one name there is no telling them apart: they stay as they are,
    and become plain on the way to the client.
    """
    schema = frame.schema()
    if len(set(schema.names)) < len(schema) or not any(
        pa.types.is_string_view(type_) for type_ in schema.types
    ):
        return frame
    return frame.select(
        *(
            found.cast(plain).alias(field.name) if plain != field.type else found
            for field in schema
            for found, plain in [(col(quote_always(field.name)), plain_type(field.type))]
        )
    )


def _columns(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    return tuple(replace(column, type=viewed_type(column.type)) for column in columns)
