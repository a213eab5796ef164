"""``flightlake check-config``: say all that is wrong with a configuration, or what it means."""

import argparse
from pathlib import Path
from typing import Any

_DESCRIPTION = """\
Check a configuration as `flightlake serve` would, without starting anything.

Prints `ok` and every setting in effect (no secrets), or each problem on its own line.
Exit code: 0 if a server would start with it, 2 if not.
"""


def add_parser(subparsers: Any) -> None:
    """Add ``check-config`` to the subcommands."""
    parser = subparsers.add_parser(
        "check-config",
        help="say what is wrong in a file",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="a TOML file")


def run(args: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    from flightlake.config import describe, load

    settings = load(args.config)
    print("ok")
    for line in describe(settings):
        print(line)
    return 0
