"""``flightlake merge``: what a branch has of views becomes what ``main`` has."""

import argparse
from typing import Any

from flightlake.cli import project_server, sql_target
from flightlake.errors import InvalidRequest
from flightlake.names import MAIN
from flightlake.project.merging import Merged, merge, views_on

_DESCRIPTION = """\
Make what a branch has of materialized views that of main, each view after those that it reads.
Where main has not moved since the branch was made, no row is computed; else the view is made anew
on main, by the definition of the branch. The branch is gone then.
"""


def add_parser(subparsers: Any) -> None:
    """Add ``merge`` to the subcommands."""
    parser = subparsers.add_parser(
        "merge",
        help="make what a branch has of views that of main",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("branch", metavar="BRANCH", help="the branch of `apply --branch`")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask before it is done")
    sql_target.add_arguments(parser, defaults=False)


def run(args: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    project_server.require_somebody(args)
    if args.branch == MAIN:
        raise InvalidRequest(f"views are merged into {MAIN}; name the branch they come from")
    with project_server.connected(args, args.branch) as server:
        views = views_on(args.branch, server)
    print("\n".join(f"{view} has branch {args.branch}" for view in views), flush=True)
    if not args.yes and not project_server.agreed(f"Merge {len(views)} views?"):
        print("nothing was done")
        return 1
    with project_server.connected(args) as server:
        merge(args.branch, views, server, _report)
    return 0


def _report(done: Merged) -> None:
    how = "made anew, as main has moved" if done.computed else "moved forward"
    rows = "" if done.rows is None else f", {done.rows:,} rows"
    print(f"{done.view} {how}{rows}", flush=True)
