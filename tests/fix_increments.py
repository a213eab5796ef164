"""A view of orders, and sales by the day, for tests of refreshes that read only what changed."""

from datetime import date

import pyarrow as pa

from tests.fix_catalogs import orders
from tests.fix_materialized import Mill

SALES = pa.schema([("day", pa.date32()), ("amount", pa.int64())])


def sales(*days: int | None) -> pa.Table:
    """Return one sale of 1 on each of these days of January."""
    found = [None if day is None else date(2026, 1, day) for day in days]
    return pa.table({"day": found, "amount": [1] * len(found)}, schema=SALES)


def ids(mill: Mill, view: str) -> list[int]:
    """Return the ids in *view*, in some fixed order."""
    return [row["id"] for row in mill.stored(view)]


def loaded(mill: Mill, query: str = "SELECT id FROM orders WHERE id > 1") -> Mill:
    """Make ``v`` of two orders."""
    mill.lake.create("orders").append(orders(1, 2))
    mill.run(f"CREATE MATERIALIZED VIEW v AS {query}")
    return mill
