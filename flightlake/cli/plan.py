"""``flightlake plan``: what a project would change on a server."""

import argparse
import json
import sys
from typing import Any

from flightlake.cli import project_server
from flightlake.project.planning import plan
from flightlake.project.problems import ProblemsFound
from flightlake.project.telling import plan_document, plan_lines, problems_document

CHANGES = 3
"""The exit code of ``--exit-code`` if there is something to do."""

_DESCRIPTION = """\
Show what `flightlake apply` would do: which materialized views of a project's folder are new,
which mean something else than those on the server, which are refreshed as they read others that
change, and how large they are. Nothing is changed. What is wrong with the project is told all at
once, with file and line.

A view is a file catalog/schema/name.sql: one query, with settings in the comment at its top.
"""
_EPILOG = f"""\
exit codes: 0 done; 1 something is wrong with the project, or the server cannot be asked; 2 wrong
usage; {CHANGES}, with --exit-code, there is something to do.
"""


def add_parser(subparsers: Any) -> None:
    """Add ``plan`` to the subcommands."""
    parser = subparsers.add_parser(
        "plan",
        help="show what a project of views would change",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--exit-code", action="store_true", help=f"end with {CHANGES} if there is something to do"
    )
    project_server.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    project = project_server.project(args)
    try:
        with project_server.connected(args, args.branch) as server:
            _, made = plan(project, server, args.prune, args.branch)
    except ProblemsFound as wrong:
        if args.json:
            print(json.dumps(problems_document(project.name, wrong.problems), indent=2))
        else:
            report(wrong)
        return 1
    if args.json:
        print(json.dumps(plan_document(made), indent=2))
    else:
        print("\n".join(plan_lines(made)))
    return CHANGES if args.exit_code and made.to_do else 0


def report(wrong: ProblemsFound) -> None:
    """Print what is wrong with a project."""
    for problem in wrong.problems:
        print(problem, file=sys.stderr)
    print(f"flightlake: {wrong.message}", file=sys.stderr)
