"""A statement that comes again is planned again as soon as anything it reads has changed."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.types import StringType

from flightlake.engine.engine import Defaults
from flightlake.names import TableIdentifier
from tests.fix_catalogs import Lake
from tests.fix_engine import FEW, Lab, big_rows

Counts = Callable[[str], int]


@pytest.fixture
def plannings(own_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts for which the engine has made a plan, as they come."""
    made: list[str] = []
    make = own_lab.engine._planner

    def watched(text: Any, *rest: Any) -> Any:
        made.append(text.sql)
        return make(text, *rest)

    monkeypatch.setattr(own_lab.engine, "_planner", watched)
    return made


def test_the_same_statement_is_planned_once(own_lab: Lab, plannings: list[str]) -> None:
    sql = "SELECT count(*), min(grp) FROM big WHERE id >= 50"
    assert [own_lab.rows(sql) for _ in range(3)] == [[(70, "g10")]] * 3
    assert plannings == [sql]


def test_rows_that_were_added_are_seen(own_lake: Lake, own_lab: Lab) -> None:
    sql = "SELECT count(*) FROM big JOIN few ON big.id = few.id"
    for number in range(3):
        assert own_lab.rows(sql) == [(6,)]
        own_lake.writer.load_table((own_lake.root, "big")).append(big_rows(50 + number))
    assert own_lab.rows("SELECT count(*) FROM big") == [(150,)]


def test_a_changed_schema_is_seen(own_lake: Lake, own_lab: Lab) -> None:
    assert own_lab.rows("SELECT * FROM few WHERE id = 10") == [(10, "n1")]
    with own_lake.writer.load_table((own_lake.root, "few")).update_schema() as update:
        update.add_column("more", StringType())
    assert own_lab.rows("SELECT * FROM few WHERE id = 10") == [(10, "n1", None)]


def test_changed_properties_are_seen(own_lake: Lake, own_lab: Lab, plannings: list[str]) -> None:
    own_lab.rows("SELECT count(*) FROM few")
    with own_lake.writer.load_table((own_lake.root, "few")).transaction() as transaction:
        transaction.set_properties({"schema.name-mapping.default": "[]"})
    own_lab.rows("SELECT count(*) FROM few")
    assert len(plannings) == 2


def test_a_table_that_was_made_anew_is_seen(own_lake: Lake, own_lab: Lab) -> None:
    sql = "SELECT id FROM few WHERE name = 'n1'"
    assert own_lab.rows(sql) == [(10,)]
    own_lake.writer.drop_table((own_lake.root, "few"))
    table = own_lake.create("few", FEW)
    assert own_lab.rows(sql) == []
    table.append(pa.table({"id": [7], "name": ["n1"]}, FEW))
    assert own_lab.rows(sql) == [(7,)]


def test_a_table_that_is_gone_is_missed(own_lake: Lake, own_lab: Lab) -> None:
    own_lab.rows("SELECT count(*) FROM few")
    own_lake.writer.drop_table((own_lake.root, "few"))
    with pytest.raises(Exception, match="few does not exist"):
        own_lab.rows("SELECT count(*) FROM few")


def test_defaults_are_part_of_a_statement(own_lake: Lake, own_lab: Lab) -> None:
    sql = "SELECT count(*) FROM few"
    assert own_lab.rows(sql) == [(6,)]
    own_lake.writer.create_namespace("other")
    own_lake.writer.create_table(("other", "few"), FEW)
    elsewhere = Defaults(own_lake.name, "other")
    assert own_lab.collect(own_lab.plan(sql, defaults=elsewhere)).column(0).to_pylist() == [0]
    assert own_lab.rows(sql) == [(6,)]


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT count(*) FROM "few$snapshots"',
        "SELECT count(*) FROM few.snapshots",
        "SELECT count(*) FROM information_schema.tables WHERE table_name = 'few'",
        "SELECT count(*) FROM few WHERE now() > TIMESTAMP '2000-01-01'",
    ],
)
def test_what_is_not_in_tables_alone_is_planned_each_time(
    own_lab: Lab, plannings: list[str], sql: str
) -> None:
    first = own_lab.rows(sql)
    assert own_lab.rows(sql) == first
    assert plannings == [sql, sql]


def test_a_ticket_is_planned_on_its_own_snapshots(own_lake: Lake, own_lab: Lab) -> None:
    sql = "SELECT count(*) FROM few"
    before = own_lab.plan(sql)
    own_lake.writer.load_table((own_lake.root, "few")).append(
        pa.table({"id": [99], "name": ["x"]}, FEW)
    )
    assert own_lab.rows(sql) == [(7,)]
    again = own_lab.plan(sql, pins=before.pins)
    assert own_lab.collect(again).column(0).to_pylist() == [6]
    name = TableIdentifier(own_lake.name, own_lake.root, "few")
    assert again.pins[name].snapshot_id == before.pins[name].snapshot_id
