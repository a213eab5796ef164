"""Nested columns made anew from how files have them (``lake.nesting``), in the engine.

Structs are taken apart and put together by name; lists and maps by a lambda over their elements.
Lambdas can be written in SQL only, and in few of the engine's dialects; and only there the
engine tells what type their variable has.
"""

import itertools
from collections.abc import Iterator

import pyarrow as pa
from datafusion import Expr, SessionConfig, SessionContext

from flightlake.errors import InternalError
from flightlake.lake.nesting import Kept, ListOf, MapOf, Member, Shape, StructOf
from flightlake.lake.parts import Column
from flightlake.names import quote_always

_DIALECT = "duckdb"


def reshape(column: Column) -> Expr:
    """Return *column*, which is to be ``reshaped``, from a scan that has it as it is stored."""
    if column.reshaped is None or column.stored is None:
        raise InternalError("a column that is not to be reshaped")
    config = SessionConfig().set("datafusion.sql_parser.dialect", _DIALECT)
    scanned = pa.schema([(column.stored, column.reshaped.scanned)])
    rows = SessionContext(config).read_batch(pa.RecordBatch.from_pylist([], scanned))
    numbers = itertools.count()
    made = _sql(column.reshaped.shape, quote_always(column.stored), numbers)
    # The engine calls the elements of lists and maps as it likes.
    return rows.parse_sql_expr(made).cast(column.type)


def _sql(shape: Shape, value: str, numbers: Iterator[int]) -> str:
    """Return what *shape* makes of the SQL expression *value*; null makes null."""
    if isinstance(shape, Kept):
        return value if shape.type is None else _cast(value, shape.type)
    if isinstance(shape, ListOf):
        return _list(shape.element, value, numbers)
    if isinstance(shape, StructOf):
        members = ", ".join(
            f"{_text(member.name)}, {_member(member, value, numbers)}" for member in shape.members
        )
        made = f"named_struct({members})"
    else:
        made = _map(shape, value, numbers)
    return f"CASE WHEN {value} IS NOT NULL THEN {made} END"


def _list(element: Shape, value: str, numbers: Iterator[int]) -> str:
    if element == Kept():
        return value
    each = f"each{next(numbers)}"
    return f"array_transform({value}, {each} -> {_sql(element, each, numbers)})"


def _map(shape: MapOf, value: str, numbers: Iterator[int]) -> str:
    keys = _list(shape.key, f"map_keys({value})", numbers)
    return f"map({keys}, {_list(shape.value, f'map_values({value})', numbers)})"


def _member(member: Member, value: str, numbers: Iterator[int]) -> str:
    if member.stored is not None:
        return _sql(member.shape, f"get_field({value}, {_text(member.stored)})", numbers)
    return "NULL" if member.absent is None else _literal(member.absent)


def _literal(scalar: pa.Scalar) -> str:
    """Return *scalar*, of a primitive type and not null, as SQL."""
    kind, value = scalar.type, scalar
    if pa.types.is_boolean(kind):
        return "true" if scalar.as_py() else "false"
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _cast(f"X'{scalar.as_py().hex()}'", kind)
    if pa.types.is_temporal(kind):
        number = pa.int32() if pa.types.is_date(kind) else pa.int64()
        value = pa.array([scalar], kind).view(number)[0]
        return _cast(_cast(str(value.as_py()), number), kind)
    return _cast(_text(str(value.as_py())), kind)


def _cast(value: str, kind: pa.DataType) -> str:
    return f"arrow_cast({value}, {_text(_engine_name(kind))})"


def _engine_name(kind: pa.DataType) -> str:
    """Return what the engine calls the primitive type *kind*."""
    if pa.types.is_decimal(kind):
        return f"Decimal128({kind.precision}, {kind.scale})"
    if pa.types.is_fixed_size_binary(kind):
        return f"FixedSizeBinary({kind.byte_width})"
    if pa.types.is_timestamp(kind):
        zone = f'Some("{kind.tz}")' if kind.tz else "None"
        return f"Timestamp({_UNITS[kind.unit]}, {zone})"
    return _NAMES[kind]


_UNITS = {"us": "Microsecond", "ns": "Nanosecond"}
_NAMES = {
    pa.bool_(): "Boolean",
    pa.int32(): "Int32",
    pa.int64(): "Int64",
    pa.float32(): "Float32",
    pa.float64(): "Float64",
    pa.date32(): "Date32",
    pa.time64("us"): "Time64(Microsecond)",
    pa.string(): "Utf8",
    pa.binary(): "Binary",
}


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
