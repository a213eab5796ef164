"""The upkeep of views in a lake in a folder: files, snapshots, and time that is told to pass."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs
import pytest

from flightlake.cancellation import Cancellation
from flightlake.clock import ManualClock
from flightlake.lake import blobs
from flightlake.lake.commits import Committed, current
from flightlake.lake.compaction import Compacted
from flightlake.lake.new_files import put
from flightlake.lake.reach import reached, stored_key
from flightlake.lake.small_files import Smallness
from flightlake.lake.stores import StoreSettings
from flightlake.names import TableIdentifier
from flightlake.refresh.compacting import Alone, Compactor
from flightlake.refresh.maintenance import Maintained, Maintenance, Upkeep
from flightlake.refresh.verifying import Verification, Verifier
from tests.fix_catalogs import orders
from tests.fix_materialized import QUERY, Mill
from tests.fix_server import Recorder

DAY = timedelta(days=1)
UPKEEP = Upkeep(history_retention=DAY, unreferenced_age=DAY)


@dataclass
class Keeper:
    """Keeps the views of *mill*, whose clock is ``clock``."""

    mill: Mill
    clock: ManualClock
    observed: Recorder
    upkeep: Upkeep = UPKEEP
    small: Smallness | None = None
    alone: Alone = lambda view: nullcontext(True)
    writable: frozenset[str] | None = None

    def run(self, **options: Any) -> list[Maintained]:
        return self.maintenance.run(Cancellation(), **options)

    @property
    def maintenance(self) -> Maintenance:
        mill = self.mill
        catalogs = mill.views.jobs.refresher.catalogs
        writable = frozenset(catalogs) if self.writable is None else self.writable
        compactor = None
        if self.small is not None:
            compactor = Compactor(mill.engine, catalogs, self.clock, self.small, alone=self.alone)
        return Maintenance(catalogs, writable, self.upkeep, self.clock, self.observed, compactor)

    def compacted(self) -> dict[str, Compacted]:
        """Put small files together; return what became of each view of ``mill``, by name."""
        root = self.mill.lake.root
        done = self.maintenance.compact(Cancellation(), lambda view: view.db_schema == root)
        assert not [one.failure for one in done if one.failure]
        return {one.view.table: one.compacted for one in done}

    def kept(self) -> dict[str, Maintained]:
        """Keep the views; return what was done for each by its name, none of which failed.

        Views of other schemas are other tests', in a catalog that all tests share.
        """
        root = self.mill.lake.root
        done = {one.view.table: one for one in self.run() if one.view.db_schema == root}
        assert not [one.failure for one in done.values() if one.failure]
        return done

    def pass_days(self, days: float) -> None:
        self.clock.advance(days * DAY)


def keeper(mills: Callable[..., Mill], small: Smallness | None = None, **options: Any) -> Keeper:
    """Return a keeper of views whose clock begins now: files have the time of the machine."""
    clock = ManualClock(datetime.now(UTC))
    return Keeper(mills(clock=clock, **options), clock, Recorder(), small=small)


def refreshed(kept: Keeper, times: int = 3) -> Keeper:
    """Make ``v`` and refresh it in full some times, a day apart; return *kept*."""
    mill = kept.mill
    mill.lake.create("orders").append(orders(1, 2))
    mill.run(f"CREATE MATERIALIZED VIEW v AS {QUERY}")
    for _ in range(times):
        kept.pass_days(1)
        mill.table("orders").append(orders(3))
        mill.run("REFRESH MATERIALIZED VIEW v FULL")
    return kept


def committed(mill: Mill, view: str) -> Committed:
    found = current(mill.catalog, TableIdentifier(mill.lake.name, mill.lake.root, view))
    assert found is not None
    return found


def verified(mill: Mill, view: str = "v") -> Verification:
    """Return what VERIFY finds of *view*."""
    made = mill.views.jobs.refresher
    verifier = Verifier(mill.engine, made.catalogs, made.threads, made.clock)
    return replace(verifier.verify(committed(mill, view), Cancellation()), seconds=None)


def everything(mill: Mill, view: str) -> set[Path]:
    """Return all files below the folder of *view*, whatever they are."""
    where = Path(mill.table(view).location().removeprefix("file://"))
    return {path for path in where.rglob("*") if path.is_file()}


def reachable(mill: Mill, view: str) -> set[Path]:
    """Return all files that *view* can need, as pyiceberg finds them."""
    table = mill.table(view)
    found = {
        table.metadata_location,
        *(entry.metadata_file for entry in table.metadata.metadata_log),
    }
    for snapshot in table.snapshots():
        found.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            found.add(manifest.manifest_path)
            entries = manifest.fetch_manifest_entry(table.io)
            found.update(entry.data_file.file_path for entry in entries)
    return {Path(path.removeprefix("file://")) for path in found}


def readable(mill: Mill, view: str) -> dict[int, list[dict[str, Any]]]:
    """Return the rows of each snapshot of *view*, read in full by pyiceberg."""
    table = mill.table(view)
    return {
        snapshot.snapshot_id: sorted(
            table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().to_pylist(), key=repr
        )
        for snapshot in table.snapshots()
    }


@contextmanager
def unchanged(mill: Mill, view: str) -> Iterator[None]:
    """Require that nothing of *view* changes, neither its files nor what the catalog says."""
    before = (everything(mill, view), mill.table(view).metadata_location)
    yield
    assert (everything(mill, view), mill.table(view).metadata_location) == before


class _Ended(BaseException):
    """What nothing catches: as good as a kill, for all that is in the store."""


class _Store:
    """A file system that ends everything after some calls."""

    def __init__(self, files: Any, left: list[int]) -> None:
        self._files = files
        self._left = left

    def __getattr__(self, name: str) -> Any:
        real: Callable[..., Any] = getattr(self._files, name)

        def call(*arguments: Any) -> Any:
            if self._left[0] <= 0:
                raise _Ended
            self._left[0] -= 1
            return real(*arguments)

        return call


def kept_until(kept: Keeper, calls: int) -> bool:
    """Let the upkeep end after some *calls* of the store; return whether it came to its end."""
    left = [calls]
    with pytest.MonkeyPatch.context() as patch:
        for module in ("deletion", "unreferenced"):
            patch.setattr(
                f"flightlake.lake.{module}.filesystem",
                lambda store: _Store(blobs.filesystem(store), left),
            )
        patch.setattr("flightlake.lake.deletion._AT_ONCE", 1)
        try:
            kept.kept()
        except _Ended:
            return False
    return True


def orphaned(mill: Mill, view: str = "v") -> set[Path]:
    """Leave what a refresh leaves whose process dies before it commits; return the files."""
    before = everything(mill, view)

    def die(*_: object) -> None:
        raise _Ended

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flightlake.lake.replacement.commit", die)
        patch.setattr("flightlake.lake.replacement.Replacement.discard", lambda *_: None)
        with pytest.raises(_Ended):
            mill.run(f"REFRESH MATERIALIZED VIEW {view} FULL")
    return everything(mill, view) - before


def _folder(mill: Mill, view: str) -> tuple[StoreSettings, str]:
    table = committed(mill, view)
    return table.store, table.metadata.location


def written_aside(mill: Mill, view: str, count: int) -> set[str]:
    """Write files of refreshes that nobody commits, in any store; return their keys."""
    store, location = _folder(mill, view)
    paths = [f"{location}/data/{number:032x}/00000.parquet" for number in range(count)]
    for path in paths:
        put(store, path, b"a stray", "a stray")
    return {stored_key(store, path) for path in paths}


def stray_files(mill: Mill, view: str) -> set[str]:
    """Return the keys of all files below the folder of *view*, in any store, that are no use."""
    store, location = _folder(mill, view)
    table = committed(mill, view)
    selector = pafs.FileSelector(stored_key(store, location), recursive=True)
    found = {
        info.path
        for info in blobs.filesystem(store).get_file_info(selector)
        # A store without folders may mark an empty one with an empty file.
        if info.type == pafs.FileType.File and not info.path.endswith("/")
    }
    metadata = table.metadata
    reach = reached(metadata, metadata.snapshots, store, view, Cancellation())
    named = [table.location, *(entry.metadata_file for entry in metadata.metadata_log)]
    used = {*reach.files, *reach.manifests, *reach.lists}
    return found - used - {stored_key(store, path) for path in named}
