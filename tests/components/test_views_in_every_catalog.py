"""One behaviour of materialized views for every catalog that can hold them.

What a catalog does not offer is in ``Kind`` (``tests/fix_every_catalog.py``), and shown here.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flightlake.engine.engine import Defaults
from flightlake.errors import AlreadyExists, NotInitialized, Unsupported
from flightlake.lake.commits import OutcomeUnknown, Refused, current, renamed
from flightlake.lake.writing import Lost
from flightlake.names import TableIdentifier
from tests.fix_catalogs import Lake, orders
from tests.fix_engine import Lab
from tests.fix_every_catalog import KINDS, Kind
from tests.fix_materialized import NEW, OLD, QUERY, Mill, Mills, mills, with_news
from tests.fix_written_catalogs import Unsteady, answer_lost, sent_twice

__all__ = ["mills"]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = KINDS[request.param]
    return found


@pytest.fixture
def lake(kind: Kind, tmp_path: Path) -> Lake:
    return kind.lake(tmp_path)


@pytest.fixture
def mill(mills: Mills, lake: Lake) -> Mill:
    """A mill whose catalog can be told to misbehave, with the view ``v`` and news for it."""
    return with_news(mills(Unsteady, lake=lake))


def names(mill: Mill) -> list[str]:
    """Return the views, as they are listed."""
    root = f"{mill.lake.name}.{mill.lake.root}."
    views = [row["view"] for row in mill.run("SHOW MATERIALIZED VIEWS")]
    return [view.removeprefix(root) for view in views if view.startswith(root)]


def test_a_view_lives(kind: Kind, mill: Mill) -> None:
    assert names(mill) == ["v"]
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "FULL"
    assert mill.stored("v") == NEW  # pyiceberg reads it
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
    made = f"CREATE OR REPLACE MATERIALIZED VIEW v PARTITIONED BY (n) AS {QUERY}"
    mill.run(made.replace("AS n", "AS n, max(item) AS item"))
    assert mill.stored("v") == [{**row, "item": f"item {row['id']}"} for row in NEW]
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
    assert mill.one("DROP MATERIALIZED VIEW v")["state"] == "DROPPED"
    assert names(mill) == []
    assert mill.one(f"CREATE MATERIALIZED VIEW v AS {QUERY}")["rows"] == 2
    assert mill.stored("v") == NEW


def test_of_two_rivals_from_one_base_exactly_one_wins(mills: Mills, mill: Mill) -> None:
    other = mills()
    mill.catalog.change = before(mill, lambda: other.run("REFRESH MATERIALIZED VIEW v"))
    with pytest.raises(Refused, match="changed by somebody else"):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.stored("v") == NEW
    mill.catalog.change = before(
        mill, lambda: other.run("CREATE MATERIALIZED VIEW w AS SELECT 7 AS n")
    )
    with pytest.raises(Refused):
        mill.run(f"CREATE MATERIALIZED VIEW w AS {QUERY}")
    assert mill.stored("w") == [{"n": 7}]


def before(mill: Mill, work: Callable[[], Any]) -> Callable[[Callable[[], Any]], Any]:
    """Return what does *work* before the next change, once."""

    def change(send: Callable[[], Any]) -> Any:
        mill.catalog.change = lambda send: send()
        work()
        return send()

    return change


def test_what_was_done_is_found_though_no_answer_came(mill: Mill) -> None:
    mill.catalog.change = answer_lost
    assert mill.one("REFRESH MATERIALIZED VIEW v")["rows"] == 2
    assert mill.stored("v") == NEW
    assert mill.one(f"CREATE MATERIALIZED VIEW w AS {QUERY}")["rows"] == 2
    assert mill.one("DROP MATERIALIZED VIEW w")["state"] == "DROPPED"
    mill.catalog.change = sent_twice
    assert mill.one("REFRESH MATERIALIZED VIEW v FULL")["rows"] == 2
    assert mill.one(f"CREATE MATERIALIZED VIEW w AS {QUERY}")["rows"] == 2
    assert mill.stored("w") == mill.stored("v") == NEW


def test_a_change_that_arrives_late_is_made_once_or_refused(mill: Mill) -> None:
    late: list[Callable[[], Any]] = []

    def lost(send: Callable[[], Any]) -> Any:
        late.append(send)
        raise Lost

    mill.catalog.change = lost
    with pytest.raises(OutcomeUnknown, match="not known whether"):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.stored("v") == OLD
    late.pop()()  # it arrives after all, and none of its files are gone
    assert mill.stored("v") == NEW
    with pytest.raises(OutcomeUnknown):
        mill.run("REFRESH MATERIALIZED VIEW v FULL")
    mill.catalog.change = lambda send: send()
    mill.run("CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT 7 AS n")
    late.pop()()
    assert mill.stored("v") == [{"n": 7}]


def test_a_refresh_does_not_make_a_view_of_a_table_that_was_kept(mills: Mills, mill: Mill) -> None:
    other = mills()
    mill.catalog.change = before(mill, lambda: other.run("DROP MATERIALIZED VIEW v KEEP TABLE"))
    with pytest.raises(Refused):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert names(mill) == []
    assert mill.stored("v") == OLD
    with pytest.raises(AlreadyExists, match="is a table"):
        mill.run(f"CREATE OR REPLACE MATERIALIZED VIEW v AS {QUERY}")


def test_a_view_is_renamed_where_that_is_one_step(kind: Kind, mill: Mill) -> None:
    old, new = (TableIdentifier(mill.lake.name, mill.lake.root, name) for name in ("v", "w"))
    view = current(mill.catalog, old)
    assert view is not None
    if not kind.renames:
        with pytest.raises(Unsupported, match="cannot rename"):
            renamed(mill.catalog, view, new)
        return
    with pytest.raises(AlreadyExists):
        renamed(mill.catalog, view, TableIdentifier(mill.lake.name, mill.lake.root, "orders"))
    mill.catalog.change = answer_lost
    renamed(mill.catalog, view, new)
    mill.catalog.change = lambda send: send()
    assert names(mill) == ["w"]
    assert mill.one("REFRESH MATERIALIZED VIEW w")["strategy"] == "FULL"
    with pytest.raises(Refused):
        renamed(mill.catalog, view, old)


def test_a_view_reads_tables_of_all_other_catalogs(mills: Mills, tmp_path: Path) -> None:
    lakes = {}
    for name, kind in KINDS.items():
        folder = tmp_path / name
        folder.mkdir()
        lakes[name] = kind.lake(folder)
    for number, each in enumerate(lakes.values()):
        each.create("orders").append(orders(number))
    home = lakes["iceberg-rest"]
    mill = mills(more={one.name: one.open() for one in lakes.values()}, lake=home)
    tables = [f"SELECT id, item FROM {one.name}.{one.root}.orders" for one in lakes.values()]
    mill.run(f"CREATE MATERIALIZED VIEW v AS {' UNION ALL '.join(tables)}")
    assert [row["id"] for row in mill.stored("v")] == list(range(len(lakes)))
    lakes["hive-3"].writer.load_table((lakes["hive-3"].root, "orders")).append(orders(9))
    mill.run("REFRESH MATERIALIZED VIEW v")
    assert [row["id"] for row in mill.stored("v")] == [*range(len(lakes)), 9]


def test_a_view_waits_for_its_first_rows(kind: Kind, mills: Mills, mill: Mill) -> None:
    root = f"{mill.lake.name}.{mill.lake.root}"
    waits = f"INITIALIZE = ON_SCHEDULE AS {QUERY}"
    mill.catalog.change = answer_lost
    made = f"CREATE MATERIALIZED VIEW w PARTITIONED BY (id) {waits}"
    assert mill.one(made)["state"] == "INITIALIZING"
    assert mill.table("w").current_snapshot() is None
    assert mill.table("w").scan().to_arrow().num_rows == 0  # what others see
    assert names(mill) == ["v", "w"]
    lab = Lab(mill.engine, Defaults(mill.lake.name, mill.lake.root))
    with pytest.raises(NotInitialized, match=f"REFRESH MATERIALIZED VIEW {root}.w"):
        lab.rows("SELECT * FROM w")
    assert mill.one("ALTER MATERIALIZED VIEW w SET (on_change = TRUE)")["state"] == "INITIALIZING"
    mill.catalog.change = before(mill, lambda: mills().run("REFRESH MATERIALIZED VIEW w"))
    if kind.compares_absence:
        with pytest.raises(Refused):
            mill.run("REFRESH MATERIALIZED VIEW w")
    else:  # the later one wins, with all its rows
        assert mill.one("REFRESH MATERIALIZED VIEW w")["rows"] == 2
    assert mill.stored("w") == NEW
    assert len(mill.table("w").snapshots()) == 1
    assert len(lab.rows("SELECT * FROM w")) == 2
    assert mill.one("REFRESH MATERIALIZED VIEW w")["strategy"] == "NOOP"
    mill.run("DROP MATERIALIZED VIEW w")
    mill.run(made)
    assert mill.one("DROP MATERIALIZED VIEW w")["state"] == "DROPPED"
