"""``flightlake maintain``: the upkeep of materialized views once, without a server."""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flightlake.refresh.maintenance import Maintained

_DESCRIPTION = """\
Look after the materialized views of all writable catalogs, once.

Snapshots that are older than refresh.keep_snapshots expire, unless a branch, a tag or another
view needs them, and what only they had is deleted; so is what refreshes left that never ended.
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
    from flightlake.app.upkeep import maintenance
    from flightlake.cancellation import Cancellation
    from flightlake.clock import SystemClock
    from flightlake.config import load
    from flightlake.telemetry import Observers

    settings = load(args.config)
    kept = maintenance(settings, open_lake(settings), SystemClock(), Observers(()))
    done = kept.run(Cancellation())
    for line in report(done):
        print(line)
    return 1 if any(one.failure for one in done) else 0


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
        failed = expired.deleted.failed + left.failed
        if failed:
            told.append(f"{failed} files could not be deleted")
        if one.failure is not None:
            told.append(f"failed: {one.failure.message}")
        lines.append(f"{one.view}: {', '.join(told)}")
    return lines
