"""The gate: credentials in, an identity and its session out.

The session travels with the client.  A bearer token of ours carries it.  A cookie carries it as
well, for clients that keep one token for good (JDBC) or show a foreign token or a password with
each call; of token and cookie the younger counts.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from flightlake.auth import ANONYMOUS, Grant, Identity, Peer, Session
from flightlake.auth.foreign import ForeignTokens
from flightlake.auth.headers import Basic, Bearer, parse_authorization, read_cookie
from flightlake.auth.jwt import EXPIRED, REFUSED
from flightlake.auth.passwords import Passwords, fingerprint
from flightlake.auth.tokens import Token, Tokens, login_end
from flightlake.auth.users import TOKEN_USER
from flightlake.clock import Clock
from flightlake.errors import FlightlakeError, NotAuthenticated

COOKIE_NAME = "arrow_flight_session_id"

Attempt = Callable[[str, bool, str | None, str], None]
"""Called for each login: method, accepted, subject (None if unknown), address of the peer."""

_LOGIN = timedelta(days=30)  # how long a password login can be renewed
_ANONYMOUS = Identity(ANONYMOUS, frozenset(), ANONYMOUS)
_NO_CREDENTIALS = "no credentials were sent; send a user name and password, or a bearer token"
_PLAINTEXT = (
    "credentials are not accepted over an unencrypted connection; connect with TLS (grpc+tls://)"
)
_NO_PASSWORDS = "this server does not accept passwords; use a bearer token"
_SESSION_OVER = "the session has expired; connect again"


@dataclass(frozen=True, slots=True)
class _Login:
    """Who showed what; *token* is None where it was not a bearer token of ours."""

    identity: Identity
    session: Session
    token: Token | None = None


class CredentialGate:
    """Decides who may pass (``auth.Gate``).

    Args:
        tokens: Issues and verifies our bearer tokens and cookies.
        passwords: Verifies passwords; None refuses them.
        foreign: Verifies the tokens of others; None refuses them.
        anonymous: Let everybody in who shows nothing, as ``anonymous``.
        allow_plaintext: Accept credentials over connections that are not secure.
        keep_tokens: Put a foreign token into ours that is given for it, because catalogs are
            read with it; our token then tells it to whoever holds ours.
        attempt: Told of each login, successful or not.
    """

    def __init__(
        self,
        tokens: Tokens,
        *,
        passwords: Passwords | None = None,
        foreign: ForeignTokens | None = None,
        anonymous: bool = False,
        allow_plaintext: bool = False,
        keep_tokens: bool = False,
        attempt: Attempt = lambda method, accepted, subject, peer: None,
        clock: Clock,
    ) -> None:
        self._tokens = tokens
        self._passwords = passwords
        self._foreign = foreign
        self._anonymous = anonymous
        self._allow_plaintext = allow_plaintext
        self._keep_tokens = keep_tokens
        self._attempt = attempt
        self._clock = clock

    def handshake(self, headers: Mapping[str, str], peer: Peer) -> Grant:
        """Exchange credentials for a bearer token of ours, with a new session."""
        login = self._enter(headers, peer)
        session = Session(secrets.token_hex(16))
        return Grant(login.identity, session, (self._bearer(login.identity, session),))

    def authenticate(self, headers: Mapping[str, str], peer: Peer) -> Grant:
        """Return who calls; the headers renew what the client holds, where it is half over."""
        login = self._enter(headers, peer)
        cookie = self._cookie(headers, login)
        session = login.session if cookie is None else cookie.session
        now = self._clock.now()
        renewed: list[tuple[str, str]] = []
        if login.token is None:
            if login.identity.method == "password":
                # A client that follows need not show its password again.
                renewed.append(self._bearer(login.identity, session))
        elif _can_live_longer(login.token) and login.token.is_half_over(now):
            renewed.append(self._bearer(login.identity, session))
        if cookie is not None and cookie.is_half_over(now):
            renewed.append(self._set_cookie(login.identity, session))
        return Grant(login.identity, session, tuple(renewed))

    def with_session(self, grant: Grant, session: Session) -> tuple[tuple[str, str], ...]:
        """Return a bearer token and a cookie that carry *session*.

        Raises:
            InvalidRequest: The session's options are too large to travel.
        """
        return self._bearer(grant.identity, session), self._set_cookie(grant.identity, session)

    def _enter(self, headers: Mapping[str, str], peer: Peer) -> _Login:
        """Return what the credentials are worth, and report the login."""
        method, name = "none", None
        try:
            shown = headers.get("authorization", "").strip()
            if not shown:
                login = self._nobody()
            else:
                if not peer.secure and not self._allow_plaintext:
                    raise NotAuthenticated(_PLAINTEXT)
                credentials = parse_authorization(shown)
                if isinstance(credentials, Basic) and credentials.user == TOKEN_USER:
                    credentials = Bearer(credentials.password)
                if isinstance(credentials, Basic):
                    method, name = "password", credentials.user
                    login = self._by_password(credentials, peer)
                elif self._tokens.is_ours(credentials.token):
                    method = "token"
                    login = self._by_token(credentials.token)
                else:
                    method = "jwt"
                    login = self._by_foreign_token(credentials.token)
        except FlightlakeError:
            self._attempt(method, False, name, peer.address)
            raise
        self._attempt(method, True, login.identity.subject, peer.address)
        return login

    def _nobody(self) -> _Login:
        if not self._anonymous:
            raise NotAuthenticated(_NO_CREDENTIALS)
        return _Login(_ANONYMOUS, _session_of("anonymous"))

    def _by_password(self, credentials: Basic, peer: Peer) -> _Login:
        if self._passwords is None:
            if self._anonymous:  # tools that insist on sending a name and password
                return self._nobody()
            raise NotAuthenticated(_NO_PASSWORDS)
        user = self._passwords.verify(credentials.user, credentials.password, peer.address)
        ends = login_end(self._clock.now(), _LOGIN)
        identity = Identity(user.name, user.roles, "password", ends)
        return _Login(identity, _session_of("password", user.name, peer.address))

    def _by_token(self, text: str) -> _Login:
        token = self._tokens.read_bearer(text)
        identity = token.identity
        if identity.method == "anonymous" and not self._anonymous:
            raise NotAuthenticated(REFUSED)
        if identity.method == "password":
            # A login ends with its user or password, and always has the user's present roles.
            user = self._passwords.user(identity.subject) if self._passwords else None
            if user is None or fingerprint(user) != token.credential:
                raise NotAuthenticated(REFUSED)
            identity = replace(identity, roles=user.roles)
        return _Login(identity, token.session, token)

    def _by_foreign_token(self, text: str) -> _Login:
        if self._foreign is None:
            raise NotAuthenticated(REFUSED)
        identity = self._foreign.verify(text)
        if self._keep_tokens:
            identity = replace(identity, own_token=text)
        return _Login(identity, _session_of("jwt", text))

    def _cookie(self, headers: Mapping[str, str], login: _Login) -> Token | None:
        """Return the cookie, if it is this caller's and no older than the token.

        Raises:
            NotAuthenticated: It is one of ours and has expired: going on without it would run
                statements in another catalog than the client has chosen.
        """
        text = read_cookie(headers.get("cookie", ""), COOKIE_NAME)
        if text is None:
            return None
        try:
            cookie = self._tokens.read_cookie(text)
        except NotAuthenticated as error:
            if error.message == EXPIRED:
                raise NotAuthenticated(_SESSION_OVER) from None
            return None
        if cookie.identity.subject != login.identity.subject:
            return None
        if login.token is not None and (
            cookie.session.id != login.session.id or cookie.issued_at < login.token.issued_at
        ):
            return None
        return cookie

    def _bearer(self, identity: Identity, session: Session) -> tuple[str, str]:
        credential = ""
        if identity.method == "password":
            user = self._passwords.user(identity.subject) if self._passwords else None
            if user is None:  # removed a moment ago
                raise NotAuthenticated(REFUSED)
            credential = fingerprint(user)
        token = self._tokens.bearer(identity, session, credential=credential)
        return "authorization", f"Bearer {token}"

    def _set_cookie(self, identity: Identity, session: Session) -> tuple[str, str]:
        cookie = self._tokens.cookie(identity, session)
        return "set-cookie", f"{COOKIE_NAME}={cookie}; Path=/; HttpOnly; SameSite=Strict"


def _session_of(*seed: str) -> Session:
    """Return the session of credentials that carry none: its id follows from them."""
    text = "\0".join(seed).encode("utf-8", "replace")
    return Session(hashlib.sha256(text).hexdigest()[:32])


def _can_live_longer(token: Token) -> bool:
    """Return whether the login outlasts the token, so that renewing it helps."""
    ends = token.identity.expires_at
    return ends is None or ends > token.expires_at
