"""Functions that give something else each time are known by name."""

import pytest
from datafusion import SessionConfig, SessionContext

from flightlake.engine.volatility import FUNCTIONS, volatile

_TABLE_FUNCTIONS = {"RANGE", "GENERATE_SERIES"}


def test_all_functions_that_the_engine_says_are_volatile_are_known() -> None:
    engine = SessionContext(SessionConfig().with_information_schema(True))
    rows = engine.sql(
        "SELECT DISTINCT upper(routine_name) AS name FROM information_schema.routines"
        " WHERE NOT is_deterministic"
    ).to_pydict()
    assert set(rows["name"]) - _TABLE_FUNCTIONS <= FUNCTIONS


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("SELECT now()", "now"),
        ("SELECT Now /* now */ ()", "Now"),
        ('SELECT "random"()', '"random"'),
        ("SELECT CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP"),
        ("SELECT * FROM t WHERE at > current_date - 1", "current_date"),
        ("SELECT * FROM t TABLESAMPLE (10)", "TABLESAMPLE"),
        ("SELECT now, random, uuid FROM t", None),
        ('SELECT "current_date" FROM t', None),
        ("SELECT 'now()' -- now()", None),
        ("SELECT count(*), min(a) FROM t", None),
    ],
)
def test_a_call_is_told_from_a_name(sql: str, name: str | None) -> None:
    assert volatile(sql) == name
