"""The headers that carry credentials and sessions: ``authorization`` and ``cookie``."""

import base64
import binascii
import re
from dataclasses import dataclass, field

from flightlake.errors import NotAuthenticated

_UNREADABLE = (
    "the authorization header cannot be understood; send `Basic` with base64 of user:password,"
    " or `Bearer` with a token"
)
_MAX_HEADER = 32 * 1024  # characters
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, 2.1


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name and a password (RFC 7617)."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bearer:
    """A bearer token (RFC 6750)."""

    token: str = field(repr=False)


def parse_authorization(value: str) -> Basic | Bearer:
    """Return the credentials in an ``authorization`` header.

    The base64 of Basic may lack its padding, as ADBC sends it.

    Raises:
        NotAuthenticated: It is neither Basic nor Bearer.
    """
    scheme, _, rest = value.strip().partition(" ")
    rest = rest.strip()
    if len(value) <= _MAX_HEADER:
        if scheme.lower() == "bearer" and _TOKEN.fullmatch(rest):
            return Bearer(rest)
        if scheme.lower() == "basic":
            return _parse_basic(rest)
    raise NotAuthenticated(_UNREADABLE)


def read_cookie(header: str, name: str) -> str | None:
    """Return the value of the cookie *name* in a ``cookie`` header (RFC 6265, 4.2), or None.

    Of several the first counts.  Quotes, which some clients add, are taken off.
    """
    for pair in header.split(";"):
        key, equals, value = pair.strip().partition("=")
        if equals and key.strip() == name:
            return value.strip().strip('"') or None
    return None


def _parse_basic(text: str) -> Basic:
    bare = text.rstrip("=")
    try:
        decoded = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise NotAuthenticated(_UNREADABLE) from None
    user, colon, password = decoded.partition(":")
    if not colon or "\0" in decoded:
        raise NotAuthenticated(_UNREADABLE)
    return Basic(user, password)
