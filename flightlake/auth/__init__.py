"""Who is calling, how that is known, and the session that travels with the credentials."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

ANONYMOUS = "anonymous"
"""The subject, and the method, of callers who show no credentials."""

OptionValue = str | bool | int | float | tuple[str, ...]
"""A session option's value (Flight.proto, ``SessionOptionValue``)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A known caller.  ``method`` says how: ``password``, ``token``, ``jwt``, ``anonymous``.

    ``own_token`` is the token of another issuer that the caller has shown, for catalogs that are
    read with it.
    """

    subject: str
    roles: frozenset[str] = frozenset()
    method: str = "token"
    expires_at: datetime | None = None
    own_token: str | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Session:
    """A client's session: an id, and options such as ``catalog`` and ``schema``.

    It is never kept by the server; it travels signed, in the bearer token or in a cookie.
    """

    id: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grant:
    """What credentials are worth: an identity, its session, and headers to answer with.

    ``headers`` are set on the response (``authorization`` with a fresh bearer token after a
    Handshake, or when the old token is past half its life).
    """

    identity: Identity
    session: Session
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of the connection: ``address`` without port, and whether it is safe.

    ``secure`` is true over TLS and over loopback.
    """

    address: str
    secure: bool


class Gate(Protocol):
    """Decides who may pass.  Thread-safe.  Header names are lower case."""

    def handshake(self, headers: Mapping[str, str], peer: Peer) -> Grant:
        """Exchange Basic or Bearer credentials for a bearer token of ours.

        Raises:
            NotAuthenticated: The credentials do not hold; never says which part was wrong.
            Overloaded: Too many verifications at once, or too many failures.
        """
        ...

    def authenticate(self, headers: Mapping[str, str], peer: Peer) -> Grant:
        """Return who sends *headers* (Basic or Bearer ``authorization``, session ``cookie``).

        Raises:
            NotAuthenticated: No or bad credentials.
        """
        ...

    def with_session(self, grant: Grant, session: Session) -> tuple[tuple[str, str], ...]:
        """Return the headers that make the client carry *session* from now on."""
        ...
