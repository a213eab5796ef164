"""Several refreshers of one view at once, late ones, ones whose clocks are wrong, and full disks:
every snapshot of the view is its query at what it records."""

import random
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flightlake.clock import ManualClock
from flightlake.errors import FlightlakeError, NotReady
from flightlake.lake.commits import Refused
from tests.fix_catalogs import sqlite_lake
from tests.fix_engine import in_thread
from tests.fix_materialized import Interrupted, Mills, Odd
from tests.fix_siege import BY_KEY, LARGE, STATEMENTS, Siege, quiet_siege
from tests.fix_view_process import begin, order, said


def test_three_refreshers_in_threads_while_the_source_moves(mills: Mills) -> None:
    siege = quiet_siege(mills)
    siege.other.run(STATEMENTS["create"])
    ends: list[str] = []
    over = threading.Event()

    def refresh() -> None:
        mine = mills()
        while not over.is_set():
            try:
                ends.append(mine.run("REFRESH MATERIALIZED VIEW v")[0]["strategy"])
            except Refused:
                ends.append("refused")

    work = [in_thread(refresh) for _ in range(3)]
    for _ in range(6):
        siege.news()
    over.set()
    for one in work:
        one.result()
    siege.recover("refresh")
    siege.audit()
    snapshots = siege.victim.table("v").snapshots()
    made = [end for end in ends if end not in ("refused", "NOOP")]
    assert len(made) <= len(snapshots) - 1 <= len(made) + 1


def test_three_refreshers_in_processes_commit_one_after_the_other(
    mills: Mills, tmp_path: Path
) -> None:
    siege = quiet_siege(mills)
    siege.other.run(STATEMENTS["create"])
    lake = siege.victim.lake
    statements = ["REFRESH MATERIALIZED VIEW v FULL"] * 4
    processes = [begin(order(lake, tmp_path / f"s{n}", *statements)) for n in range(3)]
    for _ in range(4):
        siege.news()
    ends = []
    for process in processes:
        code, told, errors = said(process)
        assert code == 0, errors
        ends += told
    assert len(ends) == 12
    assert {end.partition(":")[0] for end in ends} <= {"FULL", "Refused"}
    siege.recover("refresh")
    siege.audit()
    snapshots = len(siege.victim.table("v").snapshots())
    assert snapshots - 2 <= ends.count("FULL") <= snapshots - 1


@pytest.mark.parametrize("meanwhile", ["refresh", "full", "replace", "restore", "drop", "keep"])
def test_a_refresher_that_wakes_up_late_is_refused(mills: Mills, meanwhile: str) -> None:
    siege = quiet_siege(mills)
    siege.other.run(STATEMENTS["create"])
    late = mills(Interrupted)
    siege.news()

    def much_later() -> None:
        for _ in range(3):
            siege.ready("refresh")
            siege.other.run(STATEMENTS["refresh"])
        siege.other.run(STATEMENTS[meanwhile if meanwhile != "refresh" else "full"])

    late.catalog.before = much_later
    with pytest.raises(FlightlakeError) as caught:
        late.run("REFRESH MATERIALIZED VIEW v")
    assert isinstance(caught.value, Refused)
    if meanwhile == "drop":
        assert siege.table() is None
    elif meanwhile != "keep":
        siege.recover("refresh")
        siege.audit()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_view_that_was_renamed_between_a_commit_and_its_duplicate_keeps_its_rows(
    mills: Mills, replaced: bool
) -> None:
    class Again(Odd):
        renames = False

        def swap(self, *change: Any) -> bool:
            done: bool = self.catalog.swap(*change)
            if not self.renames:
                return done
            self.renames = False
            siege.other.run("ALTER MATERIALIZED VIEW v RENAME TO w")
            if replaced:
                siege.other.run("CREATE MATERIALIZED VIEW v AS SELECT * FROM w")
            return bool(self.catalog.swap(*change))

    siege = quiet_siege(mills)
    siege.other.run(STATEMENTS["restore"])
    again = mills(Again)
    siege.news()
    again.catalog.renames = True
    with pytest.raises(Refused):
        again.run("REFRESH MATERIALIZED VIEW v FULL")
    if replaced:
        siege.other.run("DROP MATERIALIZED VIEW v")
    siege.other.run("ALTER MATERIALIZED VIEW w RENAME TO v")
    siege.check("renamed", fresh=True)
    siege.audit()


