"""The ``inventory`` database of the change-data-capture tutorials, as Arrow tables.

The rows are those of the sample database that the Debezium tutorial captures
(https://debezium.io/documentation/reference/stable/tutorial.html): four customers, nine
products, four orders.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import pyarrow as pa

SCHEMA = "bronze.inventory"
VIEWS = ("silver.inventory", "gold.inventory")
"""The schemas of what is made of the tables."""

_CUSTOMERS = pa.schema(
    [
        pa.field("id", pa.int32(), nullable=False),
        pa.field("first_name", pa.string(), nullable=False),
        pa.field("last_name", pa.string(), nullable=False),
        pa.field("email", pa.string(), nullable=False),
    ]
)
_CUSTOMER_ROWS: Sequence[tuple[object, ...]] = (
    (1001, "Sally", "Thomas", "sally.thomas@acme.com"),
    (1002, "George", "Bailey", "gbailey@foobar.com"),
    (1003, "Edward", "Walker", "ed@walker.com"),
    (1004, "Anne", "Kretchmar", "annek@noanswer.org"),
)

_PRODUCTS = pa.schema(
    [
        pa.field("id", pa.int32(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("description", pa.string()),
        pa.field("weight", pa.float64()),
    ]
)
_PRODUCT_ROWS: Sequence[tuple[object, ...]] = (
    (101, "scooter", "Small 2-wheel scooter", 3.14),
    (102, "car battery", "12V car battery", 8.1),
    (103, "12-pack drill bits", "12-pack of drill bits with sizes ranging from #40 to #3", 0.8),
    (104, "hammer", "12oz carpenter's hammer", 0.75),
    (105, "hammer", "14oz carpenter's hammer", 0.875),
    (106, "hammer", "16oz carpenter's hammer", 1.0),
    (107, "rocks", "box of assorted rocks", 5.3),
    (108, "jacket", "water resistent black wind breaker", 0.1),  # spelt so in the original
    (109, "spare tire", "24 inch spare tire", 22.2),
)

_ORDERS = pa.schema(
    [
        pa.field("order_number", pa.int32(), nullable=False),
        pa.field("order_date", pa.date32(), nullable=False),
        pa.field("purchaser", pa.int32(), nullable=False),
        pa.field("quantity", pa.int32(), nullable=False),
        pa.field("product_id", pa.int32(), nullable=False),
    ]
)
_ORDER_ROWS: Sequence[tuple[object, ...]] = (
    (10001, date(2016, 1, 16), 1001, 1, 102),
    (10002, date(2016, 1, 17), 1002, 2, 105),
    (10003, date(2016, 2, 19), 1002, 2, 106),
    (10004, date(2016, 2, 21), 1003, 1, 107),
)


def tables() -> Mapping[str, pa.Table]:
    """Return the three tables by name."""
    return {
        "customers": _table(_CUSTOMERS, _CUSTOMER_ROWS),
        "products": _table(_PRODUCTS, _PRODUCT_ROWS),
        "orders": _table(_ORDERS, _ORDER_ROWS),
    }


def new_orders(numbers: Iterable[int], day: date) -> pa.Table:
    """Return orders of these *numbers*, made on *day* by any of the customers."""
    rows = [
        (number, day, 1001 + number % 4, 1 + number % 3, 101 + number % 9) for number in numbers
    ]
    return _table(_ORDERS, rows)


def _table(schema: pa.Schema, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
