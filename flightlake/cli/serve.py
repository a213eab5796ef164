"""``flightlake serve``: run a server until it is told to stop."""

import argparse
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

_DESCRIPTION = """\
Serve Iceberg catalogs over Arrow Flight SQL.

Prints one line, "ready grpc+tls://HOST:PORT", on standard output once it can answer; its log
goes to standard error, as lines of JSON. SIGTERM or Ctrl-C drains: new statements are refused,
results that were promised are still served, for at most server.drain_timeout. A second signal
ends at once.
"""


def add_parser(subparsers: Any) -> None:
    """Add ``serve`` to the subcommands."""
    parser = subparsers.add_parser(
        "serve",
        help="run a server",
        description=_DESCRIPTION,
        epilog="docs/configuration.md describes the file; FLIGHTLAKE__SERVER__PORT=31339 and the"
        " like override it.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="the configuration, a TOML file"
    )


def run(args: argparse.Namespace) -> int:
    """Run the server; return the exit code."""
    from flightlake.app import build
    from flightlake.config import load

    _open_more_files()
    app = build(load(args.config))
    app.heed_signals()
    app.start()
    print(f"ready {app.location}", flush=True)
    drained = app.run()
    sys.stdout.flush()
    sys.stderr.flush()
    # All is stopped and removed.  An orderly exit would wait for threads that are deep in the
    # engine, planning a statement that nobody wants any more.
    os._exit(0 if drained else 1)


def _open_more_files() -> None:
    """Raise the limit of open files as far as it goes: a scan opens many at once."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS does not take the limit that it names
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
