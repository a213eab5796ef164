"""``flightlake apply``: make a server have the views of a project."""

import argparse
import sys
from typing import Any

from flightlake.cli import plan as planned
from flightlake.cli import project_server, sql_target
from flightlake.errors import InvalidRequest
from flightlake.project.applying import Done, apply
from flightlake.project.changes import Plan
from flightlake.project.planning import plan
from flightlake.project.problems import ProblemsFound
from flightlake.project.telling import done_line, plan_lines

_DESCRIPTION = """\
Show what a project of materialized views would change, as `flightlake plan` does, and do it: each
view after those that it reads. The first statement that fails ends it; what was done before stays,
and the next run goes on from there.
"""


def add_parser(subparsers: Any) -> None:
    """Add ``apply`` to the subcommands."""
    parser = subparsers.add_parser(
        "apply",
        help="make a server have the views of a project",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask before it is done")
    project_server.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    _, stdin = sql_target.environment()
    if not args.yes and (args.password_stdin or not stdin.isatty()):
        raise InvalidRequest("nobody can be asked here whether it shall be done: give --yes")
    project = project_server.project(args)
    try:
        with project_server.connected(args) as server:
            checked, made = plan(project, server, args.prune)
            print("\n".join(plan_lines(made)), flush=True)
            if not made.to_do:
                return 0
            if not args.yes and not _agreed(made):
                print("nothing was done")
                return 1
            print()
            apply(checked, made, server, _report)
    except ProblemsFound as wrong:
        planned.report(wrong)
        return 1
    return 0


def _agreed(made: Plan) -> bool:
    sys.stdout.write(f"\nDo this, {len(made.to_do)} changes? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _report(done: Done) -> None:
    print(done_line(done), flush=True)