@pytest.mark.parametrize("seed", range(2))
def test_clocks_that_are_hours_wrong_make_no_row_wrong(mills: Mills, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - to be told again
    siege = quiet_siege(mills)
    now = datetime.now(UTC)
    clocks = [
        mills(clock=ManualClock(now + timedelta(hours=hours)))
        for hours in (-9000, -30, 0, 30, 9000)
    ]
    clocks[0].run(STATEMENTS["create"])
    for _ in range(8):
        siege.news()
        mill = chance.choice(clocks)
        assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] != "NOOP"
        assert chance.choice(clocks).one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
        siege.check("clocks", fresh=True)
    siege.audit()
    times = [snapshot.timestamp_ms for snapshot in siege.victim.table("v").snapshots()]
    assert times == sorted(times)
    assert siege.victim.table("v").metadata.last_updated_ms >= times[-1]  # others look at it


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder that is a file system of 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system is not to be had here: this user may not mount one")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # a file may still be open


def fill(filler: Path, left: int) -> None:
    """Fill the disk of *filler* until no more than *left* bytes are free."""
    with filler.open("wb", buffering=0) as file:
        while (free := shutil.disk_usage(filler.parent).free) > left:
            file.write(b"\0" * (free - left))


def test_a_full_disk_changes_nothing_and_what_was_written_is_gone(
    mills: Mills, tmp_path: Path, small_disk: Path
) -> None:
    lake = sqlite_lake(tmp_path, warehouse=f"file://{small_disk}")
    siege = quiet_siege(mills, lake)
    mill = siege.other
    mill.run(f"CREATE MATERIALIZED VIEW v AS {LARGE}")
    filler = small_disk / "filler"
    ends = []
    # From room for nothing to room for all.
    for left in (0, 1, 2, 3, 4, 6, 8, 12):
        siege.news()
        fill(filler, left * 4096)
        before = siege.pointer(), siege.files(), shutil.disk_usage(small_disk).free
        said = ""
        try:
            mill.run("REFRESH MATERIALIZED VIEW v FULL")
        except NotReady as failure:
            said = failure.message
        ends.append(said)
        if said:
            assert str(small_disk) not in said
            assert (siege.pointer(), siege.files(), shutil.disk_usage(small_disk).free) == before
        filler.unlink()
        siege.recover("refresh")
    assert ends[0]
    assert not ends[-1]
    siege.audit()


def test_files_that_may_not_become_large_change_nothing(mills: Mills, tmp_path: Path) -> None:
    siege = quiet_siege(mills)
    siege.other.run(f"CREATE MATERIALIZED VIEW v AS {BY_KEY}")
    before = siege.pointer()
    siege.news()
    statement = "REFRESH MATERIALIZED VIEW v"
    wanted = order(siege.victim.lake, tmp_path / "s", statement, file_bytes=600)
    code, told, errors = said(begin(wanted))
    assert code == 0, errors
    assert told[0].startswith("NotReady"), told
    assert siege.pointer() == before
    siege.recover("refresh")
    siege.audit()


def test_the_siege_can_fall(mills: Mills) -> None:
    """The judge of all of these stories sees rows that are there twice."""
    siege: Siege = quiet_siege(mills)
    siege.other.run(STATEMENTS["create"])
    siege.news()
    siege.other.run("REFRESH MATERIALIZED VIEW v")
    view = siege.victim.table("v")
    now = view.current_snapshot()
    assert now is not None
    assert now.summary is not None
    state = {"refresh-state": str(now.summary["refresh-state"])}
    view.append(view.scan().to_arrow(), snapshot_properties=state)
    with pytest.raises(AssertionError):
        siege.check("doubled")
