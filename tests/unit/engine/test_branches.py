"""The session's branch is read of the tables that have it, and of what was planned on it."""

from dataclasses import replace

import pytest

from flightlake.auth import Session
from flightlake.cancellation import Cancellation
from flightlake.engine.sql_text import read
from tests.fix_catalogs import Lake
from tests.fix_engine import Lab, Served, Services, services

__all__ = ["services"]


@pytest.fixture
def branched(own_lake: Lake) -> Lake:
    """A lake whose table ``few`` has a branch and a tag on its second snapshot."""
    table = own_lake.writer.load_table((own_lake.root, "few"))
    second = table.metadata.snapshots[1].snapshot_id
    table.manage_snapshots().create_branch(second, "work").create_tag(second, "label").commit()
    return own_lake


@pytest.fixture
def on_work(branched: Lake, own_lab: Lab) -> Lab:
    return Lab(own_lab.engine, replace(own_lab.defaults, branch="work"))


def test_a_table_with_the_branch_is_read_on_it_and_others_on_main(on_work: Lab) -> None:
    assert on_work.rows("SELECT count(*) FROM few") == [(4,)]
    assert on_work.rows("SELECT count(*) FROM big") == [(120,)]
    assert on_work.rows("SELECT count(*) FROM few a JOIN few b ON a.id = b.id") == [(4,)]
    assert on_work.rows("SELECT sum(record_count) FROM few.files") == [(4,)]


def test_a_version_that_is_named_counts_more(on_work: Lab) -> None:
    assert on_work.rows("SELECT count(*) FROM few FOR VERSION AS OF 'main'") == [(6,)]


def test_a_tag_is_no_branch(branched: Lake, own_lab: Lab) -> None:
    labelled = Lab(own_lab.engine, replace(own_lab.defaults, branch="label"))
    assert labelled.rows("SELECT count(*) FROM few") == [(6,)]


def test_what_was_planned_on_the_branch_is_pinned(branched: Lake, on_work: Lab) -> None:
    plan = on_work.plan("SELECT count(*) FROM few")
    table = branched.writer.load_table((branched.root, "few"))
    table.manage_snapshots().remove_branch("work").commit()
    assert on_work.rows("SELECT count(*) FROM few", pins=plan.pins) == [(4,)]


@pytest.fixture
def served(branched: Lake, services: Services) -> Served:
    made = services(branched)
    made.session = Session("session-1", {"branch": "work"})
    return made


def test_the_branch_travels_with_the_statement(served: Served) -> None:
    described = served.describe("SELECT count(*) FROM few")
    served.session = Session("session-1")
    assert served.read(described.statement) == [(4,)]
    prepared = served.service.new_statement(
        "SELECT count(*) FROM few", served.identity, Session("s", {"branch": "work"})
    )
    again = served.service.describe(prepared, Cancellation())
    assert served.read(again.statement) == [(4,)]


def test_the_outline_is_that_of_the_branch(branched: Lake, own_lab: Lab) -> None:
    table = branched.writer.load_table((branched.root, "few"))
    with table.update_schema() as update:
        update.rename_column("name", "title")
    text, where = read("SELECT * FROM few"), replace(own_lab.defaults, branch="work")
    # A branch is read with the table's current schema (Iceberg spec, "Snapshot References").
    assert own_lab.engine.outline(text, where, {}).schema.names == ["id", "title"]


def test_main_is_as_no_branch(served: Served) -> None:
    served.session = Session("session-1", {"branch": "main"})
    assert served.statement("SELECT 1").branch == ""
    assert served.rows("SELECT count(*) FROM few") == [(6,)]
