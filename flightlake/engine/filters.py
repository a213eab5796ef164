"""The engine's filters on a scan → predicates by which files can be left out.

What cannot be translated becomes ``Anything``: a file too many is read, never one too few.
Only comparisons of a column with a literal of exactly the column's type are taken; the engine's
optimizer has by then unwrapped the casts it can.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from datafusion import LogicalPlan
from datafusion import expr as dfe

from flightlake.engine.expressions import table_scans
from flightlake.engine.string_views import viewed_type
from flightlake.lake.predicates import (
    And,
    Anything,
    Comparison,
    In,
    IsNotNull,
    IsNull,
    Operator,
    Or,
    Predicate,
    StartsWith,
)
from flightlake.names import TableIdentifier

ANYTHING = Anything()

_OPERATORS: Mapping[str, Operator] = {
    "=": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
}  # fmt: skip
_MIRRORED: Mapping[Operator, Operator] = {
    "=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<=",
}  # fmt: skip


def predicates(
    optimized: LogicalPlan, schemas: Mapping[TableIdentifier, pa.Schema]
) -> dict[TableIdentifier, Predicate]:
    """Return for each table in *schemas* what all its scans in the plan want of it.

    A table that stands in the plan several times is read once for all of them, so its
    predicate is true where that of any scan is.  A table that the plan no longer scans is not
    in the answer, and none is if not all scans can be found.
    """
    scans = table_scans(optimized)
    if scans is None:
        return {}
    found: dict[TableIdentifier, list[Predicate]] = {}
    for node in scans:
        name = node.fqn()
        if None not in name:
            table = TableIdentifier(*name)
            if table in schemas:
                parts = tuple(translate(part, schemas[table]) for part in node.filters())
                found.setdefault(table, []).append(all_of(parts))
    return {table: any_of(tuple(parts)) for table, parts in found.items()}


def all_of(parts: tuple[Predicate, ...]) -> Predicate:
    """Return the conjunction of *parts*, leaving out those that are always true."""
    useful = tuple(part for part in parts if not isinstance(part, Anything))
    if not useful:
        return ANYTHING
    return useful[0] if len(useful) == 1 else And(useful)


def any_of(parts: tuple[Predicate, ...]) -> Predicate:
    """Return the disjunction of *parts*."""
    if not parts or any(isinstance(part, Anything) for part in parts):
        return ANYTHING
    return parts[0] if len(parts) == 1 else Or(parts)


def translate(expression: Any, schema: pa.Schema) -> Predicate:
    """Return a predicate that is true wherever the filter *expression* is."""
    try:
        node = expression.to_variant()
    except Exception:  # noqa: BLE001 - function calls and the like have no Python form
        return ANYTHING
    if isinstance(node, dfe.BinaryExpr):
        return _binary(node, schema)
    if isinstance(node, dfe.Column):
        return _boolean(expression, schema, True)
    if isinstance(node, dfe.Not):
        return _boolean(node.expr(), schema, False)
    if isinstance(node, (dfe.IsNull, dfe.IsNotNull)):
        column = _column(node.expr(), schema)
        if column is None:
            return ANYTHING
        return IsNull(column) if isinstance(node, dfe.IsNull) else IsNotNull(column)
    if isinstance(node, dfe.InList):
        return _in_list(node, schema)
    if isinstance(node, dfe.Between) and not node.negated():
        low = _comparison(node.expr(), ">=", node.low(), schema)
        high = _comparison(node.expr(), "<=", node.high(), schema)
        return all_of((low, high))
    # ILIKE has the same class; only the name of the call tells it apart.
    if isinstance(node, dfe.Like) and expression.rex_call_operator() == "like":
        return _like(node, schema)
    return ANYTHING


def _binary(node: Any, schema: pa.Schema) -> Predicate:
    operator = node.op()
    if operator == "AND":
        return all_of((translate(node.left(), schema), translate(node.right(), schema)))
    if operator == "OR":
        return any_of((translate(node.left(), schema), translate(node.right(), schema)))
    known = _OPERATORS.get(operator)
    if known is None:
        return ANYTHING
    straight = _comparison(node.left(), known, node.right(), schema)
    if not isinstance(straight, Anything):
        return straight
    return _comparison(node.right(), _MIRRORED[known], node.left(), schema)


def _comparison(left: Any, operator: Operator, right: Any, schema: pa.Schema) -> Predicate:
    column = _column(left, schema)
    if column is None:
        return ANYTHING
    value = _literal(right, schema.field(column).type)
    return ANYTHING if value is None else Comparison(column, operator, value)


def _boolean(expression: Any, schema: pa.Schema, wanted: bool) -> Predicate:
    column = _column(expression, schema)
    if column is None or not pa.types.is_boolean(schema.field(column).type):
        return ANYTHING
    return Comparison(column, "=", pa.scalar(wanted))


def _in_list(node: Any, schema: pa.Schema) -> Predicate:
    column = _column(node.expr(), schema)
    if column is None or node.negated():
        return ANYTHING
    values = [_literal(item, schema.field(column).type) for item in node.list()]
    if any(value is None for value in values):
        return ANYTHING
    return In(column, tuple(value for value in values if value is not None))


def _like(node: Any, schema: pa.Schema) -> Predicate:
    column = _column(node.expr(), schema)
    if column is None or node.negated() or node.escape_char() is not None:
        return ANYTHING
    pattern = _literal(node.pattern(), schema.field(column).type)
    if pattern is None:
        return ANYTHING
    text = pattern.as_py()
    if not isinstance(text, str) or "\\" in text:
        return ANYTHING
    prefix = text.split("%")[0].split("_")[0]
    return StartsWith(column, prefix) if prefix else ANYTHING


def _column(expression: Any, schema: pa.Schema) -> str | None:
    if expression.variant_name() != "Column":
        return None
    name = expression.to_variant().name()
    return name if schema.get_field_index(name) >= 0 else None


def _literal(expression: Any, wanted: pa.DataType) -> pa.Scalar | None:
    if expression.variant_name() != "Literal":
        return None
    try:
        value = expression.python_value()
    except Exception:  # noqa: BLE001 - a type that has no Python value: not pruned by
        return None
    if not isinstance(value, pa.Scalar) or not value.is_valid:
        return None
    if value.type != wanted and viewed_type(wanted) == value.type:
        return value.cast(wanted)
    return value if value.type == wanted else None
