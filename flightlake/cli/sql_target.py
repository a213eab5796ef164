"""Which server ``flightlake sql`` speaks to, as whom, and what its errors mean."""

import argparse
import getpass
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

import adbc_driver_flightsql
import adbc_driver_flightsql.dbapi
import adbc_driver_manager

from flightlake.errors import (
    Conflict,
    FlightlakeError,
    InvalidRequest,
    NotAuthenticated,
    NotReady,
)
from flightlake.project.server import Refused

DEFAULT_URI = "grpc+tls://127.0.0.1:31337"
_SCHEMES = ("grpc", "grpc+tcp", "grpc+tls")
_MESSAGE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """A Flight SQL server and how to sign in; secrets stay out of ``repr``.

    ``ca_file`` is a PEM file of certificates to trust instead of the system's; ``insecure``
    trusts any.
    """

    uri: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    insecure: bool = False
    ca_file: Path | None = None
    catalog: str | None = None
    db_schema: str | None = None


def add_arguments(parser: argparse.ArgumentParser, *, defaults: bool = True) -> None:
    """Add the options that say where to connect and as whom, and, with *defaults*, where names
    begin."""
    group = parser.add_argument_group("server")
    group.add_argument(
        "--uri",
        metavar="URI",
        help="grpc+tls://HOST:PORT, or grpc://HOST:PORT without TLS"
        f" (default: $FLIGHTLAKE_URI, else {DEFAULT_URI})",
    )
    group.add_argument("--user", "-U", metavar="NAME", help="user name (default: $FLIGHTLAKE_USER)")
    group.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the password (with --token: the token) from the first line of standard input;"
        " else it is $FLIGHTLAKE_PASSWORD, or asked for",
    )
    group.add_argument(
        "--token",
        action="store_true",
        help="sign in with a bearer token, $FLIGHTLAKE_TOKEN or asked for, instead of a password",
    )
    group.add_argument(
        "--insecure", action="store_true", help="accept any certificate, as a self-signed one"
    )
    group.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="accept certificates signed by these (PEM)"
    )
    if not defaults:
        parser.set_defaults(catalog=None, schema=None)
        return
    group.add_argument("--catalog", metavar="NAME", help="catalog for names without one")
    group.add_argument("--schema", metavar="NAME", help="schema for names without one")


def from_arguments(
    args: argparse.Namespace, environment: Mapping[str, str], stdin: TextIO
) -> Target:
    """Return the target that the options and the environment name.

    Raises:
        InvalidRequest: The address is not one of a Flight server.
        NotAuthenticated: A password or token is needed and nowhere to be had.
    """
    uri = args.uri or environment.get("FLIGHTLAKE_URI") or DEFAULT_URI
    parts = urlsplit(uri)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise InvalidRequest(f"{uri} is not an address such as grpc+tls://localhost:31337")
    user = args.user or environment.get("FLIGHTLAKE_USER") or None
    password = token = None
    if args.token:
        token = _secret("token", "FLIGHTLAKE_TOKEN", args.password_stdin, environment, stdin)
    elif user is not None:
        password = _secret(
            "password", "FLIGHTLAKE_PASSWORD", args.password_stdin, environment, stdin
        )
    elif args.password_stdin:
        raise InvalidRequest("--password-stdin needs --user NAME or --token")
    return Target(
        uri=uri,
        user=None if args.token else user,
        password=password,
        token=token,
        insecure=args.insecure,
        ca_file=args.ca_file,
        catalog=args.catalog,
        db_schema=args.schema,
    )


def _secret(
    what: str, variable: str, from_stdin: bool, environment: Mapping[str, str], stdin: TextIO
) -> str:
    if from_stdin:
        secret = stdin.readline().rstrip("\r\n")
        if not secret:
            raise NotAuthenticated(f"standard input holds no {what}")
        return secret
    if variable in environment:
        return environment[variable]
    if stdin.isatty():
        return getpass.getpass(f"{what.capitalize()}: ")
    raise NotAuthenticated(f"no {what} given: set {variable}, or use --password-stdin")


def connect(target: Target) -> Any:
    """Return an ADBC connection (``adbc_driver_manager.dbapi.Connection``); blocking.

    The server is spoken to only if there are credentials, a catalog or a schema to give it.

    Raises:
        FlightlakeError: No connection; the message says why and what to change.
    """
    options = adbc_driver_flightsql.DatabaseOptions
    database = {options.WITH_MAX_MSG_SIZE.value: str(_MESSAGE_BYTES)}
    if target.token is not None:
        database[options.AUTHORIZATION_HEADER.value] = f"Bearer {target.token}"
    elif target.user is not None:
        database["username"] = target.user
        database["password"] = target.password or ""
    if target.insecure:
        database[options.TLS_SKIP_VERIFY.value] = "true"
    elif target.ca_file is not None:
        try:
            database[options.TLS_ROOT_CERTS.value] = target.ca_file.read_text()
        except (OSError, UnicodeDecodeError):
            raise InvalidRequest(f"--ca-file {target.ca_file} cannot be read") from None
    try:
        connection = adbc_driver_flightsql.dbapi.connect(
            target.uri, db_kwargs=database, autocommit=True
        )
    except adbc_driver_manager.Error as error:
        raise explained(error) from error
    try:
        if target.catalog is not None:
            connection.adbc_current_catalog = target.catalog
        if target.db_schema is not None:
            connection.adbc_current_db_schema = target.db_schema
    except adbc_driver_manager.Error as error:
        connection.close()
        raise explained(error) from error
    return connection


_FRAME = re.compile(
    r"^(?:[A-Z_]+: )?(?:\[Flight ?SQL\] )?(?P<message>.*?)"
    r"(?: \((?P<code>[A-Za-z]+); [A-Za-z]+(?:: [^()]*)?\))?(?:\. Vendor code: \d+)?$",
    re.DOTALL,
)

_REFUSALS = (
    "InvalidArgument", "NotFound", "AlreadyExists", "PermissionDenied", "FailedPrecondition",
    "Unimplemented",
)  # fmt: skip
"""gRPC codes that blame the statement."""


def explained(error: Exception) -> FlightlakeError:
    """Return a driver's error as one sentence, without the driver's own framing."""
    framed = _FRAME.match(str(error))
    message = framed["message"] if framed else str(error)
    message = " ".join(message.split())
    if "failed to verify certificate" in message:
        reason = message.rpartition("x509: ")[2].rstrip('"')
        return NotReady(
            f"the server's certificate is not trusted ({reason}):"
            " give --ca-file FILE, or --insecure to accept any certificate"
        )
    if "first record does not look like a TLS handshake" in message:
        return NotReady("the server does not speak TLS: use grpc://HOST:PORT")
    if "error reading server preface" in message:
        return NotReady("the server speaks TLS, or something else: use grpc+tls://HOST:PORT")
    dialing = re.search(r"[Ee]rror while dialing: (?:dial tcp )?(.*?)\"?$", message)
    if dialing:
        return NotReady(f"no connection to the server: {dialing[1]}")
    if "produced zero addresses" in message:
        return NotReady("no connection to the server: its host name is not known")
    if framed and framed["code"] in _REFUSALS:
        return Refused(message)
    if framed and framed["code"] == "Aborted":
        return Conflict(message)
    return FlightlakeError(message or type(error).__name__)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether somebody looks at *stream*."""
    return stream is not None and stream.isatty()


def environment() -> tuple[Mapping[str, str], TextIO]:
    """Return the process's own environment and standard input."""
    return os.environ, sys.stdin
