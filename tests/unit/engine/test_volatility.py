"""Functions that give something else each time are known by name."""

import pytest
from datafusion import SessionConfig, SessionContext

from flightlake.engine.volatility import FUNCTIONS, volatile

_TABLE_FUNCTIONS = {"RANGE", "GENERATE_SERIES"}
_CONSTANTS = {
    "ARRAY_CAT", "ARRAY_CONCAT", "LIST_CAT", "LIST_CONCAT", "MAKE_ARRAY", "MAKE_LIST", "PI",
}  # fmt: skip
"""Functions that take no arguments, and give the same with any build of the engine."""


def test_all_functions_that_the_engine_says_are_volatile_are_known() -> None:
    engine = SessionContext(SessionConfig().with_information_schema(True))
    rows = engine.sql(
        "SELECT DISTINCT upper(routine_name) AS name FROM information_schema.routines"
        " WHERE NOT is_deterministic"
    ).to_pydict()
    assert set(rows["name"]) - _TABLE_FUNCTIONS <= FUNCTIONS


def test_all_functions_without_arguments_are_constants_or_known() -> None:
    # What such a function gives comes from the moment, the session or the server.
    engine, found = SessionContext(), set()
    for name in engine.udfs():
        try:
            engine.sql(f'SELECT "{name}"()')
        except Exception:  # noqa: BLE001, S112 - it takes arguments
            continue
        found.add(name.upper())
    assert found - _CONSTANTS <= FUNCTIONS
    assert {"VERSION", "PI"} <= found


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("SELECT now()", "now"),
        ("SELECT version()", "version"),
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
