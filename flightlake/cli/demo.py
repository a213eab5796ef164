"""``flightlake demo``: a small lakehouse, served, with a query and the way to connect."""

import argparse
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console

from flightlake.cli import sql_target
from flightlake.cli.project_server import AdbcServer
from flightlake.cli.sql_table import draw
from flightlake.clock import SystemClock
from flightlake.demo import connections, examples, inventory_views, lakehouse, serving
from flightlake.demo.connections import Door
from flightlake.demo.following import TARGET_LAG, Following
from flightlake.project.server import Server

_DESCRIPTION = """\
Build a small lakehouse in a folder (the inventory of the change-data-capture tutorials, and
TPC-H), serve it with TLS and a user "demo", show a query of each, apply the project
examples/inventory of materialized views, and stay up until Ctrl-C. A few orders come in
meanwhile, and the views follow.

The folder is used again the next time.
"""
_COMING = (
    "\n{}, written to the lakehouse by pyiceberg and not through the server; gold follows by"
    f"\nitself, with a target lag of {TARGET_LAG} seconds:\n"
)
_LOOK_AGAIN = 0.2  # seconds


def add_parser(subparsers: Any) -> None:
    """Add ``demo`` to the subcommands."""
    parser = subparsers.add_parser(
        "demo",
        help="build a small lakehouse, serve it, and show how to connect",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--directory",
        type=Path,
        default=Path("demo-lakehouse"),
        metavar="DIR",
        help="where the lakehouse is, or is to be built (default: ./demo-lakehouse)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=31337,
        help="port of the server on 127.0.0.1, 0 for any (default 31337)",
    )
    parser.add_argument(
        "--scale",
        type=_scale,
        default=0.1,
        metavar="N",
        help="TPC-H scale: 1 is 6 million order lines (default 0.1); another one builds anew",
    )
    parser.add_argument(
        "--check", action="store_true", help="end after the queries instead of staying up"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command until Ctrl-C or SIGTERM; return its exit code."""
    # While it builds, SIGTERM ends it like Ctrl-C; a half-built folder is built anew next time.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with lakehouse.locked(args.directory) as directory:
        _show(_prepared(directory, args.scale), args.port, stay=not args.check)
    return 0


def _prepared(directory: Path, scale: float) -> lakehouse.Lakehouse:
    found = lakehouse.find(directory)
    if found is not None and found.scale == scale:
        print(f"The lakehouse in {directory} is used again.")
        return found
    began = time.monotonic()
    console = Console(stderr=True, highlight=False)
    with console.status("building a lakehouse") as status:
        built = lakehouse.build(directory, scale, lambda what: status.update(what))
    print(f"A lakehouse was built in {directory} in {time.monotonic() - began:.1f} s.")
    return built


def _show(built: lakehouse.Lakehouse, port: int, *, stay: bool) -> None:
    server, door = serving.start(built, port)
    try:
        for example in examples.EXAMPLES:
            print(f"\n{example.title}\n")
            draw(examples.ask(door, example.sql), sys.stdout)
        with _asked(door) as asked:
            print(f"\n{inventory_views.apply(asked)}")
            print(f"\n{inventory_views.GOLD.title}\n")
            draw(pa.Table.from_pylist(asked.query(inventory_views.GOLD.sql)), sys.stdout)
            if stay:
                _print_doors(door)
                _wait(Following(built, asked, SystemClock()))
                print("\nstopping")
            else:
                _print_orders(Following(built, asked, SystemClock(), count=1))
                _print_doors(door)
    finally:
        server.stop()


@contextmanager
def _asked(door: Door) -> Iterator[Server]:
    target = sql_target.Target(door.location, door.user, door.password, insecure=True)
    connection = sql_target.connect(target)
    try:
        yield AdbcServer(connection)
    finally:
        connection.close()


def _print_orders(following: Following) -> None:
    pause = threading.Event()
    print(_COMING.format("An order comes in"), flush=True)
    for line in following.through(lambda: pause.wait(_LOOK_AGAIN)):
        print(f"  {line}")


def _wait(following: Following) -> None:
    """Wait for Ctrl-C or SIGTERM, while orders come in."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    print("\nThe server stays up until Ctrl-C.", flush=True)
    print(_COMING.format(f"{following.count} orders come in"), flush=True)
    while not stop.wait(_LOOK_AGAIN):  # without end, it would miss a signal given to a thread
        if following.over:
            continue
        line = following.step()
        if line is not None:
            print(f"  {line}", flush=True)


def _print_doors(door: Door) -> None:
    print(f"\nflightlake serves this lakehouse at {door.location}")
    print(f"to user {door.user}, password {door.password}; the certificate is self-signed.")
    for name, text in (
        ("A prompt", connections.command_line(door)),
        ("JDBC (DBeaver, Tableau, …)", connections.jdbc(door)),
        ("Superset", connections.superset(door)),
        ("Python, with pip install adbc-driver-flightsql", connections.adbc(door)),
    ):
        print(f"\n{name}:\n\n" + textwrap.indent(text, "    "))


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65534:
        raise argparse.ArgumentTypeError(f"{text} is not a port, 0 to 65534")
    return int(text)


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0
    if not 0 < scale <= 100:
        raise argparse.ArgumentTypeError(f"{text} is not a scale above 0 and at most 100")
    return scale
