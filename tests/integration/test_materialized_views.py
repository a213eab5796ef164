"""Materialized views in a SQLite catalog: when they are made anew, and who else
can read them."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from flightlake.auth import Identity
from flightlake.cancellation import Cancellation
from flightlake.errors import (
    AlreadyExists,
    FlightlakeError,
    InvalidSql,
    NotFound,
    NotPermitted,
    PreconditionFailed,
)
from flightlake.lake.snapshots import MAIN
from flightlake.refresh.grammar import parse
from flightlake.refresh.service import Asked
from tests.fix_catalogs import orders, sqlite_lake
from tests.fix_lake import dead_catalog
from tests.fix_materialized import Mill, Mills


def loaded(mill: Mill) -> Mill:
    mill.lake.create("orders").append(orders(1, 2, 3))
    return mill


def test_a_view_of_no_rows_is_a_table_of_no_rows(mills: Mills) -> None:
    mill = mills()
    mill.lake.create("orders")
    row = mill.one("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    assert row["rows"] == 0
    assert mill.stored("v") == []
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
    mill.table("orders").append(orders(1))
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.stored("v") == [{"id": 1}]
    mill.table("orders").delete("id = 1")
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.stored("v") == []


def test_every_snapshot_says_what_it_was_made_of(mills: Mills) -> None:
    mill = loaded(mills())
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    first = mill.table("orders").current_snapshot().snapshot_id
    mill.table("orders").append(orders(4))
    mill.run("REFRESH MATERIALIZED VIEW v FULL")
    second = mill.table("orders").current_snapshot().snapshot_id
    said = [json.loads(s.summary["refresh-state"]) for s in mill.table("v").snapshots()]
    assert [state["source-states"][0]["snapshot-id"] for state in said] == [first, second]
    source = said[1]["source-states"][0]
    assert source["uuid"] == str(mill.table("orders").metadata.table_uuid)
    assert (source["type"], source["name"], source["namespace"]) == (
        "table", "orders", [mill.lake.root],
    )  # fmt: skip
    snapshots = mill.table("v").snapshots()
    assert [s.summary.operation.value for s in snapshots] == ["append", "overwrite"]
    assert snapshots[1].parent_snapshot_id == snapshots[0].snapshot_id
    # Others can tell what changed: the old file is listed as deleted.
    entries = [
        (entry.status.name, entry.data_file.record_count)
        for manifest in snapshots[1].manifests(mill.table("v").io)
        for entry in manifest.fetch_manifest_entry(mill.table("v").io, discard_deleted=False)
    ]
    assert sorted(entries) == [("ADDED", 4), ("DELETED", 3)]
    # What it was is still there.
    old = mill.table("v").scan(snapshot_id=snapshots[0].snapshot_id).to_arrow()
    assert sorted(old["id"].to_pylist()) == [1, 2, 3]


def test_another_writer_of_the_view_is_noticed_and_its_compaction_is_none(mills: Mills) -> None:
    # ClickHouse's issue 120364: a foreign append hides what the rows were made of.
    mill = loaded(mills())
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    mill.table("v").append(pa.table({"id": [99]}))
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert (row["strategy"], "changed by somebody else" in row["reason"]) == ("FULL", True)
    assert mill.stored("v") == [{"id": 1}, {"id": 2}, {"id": 3}]
    mill.table("v").delete("id = 1")
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "FULL"
    with mill.table("v").transaction() as change:
        change.set_properties({"owner": "ada"})
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
    assert mill.table("v").properties["owner"] == "ada"


def test_a_rollback_of_a_source_is_a_change(mills: Mills) -> None:
    # StarRocks' issue 71977: an older snapshot was taken for a fresh one.
    mill = loaded(mills())
    source = mill.table("orders")
    before = source.current_snapshot().snapshot_id
    source.append(orders(4))
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM orders")
    mill.table("orders").manage_snapshots().set_current_snapshot(before).commit()
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert f"to snapshot {before}, and that does not follow" in row["reason"]
    assert mill.stored("v") == [{"n": 3}]


def test_a_source_that_was_made_anew_is_a_change_and_a_lost_one_an_error(mills: Mills) -> None:
    mill = loaded(mills())
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    mill.lake.writer.drop_table((mill.lake.root, "orders"))
    with pytest.raises(NotFound, match="orders does not exist"):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert len(mill.stored("v")) == 3
    mill.lake.create("orders").append(orders(7))
    assert "made anew" in mill.one("REFRESH MATERIALIZED VIEW v")["reason"]
    assert mill.stored("v") == [{"id": 7}]


def test_columns_that_change_are_never_stored_in_the_place_of_others(mills: Mills) -> None:
    mill = loaded(mills())
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT * FROM orders")
    with mill.table("orders").update_schema() as change:
        change.rename_column("item", "thing")
    with pytest.raises(PreconditionFailed, match="gives other columns"):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert {*mill.stored("v")[0]} == {"id", "item"}
    mill.run("CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT * FROM orders")
    assert {*mill.stored("v")[0]} == {"id", "thing"}
    schema = mill.table("v").schema()
    assert schema.find_field("id").field_id == 1
    assert schema.find_field("thing").field_id > 2  # no old file has it


def test_a_new_definition_comes_with_its_rows_and_partitions(mills: Mills) -> None:
    mill = loaded(mills())
    mill.run("CREATE MATERIALIZED VIEW v PARTITIONED BY (id) AS SELECT id, item FROM orders")
    row = mill.one(
        "CREATE OR REPLACE MATERIALIZED VIEW v PARTITIONED BY (thing) AS"
        " SELECT item AS thing, id * 2 AS id FROM orders"
    )
    assert row["reason"] == "the view was made anew"
    assert len(mill.stored("v")) == 3
    assert [field.name for field in mill.table("v").spec().fields] == ["thing"]
    described = mill.run("DESCRIBE MATERIALIZED VIEW v")
    assert {"property": "version", "value": "2"} in described
    mill.run("CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT 1 AS one")
    mill.run("REFRESH MATERIALIZED VIEW v FULL")
    assert mill.stored("v") == [{"one": 1}]
    found = mill.catalog.load(mill.lake.root, "v")
    assert found.schema.names == ["one"]


def test_a_view_that_is_there_is_not_made_again_unless_asked(mills: Mills) -> None:
    mill = loaded(mills())
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    with pytest.raises(AlreadyExists, match="OR REPLACE"):
        mill.run("CREATE MATERIALIZED VIEW v AS SELECT 1 AS n")
    row = mill.one("CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT 1 AS n")
    assert (row["state"], row["strategy"], row["rows"]) == ("READY", "NOOP", 3)
    with pytest.raises(AlreadyExists, match="is a table"):
        mill.run("CREATE OR REPLACE MATERIALIZED VIEW orders AS SELECT 1 AS n")
    assert len(mill.stored("orders")) == 3


def test_a_view_reads_views_and_never_itself(mills: Mills) -> None:
    mill = loaded(mills())
    mill.run("CREATE MATERIALIZED VIEW a AS SELECT id FROM orders")
    mill.run("CREATE MATERIALIZED VIEW b AS SELECT sum(id) AS total FROM a")
    mill.run("CREATE MATERIALIZED VIEW c AS SELECT total FROM b")
    for query in ("SELECT * FROM a", "SELECT total AS id FROM b", "SELECT total AS id FROM c"):
        with pytest.raises(InvalidSql, match="cannot read"):
            mill.run(f"CREATE OR REPLACE MATERIALIZED VIEW a AS {query}")
    mill.table("orders").append(orders(10))
    done = mill.run("REFRESH MATERIALIZED VIEW a, b, c")
    assert [row["strategy"] for row in done] == ["APPEND", "FULL", "FULL"]
    assert mill.stored("c") == [{"total": 16}]


def test_a_failure_among_several_views_says_which_were_refreshed(mills: Mills) -> None:
    mill = loaded(mills())
    mill.run("CREATE MATERIALIZED VIEW a AS SELECT id FROM orders")
    with pytest.raises(NotFound, match=r"nowhere was not refreshed.*refreshed before it: .*\.a"):
        mill.run("REFRESH MATERIALIZED VIEW a, nowhere")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ('SELECT * FROM "orders$snapshots"', "has no snapshots"),
        ("SELECT * FROM information_schema.tables", "has no snapshots"),
        ("SELECT id, random() AS r FROM orders", "random does not"),
        ("SELECT CURRENT_DATE AS d", "CURRENT_DATE does not"),
        ('SELECT "now"() AS n', '"now" does not'),
        ("EXPLAIN SELECT 1", "write SELECT"),
        ("SELECT 1 AS a; SELECT 2 AS b", "only one statement"),
        ("SELECT NULL AS nothing", "not stored"),
        ("SELECT INTERVAL '1' DAY AS i", "not stored"),
    ],
)
def test_a_query_whose_rows_are_not_its_tables_alone_is_refused(
    mills: Mills, query: str, words: str
) -> None:
    mill = loaded(mills())
    with pytest.raises(FlightlakeError) as caught:
        mill.run(f"CREATE MATERIALIZED VIEW v AS {query}")
    assert words in caught.value.message
    assert mill.run("SHOW MATERIALIZED VIEWS") == []
    assert not list(Path(mill.lake.properties["warehouse"][7:]).glob("**/v-*"))


def test_a_source_as_it_was_stays_as_it_was(mills: Mills) -> None:
    mill = loaded(mills())
    snapshot = mill.table("orders").current_snapshot().snapshot_id
    mill.run(
        f"CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM orders"
        f" FOR VERSION AS OF {snapshot}"
    )
    mill.table("orders").append(orders(4))
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
    assert mill.stored("v") == [{"n": 3}]


def test_names_mean_what_they_meant_when_the_view_was_made(mills: Mills, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = sqlite_lake(tmp_path / "other")
    other.create("orders").append(orders(5))
    mill = loaded(mills(more={other.name: other.open()}))
    name = f"{mill.lake.name}.{mill.lake.root}.v"
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    elsewhere = Asked(
        Identity("bob", frozenset({"writer"})), other.name, other.root, "", Cancellation()
    )
    mill.views.run(parse(f"REFRESH MATERIALIZED VIEW {name} FULL"), elsewhere)
    assert mill.stored("v") == [{"id": 1}, {"id": 2}, {"id": 3}]
    # A view may read tables of other catalogs, and is not kept in one that may not be written.
    mill.run(f"CREATE MATERIALIZED VIEW w AS SELECT id FROM {other.name}.{other.root}.orders")
    assert mill.stored("w") == [{"id": 5}]
    with pytest.raises(NotPermitted, match="writable"):
        mill.views.run(parse("CREATE MATERIALIZED VIEW v AS SELECT 1 AS n"), elsewhere)


def test_a_name_leads_nowhere_out_of_the_warehouse(mills: Mills, tmp_path: Path) -> None:
    mill = mills()
    mill.run('CREATE MATERIALIZED VIEW "../../../escaped #%?" AS SELECT 1 AS n')
    assert mill.stored("../../../escaped #%?") == [{"n": 1}]
    where = mill.table("../../../escaped #%?").location()
    assert Path(where[7:]).resolve().is_relative_to(tmp_path / "warehouse")


def test_a_table_that_is_kept_is_ordinary_and_a_copy_of_a_view_s_properties_is_no_view(
    mills: Mills,
) -> None:
    mill = loaded(mills())
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    mill.lake.create("copy", mill.table("v").schema(), properties=mill.table("v").properties)
    mill.run("DROP MATERIALIZED VIEW v KEEP TABLE")
    assert not [name for name in mill.table("v").properties if "flightlake" in name]
    assert len(mill.stored("v")) == 3
    assert mill.run("SHOW MATERIALIZED VIEWS") == []
    for name in ("v", "copy"):
        with pytest.raises(PreconditionFailed, match="is a table"):
            mill.run(f"REFRESH MATERIALIZED VIEW {name}")


def test_broken_properties_do_not_break_more_than_the_view(mills: Mills) -> None:
    mill = loaded(mills())
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    with mill.table("v").transaction() as change:
        change.set_properties({"flightlake.mv.state": "{"})
    row = mill.one("REFRESH MATERIALIZED VIEW v")
    assert row["reason"] == "there is no record of what the rows were made of"
    with mill.table("v").transaction() as change:
        change.set_properties({"flightlake.mv.definition": "[]"})
    with pytest.raises(PreconditionFailed, match="CREATE OR REPLACE"):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.one("SHOW MATERIALIZED VIEWS")["view"].endswith(".v")
    mill.run("CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT 1 AS n")
    assert mill.stored("v") == [{"n": 1}]


def test_a_source_that_does_not_answer_ends_the_refresh(mills: Mills, tmp_path: Path) -> None:
    mill = mills(more={"gone": dead_catalog(tmp_path, "gone")})
    with pytest.raises(FlightlakeError, match="does not answer"):
        mill.run("CREATE MATERIALIZED VIEW v AS SELECT * FROM gone.a.b")


def test_the_writer_s_other_branches_stay(mills: Mills) -> None:
    mill = loaded(mills())
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    first = mill.table("v").current_snapshot().snapshot_id
    mill.table("v").manage_snapshots().create_branch(first, "audit").commit()
    mill.table("orders").append(orders(4))
    mill.run("REFRESH MATERIALIZED VIEW v")
    refs = mill.table("v").refs()
    assert refs["audit"].snapshot_id == first
    assert refs[MAIN].snapshot_id != first
