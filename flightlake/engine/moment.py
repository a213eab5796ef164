"""The current time of a statement: one moment, the same wherever the statement asks for it.

DataFusion puts the time of planning into each plan it makes, and a statement is planned twice,
or again by the process that reads its ticket.  So the functions of the current time are replaced,
for the session of one statement, by constants.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import pyarrow as pa
from datafusion import SessionContext, udf

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS_A_DAY = 86_400_000_000

NAMES = ("now", "current_timestamp", "current_date", "today", "current_time")
"""The functions that are replaced, as ``SqlText.reads_clock`` looks for them."""


def fix(session: SessionContext, moment: datetime) -> None:
    """Make the functions of the current time say *moment* (aware; exact to the microsecond)."""
    elapsed = moment - _EPOCH
    total = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
    days, of_day = divmod(total, _MICROSECONDS_A_DAY)
    values = {
        "now": pa.scalar(total * 1000, pa.timestamp("ns")),
        "current_timestamp": pa.scalar(total * 1000, pa.timestamp("ns")),
        "current_date": pa.scalar(days, pa.date32()),
        "today": pa.scalar(days, pa.date32()),
        "current_time": pa.scalar(of_day * 1000, pa.time64("ns")),
    }
    for name in NAMES:
        value = values[name]
        # Immutable, so that the optimizer calls it once and puts in what it says.
        session.register_udf(udf(_constant(value), [], value.type, "immutable", name))


def _constant(value: pa.Scalar) -> Callable[[], pa.Array]:
    constant = pa.array([value], value.type)
    return lambda: constant
