import pytest

from flightlake.names import TableIdentifier
from flightlake.project.files import ViewFile
from flightlake.project.placing import bare, named, placed

QUERY = """
-- orders of 'ordres'
SELECT 'ordres', o."Total Sum", totl
FROM lake.shop.ordres AS o, "bronze.inventory"."Odd ""Name"
"""
FILE = ViewFile(TableIdentifier("lake", "gold", "v"), "lake/gold/v.sql", (), QUERY, 3)


@pytest.mark.parametrize(
    ("message", "line", "column", "told"),
    [
        # The server counts the line that marks the project, which the file has not.
        ("syntax error at line 4, column 9: expected: x", 5, 9, "syntax error: expected: x"),
        ("something, at line 2, column 1", 3, 1, "something"),
        ("table lake.shop.ordres does not exist; did you mean 'orders'?", 6, 16, None),
        ("column totl does not exist", 5, 33, None),
        ('column "Total Sum" does not exist', 5, 21, None),
        ('table lake."bronze.inventory"."Odd ""Name" does not exist', 6, 49, None),
        ("column o.totl does not exist", 5, 33, None),
        ("types do not fit", 5, 0, None),
        ("table lake.shop.elsewhere does not exist", 5, 0, None),
    ],
)
def test_a_message_is_put_where_the_thing_stands(
    message: str, line: int, column: int, told: str | None
) -> None:
    problem = placed(FILE, message)
    assert (problem.line, problem.column) == (line, column)
    assert problem.message == (told or message)
    assert str(problem).startswith(f"lake/gold/v.sql:{line}:")


def test_the_place_of_a_source_is_where_it_is_named() -> None:
    problem = named(FILE, TableIdentifier("lake", "shop", "ordres"))
    assert (problem.line, problem.column) == (6, 16)


def test_places_in_statements_that_nobody_wrote_are_not_told() -> None:
    assert bare("AUTO is expected, and 'x' found at line 1, column 70") == (
        "AUTO is expected, and 'x' found"
    )
