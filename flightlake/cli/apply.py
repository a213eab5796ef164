"""``flightlake apply``: make a server have the views of a project."""

import argparse
from typing import Any

from flightlake.cli import plan as planned
from flightlake.cli import project_server
from flightlake.project.applying import Done, apply
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
    project_server.require_somebody(args)
    project = project_server.project(args)
    try:
        with project_server.connected(args, args.branch) as server:
            checked, made = plan(project, server, args.prune, args.branch)
            print("\n".join(plan_lines(made)), flush=True)
            if not made.to_do:
                return 0
            if not args.yes and not project_server.agreed(f"Do this, {len(made.to_do)} changes?"):
                print("nothing was done")
                return 1
            print()
            apply(checked, made, server, _report, args.branch)
    except ProblemsFound as wrong:
        planned.report(wrong)
        return 1
    return 0


def _report(done: Done) -> None:
    print(done_line(done), flush=True)
