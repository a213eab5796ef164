"""``flightlake token``: issue a bearer token, signed with the server's keys."""

import argparse
from datetime import timedelta
from pathlib import Path
from typing import Any

from flightlake.errors import InvalidRequest

_LONGEST = timedelta(days=366)

_DESCRIPTION = """\
Issue a bearer token for a program or a tool, signed with the keys in the state directory.

The token is printed on standard output, and kept nowhere. It ends by itself after its lifetime.
To revoke it earlier, remove the key file in STATE/keys that signed it; this ends all tokens
signed with that key.
"""

_EXAMPLES = """\
examples:
  flightlake token --config flightlake.toml --subject etl --roles writer --lifetime 30d
  Then, for a tool with boxes for user and password: user `token`, password the token.
"""


def add_parser(subparsers: Any) -> None:
    """Add ``token`` to the subcommands."""
    parser = subparsers.add_parser(
        "token",
        help="issue a bearer token",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the server's configuration: state directory, issuer and audience are taken from it",
    )
    parser.add_argument("--subject", required=True, metavar="NAME", help="who the token is for")
    parser.add_argument("--roles", default="", metavar="A,B", help="their roles, with commas")
    parser.add_argument(
        "--lifetime", metavar="TIME", help='such as 8h or 30d (default: auth.token_lifetime, "1h")'
    )


def run(args: argparse.Namespace) -> int:
    """Run the command; return its exit code."""
    import secrets

    from flightlake.auth import Identity, Session
    from flightlake.auth.keys import KeyRing
    from flightlake.auth.tokens import Tokens, key_retention, login_end
    from flightlake.clock import SystemClock
    from flightlake.config import load

    settings = load(args.config, to_serve=False)
    if not args.subject.strip() or not args.subject.isprintable() or len(args.subject) > 256:
        raise InvalidRequest("--subject must be a name of at most 256 printable characters")
    lifetime = _lifetime(args.lifetime, settings.auth.token_lifetime)
    directory = settings.state.directory / "keys"
    if args.config is None and not directory.is_dir():
        raise InvalidRequest(
            f"{settings.state.directory} has no signing keys; give --config with the server's file"
        )
    clock = SystemClock()
    keys = KeyRing(
        directory,
        rotation=settings.auth.key_rotation,
        retention=key_retention(settings.auth.token_lifetime),
        clock=clock,
    )
    tokens = Tokens(
        keys,
        issuer=settings.auth.issuer,
        audience=settings.auth.audience,
        lifetime=settings.auth.token_lifetime,
        clock=clock,
    )
    roles = frozenset(role.strip() for role in args.roles.split(",") if role.strip())
    identity = Identity(args.subject, roles, "token", login_end(clock.now(), lifetime))
    print(tokens.bearer(identity, Session(secrets.token_hex(16)), whole=True))
    return 0


def _lifetime(text: str | None, usual: timedelta) -> timedelta:
    from flightlake.config.values import parse_duration

    if text is None:
        return usual
    try:
        lifetime = parse_duration(text)
    except ValueError as error:
        raise InvalidRequest(f"--lifetime: {error}") from None
    if not timedelta(seconds=1) <= lifetime <= _LONGEST:
        raise InvalidRequest("--lifetime must be between 1s and 366d")
    return lifetime
