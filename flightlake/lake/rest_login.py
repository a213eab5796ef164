"""How a REST catalog is logged in to: with nothing, a fixed token, or client credentials.

A token of client credentials is renewed before it expires, by one thread while the others go on
with the old one, and when the catalog refuses it, however long it should have lived; the refused
request is then sent once more.  The token endpoint is the configured one: what a catalog says of
it later does not choose where the secret goes.

Source: RFC 6749, section 4.4; Iceberg REST catalog OpenAPI specification, ``OAuth2``.
"""

import base64
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import requests
from pyiceberg.exceptions import OAuthError
from requests.auth import AuthBase
from requests.hooks import default_hooks

from flightlake.clock import Clock

_EXPIRED = (401, 419)
_MARGIN = timedelta(seconds=60)
_SHARE = 0.25
"""A token is renewed a minute before its end, or when this share of its life is left."""
_OPTIONAL = ("scope", "audience", "resource")


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Who the server is to the token endpoint at *uri*; *more* are further fields to send."""

    uri: str
    client_id: str
    secret: str = field(repr=False)
    more: Mapping[str, str] = field(default_factory=dict)


def client_credentials(properties: Mapping[str, str]) -> ClientCredentials | None:
    """Return the client credentials in a catalog's *properties*, or None if there are none.

    They are ``credential`` (``id:secret``), ``oauth2-server-uri`` (else the catalog's own
    ``v1/oauth/tokens``), ``scope`` (else ``catalog``, and none if it is empty: Keycloak refuses
    scopes that it does not know), ``audience`` and ``resource``.
    """
    if not properties.get("credential"):
        return None
    client_id, colon, secret = properties["credential"].partition(":")
    if not colon:
        client_id, secret = "", client_id
    own = f"{properties['uri'].rstrip('/')}/v1/oauth/tokens"
    asked = {"scope": "catalog", **properties}
    more = {name: asked[name] for name in _OPTIONAL if asked.get(name)}
    where = properties.get("oauth2-server-uri") or own
    return ClientCredentials(where, client_id, secret, more)


class NoLogin(AuthBase):
    """Sends no credentials, whatever lies in the machine's ``.netrc``."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class FixedToken(AuthBase):
    """Sends a token that is somebody else's to renew."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass(frozen=True, slots=True)
class _Token:
    """A token, and the moments (monotonic seconds) from which it is renewed, and does not hold."""

    text: str
    renew_at: float
    ends_at: float


class RenewedToken(AuthBase):
    """Sends a token of client credentials.  Thread-safe.

    Args:
        login: For whom.
        session: Makes sessions to the token endpoint, with timeouts, without credentials.
        clock: The time.
    """

    def __init__(
        self, login: ClientCredentials, session: Callable[[], requests.Session], clock: Clock
    ) -> None:
        self._login = login
        self._session = session
        self._clock = clock
        self._token: _Token | None = None
        self._renewing = threading.Lock()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = self._current()
        request.headers["Authorization"] = f"Bearer {token.text}"

        def answered(response: requests.Response, **options: Any) -> requests.Response:
            if response.status_code not in _EXPIRED:
                return response
            return self._once_more(response, token, options)

        request.register_hook("response", answered)
        return request

    def _current(self) -> _Token:
        token, now = self._token, self._clock.monotonic()
        if token is not None and now < token.renew_at:
            return token
        if token is not None and now < token.ends_at:
            if not self._renewing.acquire(blocking=False):
                return token  # which holds a while yet, and somebody is at it
            try:
                return self._fetched()
            except (requests.RequestException, OAuthError):
                return token
            finally:
                self._renewing.release()
        return self._instead_of(token)

    def _instead_of(self, old: _Token | None) -> _Token:
        """Return a token other than *old*: that of whoever was here first, or a new one."""
        with self._renewing:
            if self._token is not None and self._token is not old:
                return self._token
            return self._fetched()

    def _once_more(
        self, refused: requests.Response, token: _Token, options: Mapping[str, Any]
    ) -> requests.Response:
        refused.content  # noqa: B018 - read to its end, the connection can be used again
        refused.close()
        again = refused.request.copy()
        again.hooks = default_hooks()
        again.headers["Authorization"] = f"Bearer {self._instead_of(token).text}"
        answer: requests.Response = refused.connection.send(again, **options)
        answer.history.append(refused)
        answer.request = again
        return answer

    def _fetched(self) -> _Token:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._login.client_id,
            "client_secret": self._login.secret,
            **self._login.more,
        }
        with self._session() as session:
            response = session.post(self._login.uri, data=form, allow_redirects=False)
        if 400 <= response.status_code < 500:
            raise OAuthError(f"the token endpoint answers {response.status_code}")
        response.raise_for_status()
        self._token = _token(response.json(), self._clock.monotonic())
        return self._token


def _token(answer: Mapping[str, Any], now: float) -> _Token:
    """Return the token in the *answer* of a token endpoint (RFC 6749, 5.1), which came *now*.

    Raises:
        ValueError: There is none.
    """
    text = answer.get("access_token") if isinstance(answer, Mapping) else None
    if not isinstance(text, str) or not text:
        raise ValueError("the answer has no access_token")
    lives = answer.get("expires_in", _life(text))
    if isinstance(lives, str) and lives.isdecimal():
        lives = int(lives)
    if not isinstance(lives, int | float):
        return _Token(text, float("inf"), float("inf"))  # until it is refused
    margin = min(_MARGIN.total_seconds(), _SHARE * lives)
    return _Token(text, now + lives - margin, now + lives)


def _life(token: str) -> float | None:
    """Return the seconds from issue to expiry in a JWT, or None if it is none; nobody checks."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
        return float(claims["exp"]) - float(claims["iat"])
    except (ValueError, KeyError, TypeError):
        return None
