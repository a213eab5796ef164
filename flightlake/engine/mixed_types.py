"""The types of columns that are made of several: the branches of UNION and of CASE.

The engine (DataFusion 55) tells them by the first branch until its optimizer has found the one
type that all branches fit; rows come in that.
"""

import pyarrow as pa

from flightlake.engine.sql_tokens import tokens
from flightlake.engine.string_views import plain_type

_MIXING = frozenset({"UNION", "CASE"})


def mixes_types(sql: str) -> bool:
    """Return whether *sql* may make a column of several types."""
    return any(token.text.upper() in _MIXING for token in tokens(sql))


def settled(told: pa.Schema, optimized: pa.Schema) -> pa.Schema:
    """Return *told*, the columns of a plan as it was bound, with the types of the *optimized* one.

    Strings are told as plain ones, however the engine holds them.
    """
    types = [plain_type(type_) for type_ in optimized.types]
    fields = [field.with_type(type_) for field, type_ in zip(told, types, strict=True)]
    return pa.schema(fields, metadata=told.metadata)
