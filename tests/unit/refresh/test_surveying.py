"""What EXPLAIN CREATE MATERIALIZED VIEW tells."""

from dataclasses import replace
from typing import Any

import pytest

from flightlake.errors import AlreadyExists, FlightlakeError, InvalidSql, NotFound, NotReady
from flightlake.refresh.grammar import is_view_statement, parse
from flightlake.refresh.outcomes import DESCRIPTIONS, schema_of
from flightlake.refresh.service import MaterializedViews
from flightlake.refresh.statements import Create, ExplainCreate
from tests.fix_catalogs import orders
from tests.fix_materialized import QUERY, Mill, Mills


@pytest.fixture
def mill(mills: Mills) -> Mill:
    made = mills()
    made.lake.create("orders").append(orders(1, 2))
    return made


def explain(mill: Mill, view: str, query: str, given: str = "", head: str = "") -> dict[str, Any]:
    told: dict[str, Any] = {}
    sql = f"EXPLAIN {given} CREATE MATERIALIZED VIEW {view} {head} AS {query}"
    for row in mill.run(sql):
        told.setdefault(row["property"], []).append(row["value"])
    return told


def name(mill: Mill, table: str) -> str:
    return f"{mill.lake.name}.{mill.lake.root}.{table}"


def test_it_tells_columns_sources_and_settings_and_makes_nothing(mill: Mill) -> None:
    head = "TARGET_LAG = '90 s' PARTITIONED BY (id) WITH (priority = 7) COMMENT 'it''s'"
    told = explain(mill, "v", QUERY, head=head)
    assert told["view"] == [name(mill, "v")]
    assert told["source"] == [name(mill, "orders")]
    assert told["column"] == ["id long", "n long"]
    assert told["setting"] == [
        "PARTITIONED BY (id)",
        "COMMENT = 'it''s'",
        "TARGET_LAG = '1 minute 30 seconds'",
        "PRIORITY = 7",
    ]
    assert "present" not in told
    assert mill.run("SHOW MATERIALIZED VIEWS") == []


def test_of_a_view_that_is_there_it_tells_both(mill: Mill) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW v REFRESH_MODE = FULL AS {QUERY}")
    told = explain(mill, "v", "SELECT id FROM orders")
    assert told["present"] == ["1"]
    assert told["present query"] == [QUERY]
    assert told["present column"] == ["id long", "n long"]
    assert told["present setting"] == ["REFRESH_MODE = FULL"]
    assert told["present rows"] == ["2"]
    assert int(told["present bytes"][0]) > 0
    assert told["present fingerprint"] != told["fingerprint"]
    again = explain(mill, "v", f"{QUERY.lower()}  -- the same")
    assert again["present fingerprint"] == again["fingerprint"]


def test_a_view_whose_query_does_not_run_any_more_can_be_made_anew(mill: Mill) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW v AS {QUERY}")
    mill.lake.writer.rename_table(f"{mill.lake.root}.orders", f"{mill.lake.root}.purchases")
    told = explain(mill, "v", QUERY.replace("orders", "purchases"))
    assert "does not exist" in told["present problem"][0]
    assert "present fingerprint" not in told


def test_types_of_what_is_inside_are_told_without_ids(mill: Mill) -> None:
    query = "SELECT id, [id] AS l, named_struct('a', id, 'b', [item]) AS s FROM orders"
    mill.run(f"CREATE MATERIALIZED VIEW v AS SELECT 1 AS first, {query.removeprefix('SELECT ')}")
    mill.run(f"CREATE OR REPLACE MATERIALIZED VIEW v AS {query}")  # with higher ids
    told = explain(mill, "v", query)
    assert told["column"] == [
        "id long",
        "l list<long>",
        "s struct<a long, b list<string>>",
    ]
    assert told["present column"] == told["column"]
    over = explain(
        mill, "w", "SELECT s['b'][1] AS b FROM v", given=f"GIVEN v '{told['schema'][0]}'"
    )
    assert over["column"] == ["b string"]


