"""Faults around a DROP and the deletion of what it leaves: in doubt, the files stay."""

from pathlib import Path

import pytest

from flightlake.cancellation import Cancellation
from flightlake.errors import NotReady
from flightlake.lake import dropped_files
from flightlake.lake.commits import OutcomeUnknown, Refused
from flightlake.lake.deletion import Deleted
from tests.fix_catalogs import sqlite_lake
from tests.fix_dropped import files_in, folder_of, notes, removed
from tests.fix_materialized import Interrupted, LosesAnswers, LosesRequests, Mills, mills
from tests.fix_upkeep import keeper, refreshed

__all__ = ["mills"]


def test_a_table_that_is_registered_in_that_moment_is_left_alone(
    mills: Mills, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = refreshed(keeper(mills))
    mill, folder = kept.mill, folder_of(kept.mill)
    there, files = mill.table("v").metadata_location, files_in(folder)
    mill.run("DROP MATERIALIZED VIEW v")
    real = dropped_files.delete

    def registered_meanwhile(store: object, sizes: dict[str, int], call: Cancellation) -> Deleted:
        monkeypatch.setattr(dropped_files, "delete", real)
        mill.lake.writer.register_table((mill.lake.root, "back"), there)
        return real(store, sizes, call)  # type: ignore[arg-type]

    monkeypatch.setattr(dropped_files, "delete", registered_meanwhile)
    removed(kept)
    assert files_in(folder) == files
    assert mill.table("back").scan().to_arrow().num_rows


def test_a_catalog_that_cannot_be_asked_puts_it_off(mills: Mills, tmp_path: Path) -> None:
    (tmp_path / "twin").mkdir()
    twin = sqlite_lake(tmp_path / "twin")

    class Silent:
        def __init__(self) -> None:
            self.catalog = twin.open()
            self.silent = True

        def __getattr__(self, name: str) -> object:
            return getattr(self.catalog, name)

        def tables(self, db_schema: str) -> list[str]:
            if self.silent:
                raise NotReady("the catalog does not answer")
            return self.catalog.tables(db_schema)

    silent = Silent()
    kept = refreshed(keeper(mills, more={twin.name: silent}))
    folder = folder_of(kept.mill)
    files = files_in(folder)
    kept.mill.run("DROP MATERIALIZED VIEW v")
    kept.writable = frozenset({kept.mill.lake.name})
    (done,) = removed(kept)
    assert isinstance(done.failure, NotReady)
    assert files_in(folder) == files
    silent.silent = False
    (done,) = removed(kept)
    assert done.failure is None
    assert not folder.exists()


def test_a_drop_that_was_refused_or_whose_end_is_unknown_leaves_all_files(mills: Mills) -> None:
    kept = refreshed(keeper(mills, around=LosesRequests))
    mill, folder = kept.mill, folder_of(kept.mill)
    files = files_in(folder)
    mill.catalog.lost = True
    with pytest.raises(OutcomeUnknown):
        mill.run("DROP MATERIALIZED VIEW v")
    mill.catalog.lost = False
    mill.lake.writer.drop_table((mill.lake.root, "v"))
    assert removed(kept) == []
    assert files_in(folder) == files


def test_a_drop_that_lost_a_race_leaves_all_files(mills: Mills) -> None:
    kept = refreshed(keeper(mills, around=Interrupted))
    mill = kept.mill

    def changed() -> None:
        with mill.table("v").transaction() as change:
            change.set_properties({"owner": "ada"})

    mill.catalog.before = changed
    with pytest.raises(Refused):
        mill.run("DROP MATERIALIZED VIEW v")
    assert removed(kept) == []
    assert mill.stored("v")


def test_a_drop_whose_answer_was_lost_is_one(mills: Mills) -> None:
    kept = refreshed(keeper(mills, around=LosesAnswers))
    mill, folder = kept.mill, folder_of(kept.mill)
    mill.catalog.lost = True
    # Nor can it be written down, as that answer is lost, too; so the files stay.
    done = mill.one("DROP MATERIALIZED VIEW v")
    mill.catalog.lost = False
    assert done["state"] == "DROPPED"
    removed(kept)
    assert folder.exists() == (done["reason"] == "its files stay where they are")


@pytest.mark.parametrize("what", ["a manifest list", "the metadata"])
def test_what_cannot_be_read_goes_by_its_names(mills: Mills, what: str) -> None:
    kept = refreshed(keeper(mills))
    mill, folder = kept.mill, folder_of(kept.mill)
    table = mill.table("v")
    snapshot = table.current_snapshot()
    assert snapshot is not None
    lost = snapshot.manifest_list if what == "a manifest list" else table.metadata_location
    mill.run("DROP MATERIALIZED VIEW v")
    Path(lost.removeprefix("file://")).unlink()
    (done,) = removed(kept)
    assert done.failure is None
    assert not folder.exists()


def test_upkeep_that_ends_anywhere_is_finished_by_the_next(
    mills: Mills, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = refreshed(keeper(mills), times=1)
    mill, folder = kept.mill, folder_of(kept.mill)
    mill.run("DROP MATERIALIZED VIEW v")
    real = dropped_files.delete

    class Ended(BaseException):
        """As good as a kill."""

    for files in range(100):

        def some(
            store: object, sizes: dict[str, int], call: Cancellation, left: int = files
        ) -> Deleted:
            done = real(store, dict(list(sizes.items())[:left]), call)  # type: ignore[arg-type]
            if left < len(sizes):
                raise Ended
            return done

        monkeypatch.setattr(dropped_files, "delete", some)
        try:
            removed(kept)
        except Ended:
            continue
        break
    assert files > 1
    assert not folder.exists()
    assert not notes(mill)
