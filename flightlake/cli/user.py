"""``flightlake user``: the users who log in with a password."""

import argparse
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flightlake.errors import AlreadyExists, InvalidRequest, NotFound

if TYPE_CHECKING:
    from flightlake.auth.users import UsersFile

_DESCRIPTION = """\
Add, remove and list the users who log in with a password, and change passwords.

The users file is given by --users-file, or by `auth.users_file` in the file given by --config.
It is made when the first user is added. A running server sees changes at once: tokens of a
removed user, or of one with a new password, end.
"""


def add_parser(subparsers: Any) -> None:
    """Add ``user`` to the subcommands."""
    parser = subparsers.add_parser(
        "user",
        help="add, remove and list users",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="add a user; asks for the password")
    add.add_argument("name", metavar="NAME")
    add.add_argument(
        "--role", action="append", default=[], metavar="ROLE", help="may be given several times"
    )
    passwd = actions.add_parser("passwd", help="change a password")
    passwd.add_argument("name", metavar="NAME")
    for asking in (add, passwd):
        asking.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password from the first line of standard input",
        )
    remove = actions.add_parser("remove", help="remove a user")
    remove.add_argument("name", metavar="NAME")
    listing = actions.add_parser("list", help="list users and their roles")
    for action in (add, passwd, remove, listing):
        where = action.add_mutually_exclusive_group()
        where.add_argument("--users-file", type=Path, metavar="FILE")
        where.add_argument("--config", type=Path, metavar="FILE")


def run(args: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    from flightlake.auth.passwords import hash_password
    from flightlake.auth.users import User, check_name

    users = _users_file(args)
    match args.action:
        case "add":
            check_name(args.name)
            if users.get(args.name) is not None:  # before anybody thinks of a password
                raise AlreadyExists(
                    f"there is a user {args.name!r} already; use `flightlake user passwd`"
                )
            hashed = hash_password(_password(args))
            users.add(User(args.name, hashed, frozenset(args.role)))
        case "passwd":
            if users.get(args.name) is None:
                raise NotFound(f"there is no user {args.name!r}; use `flightlake user add`")
            users.set_password(args.name, hash_password(_password(args)))
        case "remove":
            users.remove(args.name)
        case _:
            for user in users.all():
                print(user.name, ",".join(sorted(user.roles)), sep="\t")
    return 0


def _users_file(args: argparse.Namespace) -> "UsersFile":
    from flightlake.auth.users import UsersFile

    path: Path | None = args.users_file
    if path is None:
        from flightlake.config import load

        path = load(args.config, to_serve=False).auth.users_file
    if path is None:
        raise InvalidRequest(
            "which users file? Give --users-file, or --config with `users_file` in [auth]"
        )
    if not path.parent.is_dir():
        raise InvalidRequest(f"the directory {path.parent} does not exist")
    return UsersFile(path)


def _password(args: argparse.Namespace) -> str:
    if args.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InvalidRequest("there is no terminal to ask for the password; use --password-stdin")
    password = getpass.getpass(f"password of {args.name}: ")
    if getpass.getpass("once more: ") != password:
        raise InvalidRequest("the two passwords are not the same")
    return password
