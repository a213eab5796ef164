"""The tokens flightlake issues: bearer tokens, and cookies that carry a session.

Both are signed with the key ring, so any process of the server accepts what another issued.
Their ``typ`` headers differ, so that a cookie is never taken for a credential.
"""

import hashlib
import json
import math
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flightlake.auth import Identity, OptionValue, Session
from flightlake.auth.jwt import EXPIRED, REFUSED, header_of, moment, sign, verified_claims
from flightlake.auth.keys import KeyRing
from flightlake.clock import Clock
from flightlake.errors import InvalidRequest, NotAuthenticated

BEARER = "flightlake+jwt"
COOKIE = "flightlake-session+jwt"
COOKIE_LIFETIME = timedelta(hours=24)

_METHODS = ("password", "token", "jwt", "anonymous")
_REMEMBERED = 4096  # tokens whose signature need not be verified again
_MAX_OPTIONS = 4096  # bytes of JSON: a header of gRPC holds about 8 KiB in all
_MAX_OWN_TOKEN = 4096  # likewise; who has a longer one shows it with each call


@dataclass(frozen=True, slots=True)
class Token:
    """A verified token of ours.

    ``identity.expires_at`` is when the *login* ends, however often the token is renewed;
    ``expires_at`` is when this token does.  ``credential`` is a fingerprint of the password
    hash that the login was made with, empty for other methods.
    """

    identity: Identity
    session: Session
    issued_at: datetime
    expires_at: datetime
    credential: str = ""

    def is_half_over(self, now: datetime) -> bool:
        """Return whether more than half of the token's life is over."""
        return now - self.issued_at > (self.expires_at - self.issued_at) / 2


