"""A plan whose rows come in an order, for whoever writes them down."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
from datafusion import Expr, col, udf

from flightlake.engine.datafusion_errors import translate
from flightlake.engine.engine import Plan
from flightlake.lake.layout_terms import LayoutTerm, partition_values
from flightlake.lake.storable import stored_anyhow
from flightlake.names import quote_always

_UNITS = frozenset({"year", "month", "day", "hour"})
_KEEPING_ORDER = frozenset({"Projection", "SubqueryAlias", "Limit"})


def ordered(plan: Plan, terms: Sequence[LayoutTerm]) -> Plan:
    """Return *plan* with the rows of each partition by *terms* together; as it is without terms.

    Args:
        plan: Of a query whose columns have different names.
        terms: How its rows are cut; each can be.

    Raises:
        FlightlakeError: The rows cannot be ordered so.
    """
    if not terms:
        return plan
    try:
        keys = [_key(term, plan.schema.field(term.column).type) for term in terms]
        frame = plan.frame.sort(*(key.sort() for key in keys))
        return replace(plan, frame=frame, held=None)
    except Exception as error:
        raise translate(error, plan.text) from error


def _key(term: LayoutTerm, type_: pa.DataType) -> Expr:
    column = col(quote_always(term.column))
    if term.transform not in _UNITS and not term.transform.startswith("bucket["):
        return column  # truncated values come in the order of the whole ones
    # Not the engine's ``date_trunc``, which knows no times before 1677 or after 2262.
    return udf(_numbers(term), [type_], pa.int32(), "immutable", "partition_of_row")(column)


def _numbers(term: LayoutTerm) -> Callable[[Any], pa.Array]:
    def numbers(values: pa.Array) -> pa.Array:
        # What cannot be stored is refused where it is, with a sentence.
        return partition_values(term, stored_anyhow(values))

    return numbers


def in_order(plan: Plan) -> bool:
    """Return whether the query of *plan* ends with ORDER BY, so that all its rows come in order."""
    node = plan.frame.logical_plan()
    while True:
        kind = node.display().split(":", 1)[0]
        if kind == "Sort":
            return True
        inputs = node.inputs()
        if kind not in _KEEPING_ORDER or len(inputs) != 1:
            return False
        node = inputs[0]