def test_views_that_are_not_there_yet_are_given(mill: Mill) -> None:
    over = "SELECT n + 1 AS m FROM a JOIN orders USING (id)"
    assert explain(mill, "b", over, given="GIVEN a, c") == {"reads": [name(mill, "a")]}
    assert explain(mill, "b", "SELECT 1 AS c FROM orders", given="GIVEN a, c")["column"] == [
        "c long"
    ]
    schema = explain(mill, "a", QUERY)["schema"][0]
    told = explain(mill, "b", over, given=f"GIVEN a '{schema}'")
    assert (told["reads"], told["column"]) == ([name(mill, "a")], ["m long"])
    with pytest.raises(InvalidSql, match="column k does not exist"):
        explain(mill, "b", "SELECT k FROM a", given=f"GIVEN a '{schema}'")
    with pytest.raises(NotFound, match="a does not exist"):
        explain(mill, "b", over)


def test_what_is_given_stands_for_what_is_there(mill: Mill) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW a AS {QUERY}")
    mill.run("CREATE MATERIALIZED VIEW b AS SELECT n FROM a")
    schema = explain(mill, "a", "SELECT 'x' AS n")["schema"][0]
    told = explain(mill, "b", "SELECT n FROM a", given=f"GIVEN a '{schema}'")
    assert (told["column"], told["present column"]) == (["n string"], ["n long"])
    # a is to read b from now on, and b no longer a, which is no ring.
    told = explain(mill, "b", "SELECT id AS n FROM orders", given=f"GIVEN a '{schema}'")
    schema = told["schema"][0]
    assert explain(mill, "a", "SELECT n FROM b", given=f"GIVEN b '{schema}'")["column"]
    with pytest.raises(InvalidSql, match="which itself reads"):
        explain(mill, "a", "SELECT n FROM b")


class _Half:
    """A catalog that does not answer for ``late``."""

    def __init__(self, catalog: Any) -> None:
        self.catalog = catalog

    def __getattr__(self, name: str) -> Any:
        return getattr(self.catalog, name)

    def load(self, db_schema: str, table: str) -> Any:
        if table == "late":
            raise NotReady("the catalog does not answer")
        return self.catalog.load(db_schema, table)


def test_a_catalog_that_does_not_answer_is_no_reason_to_make_a_view_anew(mill: Mill) -> None:
    mill.lake.create("late").append(orders(1))
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id FROM late")
    jobs = mill.views.jobs
    refresher = replace(jobs.refresher, catalogs={mill.lake.name: _Half(mill.catalog)})
    half = replace(mill, views=MaterializedViews(replace(jobs, refresher=refresher)))
    with pytest.raises(NotReady):
        explain(half, "v", "SELECT id FROM orders")


def test_rows_of_an_earlier_definition_are_told(mill: Mill) -> None:
    mill.run(f"CREATE MATERIALIZED VIEW a AS {QUERY}")
    mill.run("CREATE MATERIALIZED VIEW b AS SELECT n FROM a")
    mill.lake.writer.load_table((mill.lake.root, "orders")).append(orders(3))
    mill.run("REFRESH MATERIALIZED VIEW a")
    assert "made of older" not in explain(mill, "b", "SELECT n FROM a")
    mill.run(f"CREATE OR REPLACE MATERIALIZED VIEW a AS {QUERY} HAVING count(*) > 0")
    assert explain(mill, "b", "SELECT n FROM a")["made of older"] == [name(mill, "a")]
    mill.run("REFRESH MATERIALIZED VIEW b")
    assert "made of older" not in explain(mill, "b", "SELECT n FROM a")
    # One that is dropped and made again begins to count its definitions anew.
    mill.run("DROP MATERIALIZED VIEW a")
    mill.run(f"CREATE MATERIALIZED VIEW a AS {QUERY}")
    assert explain(mill, "b", "SELECT n FROM a")["made of older"] == [name(mill, "a")]
    mill.run("REFRESH MATERIALIZED VIEW b")
    assert "made of older" not in explain(mill, "b", "SELECT n FROM a")


