"""Signed JSON Web Tokens (RFC 7515, 7519; rules of RFC 8725): signatures, keys, dates.

What a token *means* is decided by ``tokens.py`` (ours) and ``foreign.py`` (others').
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from flightlake.errors import NotAuthenticated

FOREIGN_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""What an identity provider may sign with: public-key signatures only."""

REFUSED = "the bearer token does not hold; log in again or ask for a new one"
EXPIRED = "the bearer token has expired; log in again or ask for a new one"

_MAX_TOKEN = 16 * 1024  # characters; gRPC refuses larger headers anyway
_MIN_RSA_BITS = 2048  # RFC 7518, 3.3
_MAX_KEYS = 100  # of one identity provider
_BY_CURVE = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
# What the decoder and its JSON parser raise for garbage.
_GARBAGE = (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError)

_jws = jwt.PyJWS()


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key of an identity provider; *id* is None where it was published without one."""

    id: str | None
    algorithms: frozenset[str]
    key: RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


def sign(claims: Mapping[str, object], secret: bytes, *, key_id: str, typ: str) -> str:
    """Return *claims* as a token signed with HS256."""
    headers = {"kid": key_id, "typ": typ}
    return jwt.encode(dict(claims), secret, algorithm="HS256", headers=headers)


def header_of(token: str) -> Mapping[str, Any]:
    """Return the header of *token*, which nobody has verified.

    Raises:
        NotAuthenticated: It is not a token, or has critical extensions, of which we know none.
    """
    if len(token) > _MAX_TOKEN:
        raise NotAuthenticated(REFUSED)
    try:
        header = jwt.get_unverified_header(token)
    except _GARBAGE:
        raise NotAuthenticated(REFUSED) from None
    if "crit" in header:
        raise NotAuthenticated(REFUSED)
    return header


def unverified_issuer(token: str) -> str | None:
    """Return the ``iss`` claim that *token* makes, to choose the keys to verify it with."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except _GARBAGE:
        raise NotAuthenticated(REFUSED) from None
    issuer = claims.get("iss")
    return issuer if isinstance(issuer, str) else None


def verified_claims(token: str, key: Any, algorithm: str) -> dict[str, Any]:
    """Return the claims of *token* if *key* has signed it with *algorithm*.

    Only the signature is looked at; dates and names are for the caller to check.

    Raises:
        NotAuthenticated: The signature is not of this key.
    """
    try:
        claims = json.loads(_jws.decode(token, key=key, algorithms=[algorithm]))
    except _GARBAGE:
        raise NotAuthenticated(REFUSED) from None
    if not isinstance(claims, dict):
        raise NotAuthenticated(REFUSED)
    return claims


def moment(claims: Mapping[str, Any], name: str) -> datetime | None:
    """Return the NumericDate claim *name*, or None where there is none.

    Raises:
        NotAuthenticated: It is there and is no date.
    """
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise NotAuthenticated(REFUSED)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise NotAuthenticated(REFUSED) from None


def parse_keys(text: bytes) -> tuple[VerificationKey, ...]:
    """Return the usable public keys in a JWK set, a single JWK, or a PEM file.

    Keys for encryption, symmetric keys, and keys too small or of unknown kinds are left out.

    Raises:
        ValueError: *text* is none of these, or holds no usable key.
    """
    if text.lstrip().startswith(b"{"):
        document = json.loads(text)
        entries = document.get("keys", [document])
        if not isinstance(entries, list):
            raise ValueError("`keys` of a JWK set must be a list")
        found = [key for entry in entries[:_MAX_KEYS] if (key := _from_jwk(entry)) is not None]
    else:
        found = [_from_public_key(_load_pem(text), None)]
    if not found:
        raise ValueError("there is no public key that can verify signatures")
    return tuple(found)


def _from_jwk(entry: Any) -> VerificationKey | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    operations = entry.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    if entry.get("kty") not in ("RSA", "EC", "OKP"):
        return None
    # A published private key is still only used as a public one.
    public = {name: value for name, value in entry.items() if name not in ("d", "p", "q", "alg")}
    for name in ("dp", "dq", "qi", "oth"):
        public.pop(name, None)
    kid = entry.get("kid")
    try:
        key = _from_public_key(jwt.PyJWK(public).key, kid if isinstance(kid, str) else None)
    except _GARBAGE:
        return None
    declared = entry.get("alg")
    if declared is None:
        return key
    allowed = key.algorithms & {declared} if isinstance(declared, str) else frozenset()
    return VerificationKey(key.id, allowed, key.key) if allowed else None


def _from_public_key(key: Any, key_id: str | None) -> VerificationKey:
    algorithms: Sequence[str]
    if isinstance(key, RSAPublicKey) and key.key_size >= _MIN_RSA_BITS:
        algorithms = [name for name in FOREIGN_ALGORITHMS if name[0] in "RP"]
    elif isinstance(key, EllipticCurvePublicKey) and key.curve.name in _BY_CURVE:
        algorithms = [_BY_CURVE[key.curve.name]]
    elif isinstance(key, Ed25519PublicKey):
        algorithms = ["EdDSA"]
    else:
        raise ValueError("the key is too small or of a kind that is not supported")
    return VerificationKey(key_id, frozenset(algorithms), key)


def _load_pem(text: bytes) -> Any:
    if b"BEGIN CERTIFICATE" in text:
        return x509.load_pem_x509_certificate(text).public_key()
    return load_pem_public_key(text)
