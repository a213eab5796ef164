"""The ``flightlake`` command: what its subcommands are, and how they end.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from flightlake import __version__
from flightlake.errors import FlightlakeError

_DESCRIPTION = """\
An Arrow Flight SQL server for Iceberg lakehouses.

To look around:   flightlake demo
To run a server:  flightlake user add ann --users-file users.toml
                  flightlake check-config --config flightlake.toml
                  flightlake serve --config flightlake.toml
"""


@dataclass(frozen=True, slots=True)
class Subcommand:
    """A subcommand and the module that has its ``add_parser(subparsers)`` and ``run(args)``.

    The module is imported when the subcommand is used, so that help and errors come at once.
    """

    name: str
    module: str
    help: str


SUBCOMMANDS = (
    Subcommand("serve", "flightlake.cli.serve", "run a server"),
    Subcommand("demo", "flightlake.cli.demo", "build a small lakehouse and serve it"),
    Subcommand("sql", "flightlake.cli.sql", "run SQL against a Flight SQL server"),
    Subcommand("plan", "flightlake.cli.plan", "show what a project of views would change"),
    Subcommand("apply", "flightlake.cli.apply", "make a server have the views of a project"),
    Subcommand("merge", "flightlake.cli.merge", "make what a branch has of views that of main"),
    Subcommand("user", "flightlake.cli.user", "add, remove and list users"),
    Subcommand("token", "flightlake.cli.token", "issue a bearer token"),
    Subcommand("maintain", "flightlake.cli.maintain", "expire and clean up materialized views"),
    Subcommand("check-config", "flightlake.cli.check_config", "say what is wrong in a file"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line *argv* (``sys.argv`` if None); return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    args = _parser(arguments).parse_args(arguments)
    module = next(item.module for item in SUBCOMMANDS if item.name == args.subcommand)
    try:
        code: int = importlib.import_module(module).run(args)
        sys.stdout.flush()  # so that a closed pipe is met here
        return code
    except FlightlakeError as error:
        return _report(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; do not let the interpreter complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flightlake",
        description=_DESCRIPTION,
        epilog="`flightlake SUBCOMMAND --help` says more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"flightlake {__version__}")
    subparsers = parser.add_subparsers(
        dest="subcommand", metavar="SUBCOMMAND", required=True, title="subcommands"
    )
    used = next((word for word in arguments if not word.startswith("-")), None)
    for item in SUBCOMMANDS:
        if item.name == used:
            importlib.import_module(item.module).add_parser(subparsers)
        else:
            subparsers.add_parser(item.name, help=item.help)
    return parser


def _report(error: FlightlakeError) -> int:
    from flightlake.config import ConfigError

    if isinstance(error, ConfigError):
        for problem in error.problems:
            print(f"flightlake: {problem}", file=sys.stderr)
        return 2
    print(f"flightlake: {error.message}", file=sys.stderr)
    return 1
