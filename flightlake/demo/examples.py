"""What the demo shows: a question to each of its two data sets, asked over the network."""

from dataclasses import dataclass
from typing import Any

import adbc_driver_flightsql
import adbc_driver_flightsql.dbapi
import adbc_driver_manager
import pyarrow as pa

from flightlake.demo.connections import Door
from flightlake.errors import FlightlakeError


@dataclass(frozen=True, slots=True)
class Example:
    """A statement worth seeing."""

    title: str
    sql: str


EXAMPLES = (
    Example(
        "What has each customer of the inventory ordered?",
        """\
SELECT first_name || ' ' || last_name AS customer,
       count(order_number) AS orders,
       coalesce(sum(quantity), 0) AS items,
       round(coalesce(sum(quantity * weight), 0), 2) AS weight
FROM lake."bronze.inventory".customers AS customers
LEFT JOIN lake."bronze.inventory".orders AS orders ON purchaser = customers.id
LEFT JOIN lake."bronze.inventory".products AS products ON product_id = products.id
GROUP BY customers.id, first_name, last_name
ORDER BY customers.id""",
    ),
    Example(
        "Which unshipped orders are worth most? (TPC-H, query 3)",
        """\
SELECT l_orderkey,
       sum(l_extendedprice * (1 - l_discount)) AS revenue,
       o_orderdate,
       o_shippriority
FROM lake.tpch.customer
JOIN lake.tpch.orders ON o_custkey = c_custkey
JOIN lake.tpch.lineitem ON l_orderkey = o_orderkey
WHERE c_mktsegment = 'BUILDING'
  AND o_orderdate < DATE '1995-03-15'
  AND l_shipdate > DATE '1995-03-15'
GROUP BY l_orderkey, o_orderdate, o_shippriority
ORDER BY revenue DESC, o_orderdate
LIMIT 10""",
    ),
)


def ask(door: Door, sql: str) -> pa.Table:
    """Return what the server behind *door* answers, as any ADBC client would get it.

    Raises:
        FlightlakeError: It did not answer.
    """
    options = adbc_driver_flightsql.DatabaseOptions
    database: dict[str, Any] = {
        "username": door.user,
        "password": door.password,
        options.TLS_SKIP_VERIFY.value: "true",  # the certificate is self-signed
    }
    try:
        with (
            adbc_driver_flightsql.dbapi.connect(
                door.location, db_kwargs=database, autocommit=True
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
            return cursor.fetch_arrow_table()
    except adbc_driver_manager.Error as error:
        raise FlightlakeError(f"the demo's own question failed: {error}") from error
