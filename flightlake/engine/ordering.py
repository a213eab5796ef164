"""A plan whose rows come in an order, for whoever writes them down."""

from collections.abc import Sequence
from dataclasses import replace

from datafusion import col
from datafusion.functions import date_trunc

from flightlake.engine.datafusion_errors import translate
from flightlake.engine.engine import Plan
from flightlake.names import quote_always


def ordered(plan: Plan, keys: Sequence[tuple[str, str]]) -> Plan:
    """Return *plan* with its rows ordered by *keys*; as it is, if there are none.

    Args:
        plan: Of a query whose columns have different names.
        keys: Names of its columns, each with what is to come together: ``identity`` for equal
            values; ``year``, ``month``, ``day`` or ``hour``.

    Raises:
        FlightlakeError: The rows cannot be ordered so.
    """
    if not keys:
        return plan
    terms = []
    for name, unit in keys:
        column = col(quote_always(name))
        terms.append(column if unit == "identity" else date_trunc(unit, column))
    try:
        return replace(plan, frame=plan.frame.sort(*(term.sort() for term in terms)))
    except Exception as error:
        raise translate(error, plan.text) from error
