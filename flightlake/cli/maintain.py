"""``flightlake maintain``: the upkeep of materialized views once, without a server."""

import argparse
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from flightlake.cancellation import Cancellation
    from flightlake.refresh.maintenance import Maintained

T = TypeVar("T")

_DESCRIPTION = """\
Look after the materialized views of all writable catalogs, once.

Snapshots that are older than refresh.keep_snapshots expire, unless a branch, a tag or another
view needs them, and what only they had is deleted; so is what refreshes left that never ended,
and what dropped views left. Small files are put together.
A running server does the same every refresh.upkeep_every.

Prints a line for each view. Exit code: 0 if all went well, 1 if something failed.
"""


def add_parser(subparsers: Any) -> None:
    """Add ``maintain`` to the subcommands."""
    parser = subparsers.add_parser(
        "maintain",
        help="expire and clean up materialized views",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="a TOML file")


def run(args: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    from flightlake.app.building import open_lake
    from flightlake.app.statements import open_refresher
    from flightlake.app.upkeep import compactor, maintenance
    from flightlake.clock import SystemClock
    from flightlake.config import load
    from flightlake.query.workers import Workers
    from flightlake.telemetry import Observers

    settings, clock = load(args.config), SystemClock()
    catalogs = open_lake(settings)
    # Nothing is sorted or joined, so nothing spills; the server's directory is its own.
    with TemporaryDirectory(prefix="flightlake-maintain-") as spill:
        shared = catalogs.of(None)
        refresher = open_refresher(settings, shared, Workers(1), Path(spill), clock)
        compacting = compactor(settings, refresher, clock)
        kept = maintenance(settings, catalogs, clock, Observers(()), compacting)
        try:
            done = _until_interrupted(kept.run)
        finally:
            refresher.engine.close()
    for line in report(done):
        print(line)
    return 1 if any(one.failure for one in done) else 0


def _until_interrupted(work: "Callable[[Cancellation], T]") -> "T":
    """Return what *work* gives, which Ctrl-C ends soon: small files may take half an hour."""
    from flightlake.cancellation import Cancellation

    call = Cancellation()
    with ThreadPoolExecutor(1, thread_name_prefix="maintain") as thread:
        try:
            running = thread.submit(work, call)
            # A wait without end is not cut short for a signal that another thread was given.
            while not wait([running], 0.1).done:
                pass
            return running.result()
        except KeyboardInterrupt:
            call.cancel()
            raise


def report(done: "Iterable[Maintained]") -> list[str]:
    """Return a line for each view."""
    lines = []
    for one in done:
        expired, left = one.expired, one.unreferenced
        told = [
            f"{expired.snapshots} snapshots expired",
            f"{expired.deleted.files} files of theirs deleted",
            f"{left.files} unreferenced files deleted",
        ]
        if one.compacted.snapshot is not None:
            told.append(f"{one.compacted.files} small files made {one.compacted.into}")
        if one.dropped.files:
            told = [f"dropped; {one.dropped.files} files deleted"]
        failed = expired.deleted.failed + left.failed + one.dropped.failed
        if failed:
            told.append(f"{failed} files could not be deleted")
        if one.failure is not None:
            told.append(f"failed: {one.failure.message}")
        lines.append(f"{one.view}: {', '.join(told)}")
    return lines
