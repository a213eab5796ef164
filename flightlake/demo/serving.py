"""The demo's server: its configuration file, its one user, and how it is started."""

import json
import os
import secrets
from pathlib import Path

from flightlake import app
from flightlake.auth.passwords import hash_password
from flightlake.auth.users import User, UsersFile
from flightlake.config import load
from flightlake.demo.connections import Door
from flightlake.demo.lakehouse import CATALOG, Lakehouse

USER = "demo"
_ROLES = frozenset({"writer"})  # who may make views


def configuration(lakehouse: Lakehouse, port: int) -> Path:
    """Write the server's ``flightlake.toml``, also for ``flightlake serve``; return where.

    *port* 0 takes any free port; the management port is the one after it, or also any.
    """
    file = lakehouse.server / "flightlake.toml"
    file.write_text(
        f"""\
# Written by `flightlake demo` at each start.
[server]
host = "127.0.0.1"
port = {port}

[management]
port = {port + 1 if port else 0}

[state]
directory = "state"

[auth]
users_file = "users.toml"

[catalogs.{CATALOG}]
type = "sql"
uri = {json.dumps(lakehouse.uri)}
warehouse = {json.dumps(lakehouse.warehouse)}
writable = true

[logging]
level = "WARNING"
""",
        encoding="utf-8",
    )
    return file


def password(lakehouse: Lakehouse) -> str:
    """Return the demo user's password, made at the first start and kept for the owner's eyes."""
    users = UsersFile(lakehouse.server / "users.toml")
    file = lakehouse.server / "password"
    known = users.get(USER)
    if known is not None and known.roles != _ROLES:  # made by an earlier version
        users.remove(USER)
        known = None
    if known is not None and file.exists():
        return file.read_text("ascii").strip()
    fresh = secrets.token_urlsafe(12)
    # In this order, a kill at any point leaves a password that is made anew, not a wrong one.
    file.unlink(missing_ok=True)
    if known is None:
        users.add(User(USER, hash_password(fresh), _ROLES))
    else:
        users.set_password(USER, hash_password(fresh))
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as opened:
        opened.write(fresh + "\n")
    return fresh


def start(lakehouse: Lakehouse, port: int) -> tuple[app.App, Door]:
    """Start the server on the lakehouse; return it and the way in.

    Raises:
        FlightlakeError: It cannot start, for instance because the port is taken.
    """
    lakehouse.server.mkdir(mode=0o700, exist_ok=True)
    secret = password(lakehouse)
    server = app.build(load(configuration(lakehouse, port), {}))
    server.start()
    return server, Door(server.location, USER, secret)