@pytest.mark.parametrize(
    ("view", "query", "given", "head", "error", "said"),
    [
        ("orders", "SELECT 1 AS n", "", "", AlreadyExists, "is a table"),
        ("v", "SELECT now() AS n", "", "", InvalidSql, "now does not"),
        ("v", "SELECT * FROM v", "", "", FlightlakeError, "v"),
        ("v", QUERY, "", "PARTITIONED BY (month(id))", InvalidSql, "cannot be cut so"),
        ("v", "SELECT INTERVAL '1' DAY AS l", "", "", FlightlakeError, "not stored"),
        ("v", QUERY, "GIVEN a 'x'", "", InvalidSql, "given view"),
        ("v", QUERY, "GIVEN a '" + "[" * 5000 + "'", "", InvalidSql, "given view"),
        ("nowhere.v", QUERY, "", "", NotFound, "no schema 'nowhere'"),
    ],
)
def test_what_could_not_be_made_is_refused_as_making_it_would_be(
    mill: Mill, view: str, query: str, given: str, head: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        explain(mill, view, query, given, head)


def test_the_statement_is_one_about_views_and_explains_nothing_else() -> None:
    sql = 'EXPLAIN GIVEN a, b.c \'{"type":"struct","fields":[]}\' CREATE MATERIALIZED VIEW v AS X'
    assert is_view_statement(sql)
    found = parse(sql)
    assert isinstance(found, ExplainCreate)
    assert found.create == Create(("v",), "X")
    assert [one.name for one in found.given] == [("a",), ("b", "c")]
    assert [one.columns is None for one in found.given] == [True, False]
    for wrong in (
        "EXPLAIN GIVEN CREATE MATERIALIZED VIEW v AS SELECT 1",
        "EXPLAIN GIVEN a DROP MATERIALIZED VIEW v",
        "EXPLAIN CREATE TABLE t",
        "EXPLAIN GIVEN a",
    ):
        with pytest.raises(FlightlakeError):
            parse(wrong)


def test_a_statement_may_say_where_it_is_instead_of_the_session(mill: Mill) -> None:
    mill.lake.writer.create_namespace("other")
    catalog, root = mill.lake.name, mill.lake.root
    placed = f"IN SCHEMA {catalog}.other"
    with pytest.raises(NotFound, match=r"other\.orders does not exist"):
        mill.run(f"{placed} CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    mill.run(f"{placed} CREATE MATERIALIZED VIEW v AS SELECT id FROM {root}.orders")
    assert mill.one("SHOW MATERIALIZED VIEWS")["view"] == f"{catalog}.other.v"
    assert mill.one(f"{placed} SHOW CREATE MATERIALIZED VIEW v")["default_schema"] == "other"
    both = f"IN SCHEMA {catalog}.other ON BRANCH 'b'"
    mill.run(f"{both} CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT 1 AS one")
    assert "1 AS one" in mill.one(f"{both} SHOW CREATE MATERIALIZED VIEW v")["statement"]
    assert "FROM" in mill.one(f"{placed} SHOW CREATE MATERIALIZED VIEW v")["statement"]
    assert is_view_statement(f"{both} SHOW MATERIALIZED VIEWS")
    assert schema_of(parse(f"{both} DESCRIBE MATERIALIZED VIEW v")) == DESCRIPTIONS
    for wrong in (
        "IN SCHEMA a SHOW MATERIALIZED VIEWS",
        "IN SCHEMA a.b IN SCHEMA a.b SHOW MATERIALIZED VIEWS",
        "ON BRANCH b SHOW MATERIALIZED VIEWS",
        "ON BRANCH 'b'",
        "IN SCHEMA a.b SELECT 1",
        "ON BRANCH 'b' " * 20_000 + "SHOW MATERIALIZED VIEWS",
        "EXPLAIN GIVEN a " * 20_000 + "CREATE MATERIALIZED VIEW v AS SELECT 1",
    ):
        with pytest.raises(InvalidSql):
            parse(wrong)
