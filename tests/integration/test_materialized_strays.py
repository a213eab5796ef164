"""What refreshes left that never ended is deleted, and nothing else, however late they wake up."""

import os
from pathlib import Path

import pytest

from flightlake.lake.commits import Refused
from tests.fix_catalogs import orders
from tests.fix_materialized import Interrupted, Mill, Mills
from tests.fix_upkeep import (
    Keeper,
    everything,
    keeper,
    orphaned,
    reachable,
    refreshed,
    unchanged,
)


def _strays(mill: Mill, view: str = "v") -> set[Path]:
    return everything(mill, view) - reachable(mill, view)


def test_what_dead_refreshes_left_goes_once_it_is_old(mills: Mills) -> None:
    kept = refreshed(keeper(mills), times=0)
    mill = kept.mill
    mill.table("orders").append(orders(7))
    left = orphaned(mill)
    assert {path.parent.parent.name for path in left} >= {"data"}
    assert len(left) >= 3
    kept.pass_days(0.9)
    with unchanged(mill, "v"):
        kept.kept()
    kept.pass_days(0.2)
    done = kept.kept()["v"]
    assert done.unreferenced.files == len(left)
    assert not _strays(mill)
    assert not [folder for folder in _folders(mill) if not list(folder.iterdir())]
    assert mill.stored("v") == [{"id": 1, "n": 1}, {"id": 2, "n": 1}]
    assert mill.one("REFRESH MATERIALIZED VIEW v")["state"] == "READY"


def _folders(mill: Mill) -> list[Path]:
    where = Path(mill.table("v").location().removeprefix("file://"))
    return [path for path in where.rglob("*") if path.is_dir()]


def test_files_of_one_refresh_are_as_old_as_the_youngest(mills: Mills) -> None:
    kept = refreshed(keeper(mills), times=0)
    mill = kept.mill
    left = {path for path in orphaned(mill) if path.suffix == ".parquet"}
    (file,) = left
    kept.pass_days(2)
    younger = file.with_name("00001.parquet")
    younger.write_bytes(b"still written")
    os.utime(younger, (kept.clock.now().timestamp(),) * 2)
    kept.kept()
    assert file.exists()


def test_files_of_other_names_and_places_stay(mills: Mills) -> None:
    kept = refreshed(keeper(mills), times=0)
    mill = kept.mill
    where = Path(mill.table("v").location().removeprefix("file://"))
    strange = [
        where / "notes.txt",
        where / "data/mine.parquet",
        where / "data/00000-0-aaaa.parquet",
        where / "metadata/version-hint.text",
        where / "metadata/snap-1-0-a.avro",
        where / "metadata/0123-m0.avro",
        where.parent / f"{where.name}x/data/0123456789abcdef0123456789abcdef/0.parquet",
    ]
    for path in strange:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    kept.pass_days(100)
    kept.kept()
    assert all(path.exists() for path in strange)


def test_a_refresh_that_wakes_up_late_cannot_commit_files_that_were_deleted(mills: Mills) -> None:
    kept = refreshed(keeper(mills, around=Interrupted), times=0)
    mill, other = kept.mill, _other(kept, mills)
    mill.table("orders").append(orders(7))

    def sleep() -> None:  # right before its commit, for two days
        kept.pass_days(2)
        done = other.kept()["v"]
        assert done.unreferenced.files > 2

    mill.catalog.before = sleep
    with pytest.raises(Refused):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.stored("v") == [{"id": 1, "n": 1}, {"id": 2, "n": 1}]
    assert mill.one("REFRESH MATERIALIZED VIEW v")["state"] == "READY"
    assert mill.stored("v")[-1] == {"id": 7, "n": 1}


def _other(kept: Keeper, mills: Mills) -> Keeper:
    """Return a keeper in what might be another process."""
    return Keeper(mills(clock=kept.clock), kept.clock, kept.observed)


def test_a_commit_between_listing_and_deleting_is_heeded(mills: Mills) -> None:
    kept = refreshed(keeper(mills, around=Interrupted), times=0)
    mill, rival = kept.mill, mills(clock=kept.clock)
    mill.table("orders").append(orders(7))
    left = orphaned(mill)
    kept.pass_days(2)
    mill.catalog.before = lambda: rival.run("REFRESH MATERIALIZED VIEW v")  # before the fence
    (done,) = kept.run()
    assert isinstance(done.failure, Refused)
    assert all(path.exists() for path in left)
    assert kept.kept()["v"].unreferenced.files == len(left)
    assert mill.stored("v")[-1] == {"id": 7, "n": 1}


def test_old_metadata_files_go_once_the_table_forgets_them(mills: Mills) -> None:
    kept = refreshed(keeper(mills), times=0)
    mill = kept.mill
    with mill.table("v").transaction() as change:
        change.set_properties({"write.metadata.previous-versions-max": "2"})
    for number in range(5):
        with mill.table("v").transaction() as change:
            change.set_properties({"some": str(number)})
    kept.pass_days(2)
    location = mill.table("v").metadata_location
    assert kept.kept()["v"].unreferenced.files == 4
    assert mill.table("v").metadata_location == location  # no commit for that alone
    assert not _strays(mill)
