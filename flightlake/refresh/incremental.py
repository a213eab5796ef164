"""Views that are never to be made anew by themselves (``REFRESH_MODE = INCREMENTAL``).

What can be told of the query is told when the view is made: one of which no source could change
without all rows being made anew is refused.  What only shows when sources change ends a refresh
with the reason, and the rows stay.
"""

from collections.abc import Iterator, Sequence

from flightlake.engine.engine import Survey
from flightlake.engine.lineage import followed
from flightlake.engine.plan_terms import Blocked, Product, products
from flightlake.errors import PreconditionFailed, Unsupported
from flightlake.lake.changes import Changes
from flightlake.lake.layout_terms import LayoutTerm
from flightlake.names import TableIdentifier
from flightlake.refresh.choosing import APPEND, PARTITION
from flightlake.refresh.records import Source
from flightlake.refresh.telescoping import telescoped
from flightlake.refresh.touching import NARROWED, can_be_narrowed
from flightlake.refresh.windows import Window


def require_incremental(
    view: TableIdentifier, survey: Survey, partitioned_by: Sequence[LayoutTerm]
) -> None:
    """Return if some change of some source could be taken in without making all rows anew.

    Raises:
        Unsupported: None could; says why.
    """
    reasons: list[str] = []
    for table in sorted(survey.tables):
        found = list(_blocks(survey, table, partitioned_by))
        if not all(found):
            return
        reasons = reasons or [reason for reason in found if reason]
    if reasons:
        raise Unsupported(
            f"{view} could only ever be refreshed by making all of its rows anew ("
            f"{'; '.join(reasons)}); change the query or PARTITIONED BY, or use REFRESH_MODE = AUTO"
        )


def only_full(view: TableIdentifier, reason: str) -> PreconditionFailed:
    """Return the failure of a refresh that would have to make all rows anew, and *reason*."""
    return PreconditionFailed(
        f"REFRESH_MODE of {view} is INCREMENTAL, and only all of its rows made anew would be right:"
        f" {reason}; run REFRESH MATERIALIZED VIEW {view} FULL"
    )


def _blocks(
    survey: Survey, table: TableIdentifier, partitioned_by: Sequence[LayoutTerm]
) -> Iterator[str]:
    """Yield why changes of *table* are not taken in by each way; ``""`` where they can be."""
    yield _named(APPEND, _not_appended(survey, table))
    if not partitioned_by:
        yield _named(PARTITION, "the view has no partitions")
    for term in partitioned_by:
        yield _named(PARTITION, _not_partitioned(survey, table, term))


def _named(strategy: str, reason: str) -> str:
    return reason and f"{strategy}: {reason}"


def _not_appended(survey: Survey, table: TableIdentifier) -> str:
    found: Sequence[Product] | Blocked = products(survey.plan)
    if isinstance(found, Blocked):
        return found.reason
    pin = survey.pins[table]
    source = Source(table, "table", pin.uuid, pin.snapshot_id, pin.schema_id)
    terms = telescoped(found, [Window(source, source, Changes(()))], survey.pins)
    if isinstance(terms, Blocked):
        return terms.reason
    return "" if terms else f"no rows of {table} are read"


def _not_partitioned(survey: Survey, table: TableIdentifier, term: LayoutTerm) -> str:
    if term.transform not in NARROWED:
        return f"rows are not found by {term}"
    if not can_be_narrowed(term, survey.schema.field(term.column).type):
        return f"a query cannot be narrowed to partitions by {term}"
    origins = followed(survey, term.column, frozenset({table}))
    return origins.reason if isinstance(origins, Blocked) else ""
