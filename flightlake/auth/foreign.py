"""Tokens that others issue, for us to believe: JWTs of identity providers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flightlake.auth import Identity
from flightlake.auth.jwks import KeySource
from flightlake.auth.jwt import (
    EXPIRED,
    FOREIGN_ALGORITHMS,
    REFUSED,
    header_of,
    moment,
    unverified_issuer,
    verified_claims,
)
from flightlake.clock import Clock
from flightlake.errors import NotAuthenticated

_LEEWAY = timedelta(seconds=30)
_TYPES = (
    "jwt",
    "at+jwt",
)  # RFC 7519, 5.1 and RFC 9068, 2.1; what else is signed is no access token
_MAX_TRIED = 10  # signatures checked for one token that does not name its key
_MAX_SUBJECT = 256


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An identity provider whose tokens are accepted.

    ``issuer`` and ``audience`` must be in every token.  ``roles_claim`` names a claim that
    holds a list of roles, or one string of roles parted by spaces; empty: no roles.  A dot
    leads into an object (``realm_access.roles``).
    """

    issuer: str
    audience: str
    keys: KeySource
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    subject_claim: str = "sub"
    roles_claim: str = ""


class ForeignTokens:
    """Verifies the tokens of several issuers.  Thread-safe.

    Raises:
        ValueError: An issuer allows an algorithm that is not a public-key signature.
    """

    def __init__(self, issuers: Sequence[TrustedIssuer], *, clock: Clock) -> None:
        for issuer in issuers:
            if unknown := set(issuer.algorithms) - set(FOREIGN_ALGORITHMS):
                raise ValueError(f"not allowed for the tokens of others: {sorted(unknown)}")
        self._issuers = tuple(issuers)
        self._clock = clock

    def verify(self, token: str) -> Identity:
        """Return whom *token* names; its ``expires_at`` is that of the token.

        Raises:
            NotAuthenticated: The token does not hold.
            NotReady: The issuer's keys cannot be fetched now.
        """
        header = header_of(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if str(header.get("typ") or "jwt").lower().removeprefix("application/") not in _TYPES:
            raise NotAuthenticated(REFUSED)
        named = unverified_issuer(token)
        # Two entries may have one issuer: two applications, each with its audience.
        entries = [i for i in self._issuers if i.issuer == named and algorithm in i.algorithms]
        if not entries or not isinstance(algorithm, str):
            raise NotAuthenticated(REFUSED)
        for entry in entries:
            claims = _signed_claims(token, entry, algorithm, key_id)
            if claims is not None and _is_for(claims, entry):
                return self._identity(claims, entry)
        raise NotAuthenticated(REFUSED)

    def _identity(self, claims: Mapping[str, Any], entry: TrustedIssuer) -> Identity:
        now = self._clock.now()
        expires_at = moment(claims, "exp")
        if expires_at is None:
            raise NotAuthenticated(REFUSED)
        if now >= expires_at + _LEEWAY:
            raise NotAuthenticated(EXPIRED)
        for name in ("nbf", "iat"):
            begins = moment(claims, name)
            if begins is not None and begins - _LEEWAY > now:
                raise NotAuthenticated(REFUSED)
        subject = _inside(claims, entry.subject_claim)
        if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT:
            raise NotAuthenticated(REFUSED)
        return Identity(subject, _roles(claims, entry.roles_claim), "jwt", expires_at + _LEEWAY)


def _signed_claims(
    token: str, entry: TrustedIssuer, algorithm: str, key_id: object
) -> dict[str, Any] | None:
    if key_id is not None and not isinstance(key_id, str):
        return None
    keys = [key for key in entry.keys.find(key_id) if algorithm in key.algorithms]
    for key in keys[:_MAX_TRIED]:
        try:
            return verified_claims(token, key.key, algorithm)
        except NotAuthenticated:
            continue
    return None


def _is_for(claims: Mapping[str, Any], entry: TrustedIssuer) -> bool:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    return claims.get("iss") == entry.issuer and entry.audience in audiences


def _roles(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    value = _inside(claims, name) if name else None
    if isinstance(value, str):
        return frozenset(value.split())
    if isinstance(value, list):
        return frozenset(role for role in value if isinstance(role, str))
    return frozenset()


def _inside(claims: Mapping[str, Any], name: str) -> object:
    """Return the claim *name*; one whose own name holds dots comes before a path of that name."""
    if name in claims:
        return claims[name]
    value: object = claims
    for step in name.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value
