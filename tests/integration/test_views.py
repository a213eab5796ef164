"""Iceberg views of a REST catalog: listed, run where their SQL is plain, refused by dialect."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flightlake._proto import FlightSql_pb2 as pb
from flightlake.engine.defaults import Defaults
from flightlake.errors import NotFound, Overloaded, Unsupported
from tests.fix_catalogs import Lake, orders, rest_lake
from tests.fix_commands import answer, call_on
from tests.fix_engine import Lab, engine_on
from tests.fix_views import create_view

pytestmark = pytest.mark.component("iceberg-rest")

ROWS = pa.schema([("id", pa.int64()), ("item", pa.string())])


@pytest.fixture(scope="module")
def lake() -> Lake:
    """A lake with the table ``orders`` of three rows; each test makes its own views."""
    made = rest_lake()
    made.create("orders").append(orders(1, 2, 3))
    return made


@pytest.fixture(scope="module")
def lab(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder: Path = tmp_path_factory.mktemp("spill")
    engine = engine_on({lake.name: lake.open()}, folder)
    yield Lab(engine, Defaults(lake.name, lake.root))
    engine.close()


@pytest.mark.parametrize("dialect", ["spark", "trino", "datafusion"])
def test_a_plain_view_runs(lake: Lake, lab: Lab, dialect: str) -> None:
    name = f"plain_{dialect}"
    create_view(lake, name, "SELECT id, item FROM orders WHERE id > 1", ROWS, dialect=dialect)
    assert lab.rows(f"SELECT * FROM {name} ORDER BY id") == [(2, "item 2"), (3, "item 3")]
    assert lab.rows(f"SELECT v.item FROM {name} v WHERE id = 3") == [("item 3",)]
    joined = (
        f"SELECT count(*) FROM {name} a JOIN {name} b ON a.id = b.id JOIN orders o ON o.id = a.id"
    )
    assert lab.rows(joined) == [(2,)]


def test_a_view_of_another_dialect_is_refused_by_its_name(lake: Lake, lab: Lab) -> None:
    create_view(lake, "halves", "SELECT id / 2 AS n FROM orders", dialect="trino")
    with pytest.raises(Unsupported, match=r"halves.*dialect 'trino'"):
        lab.rows("SELECT * FROM halves")
    create_view(lake, "nonsense", "SELECT SELECT", dialect="spark")
    with pytest.raises(Unsupported, match=r"nonsense.*dialect 'spark'"):
        lab.rows("SELECT * FROM nonsense")
    create_view(lake, "written", "DROP TABLE orders", dialect="spark")
    with pytest.raises(Unsupported, match="written"):
        lab.rows("SELECT * FROM written")


@pytest.mark.parametrize("dialect", ["spark", "datafusion"])
def test_moments_without_a_time_zone_are_read_for_this_engine_only(
    lake: Lake, lab: Lab, dialect: str
) -> None:
    name = f"events_{dialect}"
    made = lake.create(name, pa.schema([("moment", pa.timestamp("us", "UTC")), ("n", pa.int64())]))
    rows = {"moment": [datetime(2026, 1, 2, tzinfo=UTC)], "n": [1]}
    made.append(pa.table(rows, made.schema().as_arrow()))
    for number, condition in enumerate(("moment > '2026-01-01'", "moment > DATE '2026-01-01'")):
        view = f"{name}_{number}"
        create_view(lake, view, f"SELECT n FROM {name} WHERE {condition}", dialect=dialect)
        if dialect == "datafusion":
            assert lab.rows(f"SELECT * FROM {view}") == [(1,)]
        else:
            with pytest.raises(Unsupported, match="depends on a time zone"):
                lab.rows(f"SELECT * FROM {view}")
    create_view(
        lake, f"{name}_all", f"SELECT n FROM {name} WHERE moment IS NOT NULL", dialect=dialect
    )
    assert lab.rows(f"SELECT * FROM {name}_all") == [(1,)]


def test_the_sql_for_this_engine_is_taken_before_another(lake: Lake, lab: Lab) -> None:
    both = {"spark": "SELECT 1 / 2 AS n", "datafusion": "SELECT id / 2 AS n FROM orders"}
    create_view(lake, "both", both)
    assert lab.rows("SELECT n FROM both ORDER BY n") == [(0,), (1,), (1,)]


def test_views_in_views_are_read(lake: Lake, lab: Lab) -> None:
    create_view(lake, "inner_one", "SELECT id, item FROM orders WHERE id < 3", ROWS)
    create_view(lake, "outer_one", "SELECT count(*) AS n FROM inner_one", dialect="trino")
    assert lab.rows("SELECT n FROM outer_one") == [(2,)]


def test_views_that_are_made_of_each_other_are_refused(lake: Lake, lab: Lab) -> None:
    create_view(lake, "egg", "SELECT n FROM hen")
    create_view(lake, "hen", "SELECT n FROM egg")
    with pytest.raises(Unsupported, match=r"egg → .*hen → .*egg"):
        lab.rows("SELECT * FROM egg")


def test_views_that_double_are_refused_before_they_are_too_large(lake: Lake, lab: Lab) -> None:
    create_view(lake, "d0", "SELECT id AS n FROM orders")
    for number in range(12):
        sql = f"SELECT a.n FROM d{number} a JOIN d{number} b ON a.n = b.n"
        create_view(lake, f"d{number + 1}", sql)
    assert lab.rows("SELECT count(*) FROM d3") == [(3,)]
    with pytest.raises(Overloaded, match="too large"):
        lab.rows("SELECT count(*) FROM d12")


def test_names_in_a_view_are_of_its_own_namespace_and_catalog(lake: Lake, lab: Lab) -> None:
    other = f"{lake.root}_other"
    lake.writer.create_namespace(other)
    lake.writer.create_table((other, "orders"), orders(1).schema).append(orders(8, 9))
    create_view(lake, "elsewhere", "SELECT count(*) AS n FROM orders", namespace=(other,))
    assert lab.rows("SELECT n FROM elsewhere") == [(2,)]
    sql = f"SELECT count(*) AS n FROM prod.{other}.orders"
    create_view(lake, "named", sql, catalog="prod")
    assert lab.rows("SELECT n FROM named") == [(2,)]
    assert lab.rows(f"SELECT n FROM {lake.name}.{lake.root}.named", defaults=Defaults("", "")) == [
        (2,)
    ]


def test_columns_are_called_as_the_view_says(lake: Lake, lab: Lab) -> None:
    renamed = pa.schema([("a", pa.int64()), ("b", pa.string())])
    kept = {"spark.query-column-names": "id,item"}
    create_view(lake, "renamed", "SELECT id, item FROM orders", renamed, properties=kept)
    assert lab.rows("SELECT b FROM renamed WHERE a = 1") == [("item 1",)]


def test_columns_that_only_an_engine_has_named_are_found_by_their_place(
    lake: Lake, lab: Lab
) -> None:
    # As Spark 4.0 wrote it.
    named = pa.schema([("a", pa.int64()), ("b", pa.string())])
    kept = {"spark.query-column-names": "id,upper(item)"}
    create_view(lake, "by_place", "SELECT id, upper(item) FROM orders", named, properties=kept)
    assert lab.rows("SELECT b, a FROM by_place WHERE a = 1") == [("ITEM 1", 1)]
    unnamed = pa.schema([("(id + 1)", pa.int64()), ("one", pa.int32()), ("d", pa.date32())])
    create_view(
        lake, "unnamed", "SELECT id + 1, 1 AS one, DATE '2026-01-02' AS d FROM orders", unnamed
    )
    assert lab.rows('SELECT one, "(id + 1)" FROM unnamed ORDER BY 2') == [(1, 2), (1, 3), (1, 4)]
    twice = pa.schema([("a", pa.int64()), ("b", pa.int64())])
    create_view(lake, "too_few", "SELECT id FROM orders", twice)
    with pytest.raises(Unsupported, match=r"too_few.*no longer has the columns"):
        lab.rows("SELECT * FROM too_few")


def test_a_view_whose_columns_are_not_those_it_promises_is_refused(lake: Lake, lab: Lab) -> None:
    swapped = pa.schema([("item", pa.string()), ("id", pa.int64())])
    create_view(lake, "stale", "SELECT * FROM orders", swapped)
    with pytest.raises(Unsupported, match=r"stale.*no longer has the columns"):
        lab.rows("SELECT * FROM stale")
    create_view(lake, "typed", "SELECT item AS n FROM orders")
    with pytest.raises(Unsupported, match=r"column n of view .*typed.*another type"):
        lab.rows("SELECT * FROM typed")


def test_numbers_are_of_the_width_the_view_promises(lake: Lake, lab: Lab) -> None:
    narrow = pa.schema([("n", pa.int32())])
    create_view(lake, "one", "SELECT 1 AS n FROM orders", narrow)
    assert lab.plan("SELECT n FROM one").schema.field("n").type == pa.int32()


def test_time_travel_on_a_view_is_refused(lake: Lake, lab: Lab) -> None:
    create_view(lake, "now_only", "SELECT id AS n FROM orders")
    with pytest.raises(Unsupported, match=r"now_only is a view"):
        lab.rows("SELECT * FROM now_only FOR VERSION AS OF 5")
    with pytest.raises(NotFound):
        lab.rows('SELECT * FROM "now_only$files"')


def test_a_table_that_a_view_lacks_is_named(lake: Lake, lab: Lab) -> None:
    create_view(lake, "lacking", "SELECT n FROM not_there")
    with pytest.raises(NotFound, match=r"view .*lacking is made of .*not_there, which does not"):
        lab.rows("SELECT * FROM lacking")


def test_what_is_wrong_with_sql_for_this_engine_is_told(lake: Lake, lab: Lab) -> None:
    create_view(lake, "wrong", "SELECT idd AS n FROM orders", dialect="datafusion")
    with pytest.raises(Unsupported, match=r"wrong does not run here.*'datafusion'.*column idd"):
        lab.rows("SELECT * FROM wrong")


def test_a_view_is_described_and_explained_as_a_table_is(lake: Lake, lab: Lab) -> None:
    create_view(lake, "described", "SELECT id AS n FROM orders WHERE id > 1")
    assert lab.rows("DESCRIBE described")[0][:2] == ("n", "Int64")
    assert lab.rows("SHOW COLUMNS FROM described")[0][3] == "n"
    (plan,) = (
        row for row in lab.rows("EXPLAIN SELECT * FROM described") if row[0] == "logical_plan"
    )
    assert "orders" in plan[1]
    assert len(lab.plan("SELECT n FROM described WHERE n = ?", {"1": pa.scalar(2)}).paths) == 1


def test_views_and_tables_are_read_at_one_snapshot(lake: Lake, lab: Lab) -> None:
    table = lake.create("moving")
    table.append(orders(1))
    create_view(lake, "counted", "SELECT count(*) AS n FROM moving")
    sql = "SELECT n, (SELECT count(*) FROM moving) AS m FROM counted"
    plan = lab.plan(sql)
    table.append(orders(2))
    assert lab.rows(sql) == [(2, 2)]
    assert lab.rows(sql, pins=plan.pins) == [(1, 1)]


def test_a_view_is_pinned_to_its_version(lake: Lake, lab: Lab) -> None:
    create_view(lake, "made_anew", "SELECT id AS n FROM orders")
    plan = lab.plan("SELECT n FROM made_anew")
    lake.writer.drop_view((lake.root, "made_anew"))
    create_view(lake, "made_anew", "SELECT 5 AS n FROM orders")
    with pytest.raises(NotFound, match="made anew"):
        lab.rows("SELECT n FROM made_anew", pins=plan.pins)
    assert lab.rows("SELECT DISTINCT n FROM made_anew") == [(5,)]


def test_information_schema_lists_views(lake: Lake, lab: Lab) -> None:
    sql = "SELECT id AS n FROM orders WHERE id > 2"
    create_view(lake, "listed", {"spark": sql})
    create_view(lake, "unreadable", "SELECT explode(x) AS n FROM orders")
    wanted = f"table_schema = '{lake.root}' AND table_name IN ('listed', 'unreadable', 'orders')"
    rows = lab.rows(
        f"SELECT table_name, table_type FROM information_schema.tables WHERE {wanted} ORDER BY 1"
    )
    assert rows == [("listed", "VIEW"), ("orders", "BASE TABLE"), ("unreadable", "VIEW")]
    definition = "SELECT definition FROM information_schema.views WHERE table_name = 'listed'"
    assert lab.rows(definition) == [(sql,)]
    columns = (
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '{}'"
    )
    for name in ("listed", "unreadable"):
        assert lab.rows(columns.format(name)) == [("n", "BIGINT")]


def listed(lake: Lake, **asked: Any) -> list[dict[str, Any]]:
    command = pb.CommandGetTables(db_schema_filter_pattern=lake.root, **asked)
    return answer(command, call_on([lake.open()])).to_pylist()


def test_get_tables_lists_views_as_such(lake: Lake) -> None:
    create_view(lake, "a_view", "SELECT id AS n FROM orders")
    create_view(lake, "of_others", "SELECT explode(x) AS n FROM orders")
    types = {row["table_name"]: row["table_type"] for row in listed(lake)}
    assert (types["orders"], types["a_view"], types["of_others"]) == ("TABLE", "VIEW", "VIEW")
    assert {row["table_name"] for row in listed(lake, table_types=["TABLE"])} & set(types) == {
        name for name, kind in types.items() if kind == "TABLE"
    }
    views = listed(lake, table_types=["VIEW"], table_name_filter_pattern="a\\_view")
    assert [row["table_name"] for row in views] == ["a_view"]


def test_get_tables_tells_the_columns_of_views(lake: Lake) -> None:
    create_view(lake, "with_columns", "SELECT id AS n FROM orders")
    asked = {"table_name_filter_pattern": "with\\_columns", "include_schema": True}
    (row,) = listed(lake, **asked)
    schema = pa.ipc.read_schema(pa.py_buffer(row["table_schema"]))
    assert (schema.names, schema.types) == (["n"], [pa.int64()])
