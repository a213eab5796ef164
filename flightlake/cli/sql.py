"""``flightlake sql``: run statements against any Flight SQL server."""

import argparse
import sys
from pathlib import Path
from typing import Any, TextIO

from flightlake.cli import sql_prompt, sql_target
from flightlake.cli.sql_output import FORMATS, write
from flightlake.cli.sql_progress import Progress
from flightlake.cli.sql_script import whole
from flightlake.cli.sql_statement import Statement
from flightlake.errors import Cancelled, InvalidRequest

_DESCRIPTION = """\
Run SQL statements against any Flight SQL server and show what they return.

Statements come from the command line, from a file (-f), or from standard input. With none of
these, in a terminal, an interactive prompt starts.
"""

_EXAMPLES = """\
examples:
  flightlake sql --insecure -U demo 'SELECT count(*) FROM tpch.lineitem'
  flightlake sql --uri grpc://localhost:31337 -f report.sql --format csv > report.csv
  echo 'SELECT 1; SELECT 2' | flightlake sql --uri grpc+tls://lake.example:31337 --format json
"""


def add_parser(subparsers: Any) -> None:
    """Add ``sql`` to the subcommands."""
    parser = subparsers.add_parser(
        "sql",
        help="run SQL against a Flight SQL server",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("statement", nargs="?", help="one or several statements, with ; between")
    parser.add_argument("-f", "--file", type=Path, metavar="FILE", help="read statements from FILE")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        help="table (default); csv; json: one object per line; arrow: an Arrow IPC stream",
    )
    parser.add_argument(
        "--limit",
        type=_limit,
        default=1000,
        metavar="N",
        help="rows of a table to show, 0 for all (default 1000); other formats always hold all",
    )
    sql_target.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    environment, stdin = sql_target.environment()
    target = sql_target.from_arguments(args, environment, stdin)
    script = _script(args, stdin)
    # The driver closes what a broken connection left open once more when it is collected, and
    # Python would print the traceback of that behind our own message.
    sys.unraisablehook = lambda unraisable: None
    connection = sql_target.connect(target)
    try:
        if script is None:
            return sql_prompt.run(connection, target.uri, args.format, args.limit)
        _run_all(connection, script, args)
    except Cancelled:
        print("flightlake: cancelled", file=sys.stderr)
        return 130
    finally:
        connection.close()
    return 0


def _run_all(connection: Any, script: str, args: argparse.Namespace) -> None:
    statements = whole(script)
    if not statements:
        raise InvalidRequest("there is no statement to run")
    if args.format == "arrow" and len(statements) > 1:
        raise InvalidRequest("--format arrow holds one result: give one statement")
    for sql in statements:
        with (
            Progress(sys.stderr, shares_terminal=args.format != "table") as progress,
            Statement(connection, sql, progress.tick) as statement,
        ):
            write(statement, args.format, args.limit, sys.stdout)
        sys.stdout.flush()


def _script(args: argparse.Namespace, stdin: TextIO) -> str | None:
    """Return the statements' text, or None for the prompt."""
    if args.statement is not None and args.file is not None:
        raise InvalidRequest("give a statement or -f FILE, not both")
    if args.statement is not None:
        return str(args.statement)
    if args.file is not None:
        try:
            return str(args.file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            raise InvalidRequest(f"{args.file} cannot be read as UTF-8 text") from None
    if stdin.isatty() and not args.password_stdin:
        return None
    return stdin.read()


def _limit(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a number of rows, 0 or more")
    return int(text)
