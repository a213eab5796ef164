"""What rows came to a view, as a sum of terms that each run the view's own query.

For tables T₁ … Tₙ to which rows came, the rows that came to the view are

    Σᵢ  query(T₁ … Tᵢ₋₁ as they are now, of Tᵢ only what came, Tᵢ₊₁ … Tₙ as they were)

for a query that is linear in each of them: then every term but its last cancels out.  A query
with UNION ALL is a sum of such queries, and its branches that do not read Tᵢ must give no rows in
term i; for that, tables that only they read are read as empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flightlake.engine.plan_terms import Blocked, Product
from flightlake.flightsql.payloads import Pin
from flightlake.lake.portions import Portion
from flightlake.names import TableIdentifier
from flightlake.refresh.windows import Window


@dataclass(frozen=True, slots=True)
class Term:
    """One run of the query: what it reads of each table, and of which table only what came."""

    pins: Mapping[TableIdentifier, Pin]
    only: Mapping[TableIdentifier, tuple[Portion, ...]]


def telescoped(
    products: Sequence[Product],
    changed: Sequence[Window],
    pins: Mapping[TableIdentifier, Pin],
) -> tuple[Term, ...] | Blocked:
    """Return the terms whose rows together came to the view; or why there are none.

    Args:
        products: What the query is (``plan_terms``).
        changed: The sources to which rows came, and to which nothing else happened.
        pins: All sources as they are now.
    """
    if any(name not in pins for product in products for name in product):
        return Blocked("the query reads a table under a name that is not known")
    terms = []
    for number, window in enumerate(changed):
        table = window.identifier
        emptied = _emptied(products, table)
        if isinstance(emptied, Blocked):
            return emptied
        if emptied is None:  # named in the query, and not read by it
            continue
        found = dict(pins)
        for later in changed[number + 1 :]:
            found[later.identifier] = as_before(later, pins)
        for name in emptied:
            found[name] = replace(pins[name], snapshot_id=None)
        added = () if window.changes is None else window.changes.added
        terms.append(Term(found, {table: added}))
    return tuple(terms)


def as_before(window: Window, pins: Mapping[TableIdentifier, Pin]) -> Pin:
    """Return how a source is read as the rows were made of it."""
    return replace(pins[window.identifier], snapshot_id=window.before.snapshot_id)


def _emptied(
    products: Sequence[Product], table: TableIdentifier
) -> frozenset[TableIdentifier] | Blocked | None:
    """Return the tables to be read as empty, so that nothing comes of branches without *table*."""
    mine = [product for product in products if product.get(table)]
    others = [product for product in products if not product.get(table)]
    if not mine:
        return None
    if any(product[table] > 1 for product in mine):
        return Blocked(f"the query joins {table} with itself")
    needed = {name for product in mine for name in product}
    if any(needed.issuperset(product) for product in others):
        return Blocked(f"a branch of UNION ALL does not read {table}, nor any table of its own")
    return frozenset(name for product in others for name in product) - needed
