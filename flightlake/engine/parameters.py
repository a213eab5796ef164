"""The parameters of a statement: their types, and the values bound to them."""

import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa
from datafusion import LogicalPlan, SessionContext
from datafusion import expr as dfe

from flightlake.engine.expressions import parts, variant
from flightlake.engine.string_views import plain_type
from flightlake.engine.uuid_texts import UUID_TYPE, uuid_of
from flightlake.errors import InvalidRequest

UNKNOWN = pa.string()
"""The type of a parameter whose use does not tell: text, which every client can send."""

_MAX_STEPS = 200_000
_CAST = re.compile(r"^(?:TRY_)?CAST\(\$\d+ AS (.+)\)$")


def parameter_schema(plan: LogicalPlan, count: int, row_counts: Collection[int] = ()) -> pa.Schema:
    """Return the types of parameters ``$1 … $count`` in the unoptimized *plan*.

    *row_counts* are the numbers of those that stand behind LIMIT or OFFSET.

    Returns:
        A schema of *count* nullable fields named ``$1``, ``$2``, …; ``UNKNOWN`` where neither
        the other side of an operator nor a cast gives the type.
    """
    found: dict[str, pa.DataType] = {f"${number}": pa.int64() for number in row_counts}
    if count:
        for name, type_ in _placeholders(plan):
            if type_ is not None:
                found.setdefault(name, plain_type(type_))
    names = [f"${number}" for number in range(1, count + 1)]
    return pa.schema([pa.field(name, found.get(name, UNKNOWN)) for name in names])


def _placeholders(plan: LogicalPlan) -> Iterator[tuple[str, pa.DataType | None]]:
    waiting: list[tuple[Any, pa.DataType | None]] = [(plan, None)]
    for _ in range(_MAX_STEPS):
        if not waiting:
            return
        thing, wanted = waiting.pop()
        if isinstance(thing, (list, tuple)):
            waiting.extend((part, None) for part in thing)
            continue
        if isinstance(thing, LogicalPlan):
            waiting.extend((part, None) for part in thing.inputs())
        node = variant(thing)
        if isinstance(node, dfe.Placeholder):
            field = node.field()
            yield node.id(), field.type if field is not None else wanted
        elif isinstance(node, (dfe.Cast, dfe.TryCast)):
            waiting.append((node.expr(), _cast_type(thing)))
        elif node is not None and not isinstance(node, dfe.TableScan):
            waiting.extend((part, None) for part in parts(node))


def _cast_type(expression: Any) -> pa.DataType | None:
    match = _CAST.match(expression.canonical_name())
    return None if match is None else _named_type(match.group(1))


@lru_cache(maxsize=256)
def _named_type(name: str) -> pa.DataType | None:
    """Return the Arrow type that the engine calls *name*; its own type objects do not tell."""
    quoted = name.replace("'", "''")
    try:
        frame = SessionContext().sql(f"SELECT arrow_cast(NULL, '{quoted}')")
    except Exception:  # noqa: BLE001 - a name the engine prints and does not read
        return None
    type_: pa.DataType = frame.schema().field(0).type
    return type_


def bind(row: Sequence[pa.Scalar], schema: pa.Schema) -> dict[str, pa.Scalar]:
    """Return the values of one row by parameter name, each in its parameter's type.

    Values are taken by position; the names of the bound columns mean nothing.

    Raises:
        InvalidRequest: Too few or too many values, or one that its type cannot hold.
    """
    if len(row) != len(schema):
        raise InvalidRequest(f"the statement has {len(schema)} parameters and {len(row)} are bound")
    bound = {}
    for value, field in zip(row, schema, strict=True):
        if value.type == field.type or field.type == UNKNOWN:
            # Where the type is not known, the client's own is better than text.
            bound[field.name[1:]] = value
            continue
        try:
            bound[field.name[1:]] = _cast(value, field.type)
        except (pa.ArrowException, ValueError):
            raise InvalidRequest(
                f"parameter {field.name} is {field.type} and cannot take a value of {value.type}"
            ) from None
    return bound


def _cast(value: pa.Scalar, wanted: pa.DataType) -> pa.Scalar:
    if not value.is_valid:
        return pa.scalar(None, wanted)
    uuid = uuid_of(value.as_py()) if wanted == UUID_TYPE else None
    if uuid is not None:
        return pa.scalar(uuid.bytes, wanted)
    if not _is_measure(value.type) or not _is_measure(wanted):
        return value.cast(wanted)
    # 10.555 must not become the decimal 10.56: what would be rounded, or does not fit, stays
    # what the client sent, and the engine compares as it does with a literal.
    try:
        cast = value.cast(wanted)
        return cast if cast.cast(value.type).equals(value) else value
    except (pa.ArrowException, ValueError):
        # Of two times the engine would compare only what the coarser unit shows.
        if pa.types.is_temporal(wanted):
            raise
        return value


def _is_measure(type_: pa.DataType) -> bool:
    return bool(
        pa.types.is_floating(type_)
        or pa.types.is_integer(type_)
        or pa.types.is_decimal(type_)
        or pa.types.is_temporal(type_)
    )