class Tokens:
    """Issues and verifies our tokens.  Thread-safe.

    Args:
        keys: Signs them; its retention must be at least *lifetime* and ``COOKIE_LIFETIME``.
        issuer: The ``iss`` claim, the same in all processes of a server.
        audience: The ``aud`` claim, likewise.
        lifetime: Of a bearer token.
    """

    def __init__(
        self, keys: KeyRing, *, issuer: str, audience: str, lifetime: timedelta, clock: Clock
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._lifetime = lifetime
        self._clock = clock
        self._read_before: OrderedDict[bytes, tuple[str, Token]] = OrderedDict()
        self._lock = threading.Lock()

    def bearer(
        self, identity: Identity, session: Session, *, credential: str = "", whole: bool = False
    ) -> str:
        """Return a bearer token.

        It ends after the normal lifetime or when the login ends, whichever is earlier; with
        *whole* it lives as long as the login.

        Raises:
            InvalidRequest: The session's options are too large to travel.
        """
        expires_at = self._clock.now() + self._lifetime
        if identity.expires_at is not None:
            expires_at = identity.expires_at if whole else min(expires_at, identity.expires_at)
        return self._issue(BEARER, identity, session, expires_at, credential)

    def cookie(self, identity: Identity, session: Session) -> str:
        """Return *session* as a cookie value that only *identity* can use.

        Raises:
            InvalidRequest: The session's options are too large to travel.
        """
        return self._issue(COOKIE, identity, session, self._clock.now() + COOKIE_LIFETIME, "")

    def read_bearer(self, token: str) -> Token:
        """Return what a bearer token says.

        Raises:
            NotAuthenticated: It is not one of ours, or has expired.
        """
        return self._read(token, BEARER)

    def read_cookie(self, token: str) -> Token:
        """Return what a cookie says.

        Raises:
            NotAuthenticated: It is not one of ours, or has expired (the message is ``EXPIRED``).
        """
        return self._read(token, COOKIE)

    def _issue(
        self, typ: str, identity: Identity, session: Session, expires_at: datetime, credential: str
    ) -> str:
        claims: dict[str, object] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": identity.subject,
            "roles": sorted(identity.roles) if typ == BEARER else [],
            "iat": self._clock.now().timestamp(),
            "exp": math.ceil(expires_at.timestamp()),
            "jti": secrets.token_hex(8),
            "sid": session.id,
            "method": identity.method,
        }
        if session.options:
            claims["options"] = dict(session.options)
            if len(json.dumps(claims["options"])) > _MAX_OPTIONS:
                raise InvalidRequest(
                    f"the session options take more than {_MAX_OPTIONS} bytes; make them shorter"
                )
        if identity.expires_at is not None:
            claims["end"] = identity.expires_at.timestamp()
        own = identity.own_token
        if typ == BEARER and own is not None and len(own) <= _MAX_OWN_TOKEN:
            claims["own"] = own
        if credential:
            claims["credential"] = credential
        key = self._keys.signing_key(expires_at)
        return sign(claims, key.secret, key_id=key.id, typ=typ)

    def is_ours(self, token: str) -> bool:
        """Return whether *token* claims to be a bearer token of a flightlake server.

        Raises:
            NotAuthenticated: It is no token at all.
        """
        return _mark(token, BEARER) in self._read_before or header_of(token).get("typ") == BEARER

    def _read(self, token: str, typ: str) -> Token:
        mark = _mark(token, typ)
        key_id, read = self._read_before.get(mark) or self._verify(token, typ)
        if self._keys.by_id(key_id) is None:  # revoked since
            raise NotAuthenticated(REFUSED)
        if self._clock.now() >= read.expires_at:
            raise NotAuthenticated(EXPIRED)
        with self._lock:
            self._read_before[mark] = key_id, read
            self._read_before.move_to_end(mark)
            while len(self._read_before) > _REMEMBERED:
                self._read_before.popitem(last=False)
        return read

    def _verify(self, token: str, typ: str) -> tuple[str, Token]:
        header = header_of(token)
        key_id = header.get("kid")
        key = self._keys.by_id(key_id) if isinstance(key_id, str) else None
        if key is None or header.get("typ") != typ:
            raise NotAuthenticated(REFUSED)
        claims = verified_claims(token, key.secret, "HS256")
        if claims.get("iss") != self._issuer or claims.get("aud") != self._audience:
            raise NotAuthenticated(REFUSED)
        issued_at, expires_at = moment(claims, "iat"), moment(claims, "exp")
        if issued_at is None or expires_at is None:
            raise NotAuthenticated(REFUSED)
        return key.id, Token(
            _identity(claims),
            Session(_text(claims, "sid"), _options(claims)),
            issued_at,
            expires_at,
            _text(claims, "credential") if "credential" in claims else "",
        )


def key_retention(lifetime: timedelta) -> timedelta:
    """Return how long a ring must keep its keys for bearer tokens of *lifetime*."""
    return max(lifetime, COOKIE_LIFETIME)


def login_end(now: datetime, lifetime: timedelta) -> datetime:
    """Return the end of a login of *lifetime* that begins *now*, in whole seconds."""
    return datetime.fromtimestamp(math.ceil((now + lifetime).timestamp()), UTC)


def _mark(token: str, typ: str) -> bytes:
    """Return what a verified token is remembered by: not itself."""
    return hashlib.sha256(f"{typ} {token}".encode("utf-8", "replace")).digest()


def _identity(claims: Mapping[str, Any]) -> Identity:
    roles = claims.get("roles", [])
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise NotAuthenticated(REFUSED)
    method = _text(claims, "method")
    if method not in _METHODS:
        raise NotAuthenticated(REFUSED)
    own = _text(claims, "own") if "own" in claims else None
    return Identity(_text(claims, "sub"), frozenset(roles), method, moment(claims, "end"), own)


def _options(claims: Mapping[str, Any]) -> dict[str, OptionValue]:
    options = claims.get("options", {})
    if not isinstance(options, dict):
        raise NotAuthenticated(REFUSED)
    # JSON has no tuples; the other types of an option are its own.
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise NotAuthenticated(REFUSED)
    return value
