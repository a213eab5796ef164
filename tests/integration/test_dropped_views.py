"""The files of dropped views go once nobody can need them; never those of a table that lives."""

import json
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from flightlake.engine.system_tables import SYSTEM
from flightlake.refresh.dropped_views import PREFIX, history_of
from flightlake.refresh.maintenance import Upkeep
from flightlake.telemetry import MaintenanceFinished
from tests.fix_catalogs import orders, rest_lake, sqlite_lake
from tests.fix_dropped import files_in, folder_of, notes, removed
from tests.fix_materialized import Mills, mills
from tests.fix_upkeep import keeper, refreshed

__all__ = ["mills"]


def test_the_files_of_a_dropped_view_go_when_no_reader_can_need_them(mills: Mills) -> None:
    kept = refreshed(keeper(mills))
    mill, folder = kept.mill, folder_of(kept.mill)
    sources = files_in(folder_of(mill, "orders"))
    files = files_in(folder)
    dropped = mill.one("DROP MATERIALIZED VIEW v")
    assert (dropped["state"], dropped["reason"]) == ("DROPPED", "its files go with the upkeep")
    kept.pass_days(0.9)
    assert kept.run() == []
    assert files_in(folder) == files
    (done,) = removed(kept)
    assert (done.view.table, done.dropped.files, done.failure) == ("v", len(files), None)
    assert not folder.exists()
    assert files_in(folder_of(mill, "orders")) == sources
    (fact,) = kept.observed.of(MaintenanceFinished)
    assert (fact.view.table, fact.dropped, fact.status) == ("v", len(files), "OK")
    assert fact.dropped_bytes > 0
    assert not notes(mill)
    assert removed(kept) == []


def test_readers_that_began_before_the_drop_have_their_time(mills: Mills) -> None:
    kept = refreshed(keeper(mills))
    folder = folder_of(kept.mill)
    kept.upkeep = Upkeep(unreferenced_age=timedelta(), least_retention=timedelta(days=9))
    kept.mill.run("DROP MATERIALIZED VIEW v")
    assert removed(kept) == []
    assert folder.exists()


def test_all_that_read_it_go_too(mills: Mills) -> None:
    kept = refreshed(keeper(mills))
    mill = kept.mill
    mill.run("CREATE MATERIALIZED VIEW w AS SELECT id FROM v")
    folders = [folder_of(mill, view) for view in ("v", "w")]
    mill.run("DROP MATERIALIZED VIEW v CASCADE")
    assert [one.view.table for one in removed(kept)] == ["w", "v"]
    assert not any(folder.exists() for folder in folders)


def test_a_table_that_is_kept_keeps_its_files(mills: Mills) -> None:
    kept = refreshed(keeper(mills))
    mill = kept.mill
    rows = mill.stored("v")
    mill.run("DROP MATERIALIZED VIEW v KEEP TABLE")
    assert removed(kept) == []
    assert mill.stored("v") == rows


def test_a_view_of_the_same_name_has_nothing_to_do_with_it(mills: Mills) -> None:
    kept = refreshed(keeper(mills))
    mill, old = kept.mill, folder_of(kept.mill)
    mill.run("DROP MATERIALIZED VIEW v")
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    kept.pass_days(1.5)
    kept.kept()
    assert not old.exists()
    assert mill.stored("v")


@pytest.mark.parametrize("where", ["in its catalog", "in another", "by a copy of its metadata"])
def test_a_table_that_is_registered_again_is_left_alone(
    mills: Mills, tmp_path: Path, where: str
) -> None:
    (tmp_path / "twin").mkdir()
    twin = sqlite_lake(tmp_path / "twin")
    kept = refreshed(keeper(mills, more={twin.name: twin.open()}))
    mill, folder = kept.mill, folder_of(kept.mill)
    there, rows = mill.table("v").metadata_location, mill.table("v").scan().to_arrow()
    mill.run("DROP MATERIALIZED VIEW v")
    lake = twin if where == "in another" else mill.lake
    if where == "by a copy of its metadata":
        told = json.loads(Path(there.removeprefix("file://")).read_text())
        told["table-uuid"] = "00000000-0000-4000-8000-000000000000"
        copy = tmp_path / "00000-copy.metadata.json"
        copy.write_text(json.dumps(told))
        there = f"file://{copy}"
    again = lake.writer.register_table((lake.root, "back"), there)
    assert removed(kept) == []
    assert again.refresh().scan().to_arrow() == rows
    assert not notes(mill)
    files = files_in(folder)
    # Nor later, when somebody takes it away who may know where else it is.
    lake.writer.drop_table((lake.root, "back"))
    assert removed(kept) == []
    assert files_in(folder) == files


def test_what_another_engine_wrote_into_it_goes_as_well(mills: Mills) -> None:
    kept = refreshed(keeper(mills))
    mill, folder = kept.mill, folder_of(kept.mill)
    table = mill.table("v")
    table.append(pa.table({name: [9] for name in table.schema().column_names}))
    mill.run("DROP MATERIALIZED VIEW v")
    (folder / "notes.txt").write_text("not ours")
    assert len(removed(kept)) == 1
    assert [path.name for path in files_in(folder)] == ["notes.txt"]


def test_a_note_that_somebody_else_wrote_deletes_nothing(mills: Mills) -> None:
    kept = refreshed(keeper(mills))
    mill = kept.mill
    mill.run("DROP MATERIALIZED VIEW v")
    table = mill.lake.writer.load_table((SYSTEM, history_of("").table))
    ((name, told),) = notes(mill).items()
    orders_at = mill.table("orders").metadata_location
    odd = [
        {**told, "metadata": orders_at},
        {**told, "name": [1]},
        {**told, "at": "yesterday"},
        {**told, "folder": "s3://elsewhere"},
        [told],
    ]
    with table.transaction() as change:
        change.remove_properties(name)
        change.set_properties({f"{PREFIX}{at}": json.dumps(one) for at, one in enumerate(odd)})
    assert removed(kept) == []
    assert mill.stored("orders")


@pytest.mark.component("iceberg-rest")
def test_in_a_rest_catalog_the_files_stay(mills: Mills) -> None:
    kept = keeper(mills, lake=rest_lake())
    mill = kept.mill
    mill.lake.create("orders").append(orders(1, 2))
    mill.run("CREATE MATERIALIZED VIEW v AS SELECT id FROM orders")
    done = mill.one("DROP MATERIALIZED VIEW v")
    assert done["reason"] == "its files stay where they are"
