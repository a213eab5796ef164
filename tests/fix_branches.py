"""Views on branches: a mill with a view that reads another, and statements there."""

from typing import Any

import pytest

from flightlake.engine.engine import Defaults
from flightlake.refresh.asking import Asked
from flightlake.refresh.grammar import parse
from tests.fix_catalogs import orders
from tests.fix_engine import Lab
from tests.fix_materialized import WRITER, Mill, Mills

SILVER = "SELECT id, item FROM orders"
GOLD = "SELECT count(*) AS n, max(id) AS last FROM silver"


def on(mill: Mill, sql: str, branch: str = "trial") -> list[dict[str, Any]]:
    """Run a statement about views on a branch."""
    asked = Asked(WRITER, mill.lake.name, mill.lake.root, branch, mill.call)
    rows: list[dict[str, Any]] = mill.views.run(parse(sql), asked).to_pylist()
    return rows


def read(mill: Mill, sql: str, branch: str = "") -> list[tuple[Any, ...]]:
    """Return the rows of a query in a session on *branch*; ``""`` is main."""
    return Lab(mill.engine, Defaults(mill.lake.name, mill.lake.root, branch)).rows(sql)


@pytest.fixture
def mill(mills: Mills) -> Mill:
    """A mill with ``orders`` (1, 2, 3), ``silver`` of it, and ``gold`` of that."""
    made = mills()
    made.lake.create("orders").append(orders(1, 2, 3))
    made.run(f"CREATE MATERIALIZED VIEW silver AS {SILVER}")
    made.run(f"CREATE MATERIALIZED VIEW gold TARGET_LAG = '1 h' AS {GOLD}")
    return made
