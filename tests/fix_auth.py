"""An identity provider, and a gate, for tests: real keys, real signatures, cheap hashes."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from flightlake.auth import Peer
from flightlake.auth.gate import CredentialGate
from flightlake.auth.keys import KeyRing
from flightlake.auth.passwords import HashCost, Passwords, hash_password
from flightlake.auth.throttle import Throttle
from flightlake.auth.tokens import Tokens
from flightlake.auth.users import User, UsersFile
from flightlake.clock import ManualClock

START = datetime(2026, 1, 1, tzinfo=UTC)
CHEAP = HashCost(passes=1, memory_kib=8, lanes=1)
ISSUER = "https://idp.example"
HERE = Peer("127.0.0.1", secure=True)


@cache
def rsa_key(name: str = "first", bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key made once per test run; *name* tells several apart."""
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(name: str = "first") -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def private_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A certificate that *key* has signed for itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "flightlake test")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM)


def jwk(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, **members: object) -> dict[str, Any]:
    """The public JWK of *key* with *members* added."""
    if isinstance(key, rsa.RSAPrivateKey):
        algorithm: Any = jwt.algorithms.RSAAlgorithm
    else:
        algorithm = jwt.algorithms.ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), **members}


def foreign_claims(now: datetime = START, **changes: object) -> dict[str, object]:
    """What a good token of the identity provider says; a change to None takes a claim away."""
    claims = {
        "iss": ISSUER,
        "aud": "flightlake",
        "sub": "carol",
        "iat": now.timestamp(),
        "exp": (now + timedelta(minutes=10)).timestamp(),
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def foreign_token(
    claims: Mapping[str, object] | None = None,
    *,
    key: Any = None,
    algorithm: str = "RS256",
    **headers: object,
) -> str:
    key = rsa_key() if key is None else key
    claims = foreign_claims() if claims is None else claims
    return jwt.encode(dict(claims), key, algorithm=algorithm, headers=headers)


def basic(user: str, password: str, *, padded: bool = True) -> dict[str, str]:
    text = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"authorization": "Basic " + (text if padded else text.rstrip("="))}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@dataclass
class IdentityProvider:
    """Serves a JWK set on loopback; ``document`` may be changed, ``requests`` counts."""

    document: bytes
    url: str = ""
    status: int = 200
    location: str = ""
    requests: int = 0

    def publish(self, *keys: Mapping[str, object]) -> None:
        self.document = json.dumps({"keys": list(keys)}).encode()


@contextmanager
def identity_provider(*keys: Mapping[str, object]) -> Iterator[IdentityProvider]:
    provider = IdentityProvider(b"")
    provider.publish(*keys)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.requests += 1
            self.send_response(provider.status)
            if provider.location:
                self.send_header("location", provider.location)
            self.send_header("content-length", str(len(provider.document)))
            self.end_headers()
            self.wfile.write(provider.document)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_port}/jwks"
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Door:
    """A gate with everything around it; ``attempts`` is what it reported."""

    directory: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    attempts: list[tuple[str, bool, str | None, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.users = UsersFile(self.directory / "users.toml")
        self.users.add(User("alice", hash_password("open sesame", CHEAP), frozenset({"analyst"})))
        self.throttle = Throttle(clock=self.clock)
        self.passwords = Passwords(self.users, self.throttle, clock=self.clock, cost=CHEAP)
        self.tokens = self.new_tokens()

    def new_keys(self) -> KeyRing:
        return KeyRing(
            self.directory / "keys",
            rotation=timedelta(days=7),
            retention=timedelta(hours=24),
            clock=self.clock,
        )

    def new_tokens(self, **changes: Any) -> Tokens:
        settings: dict[str, Any] = {
            "issuer": "flightlake",
            "audience": "flightlake",
            "lifetime": timedelta(hours=1),
            **changes,
        }
        return Tokens(self.new_keys(), clock=self.clock, **settings)

    def gate(self, **changes: Any) -> CredentialGate:
        settings: dict[str, Any] = {"passwords": self.passwords, **changes}
        return CredentialGate(
            self.tokens,
            attempt=lambda *facts: self.attempts.append(facts),
            clock=self.clock,
            **settings,
        )


ALICE = basic("alice", "open sesame")


def follow(headers: Mapping[str, str], *answers: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """What a client sends next that follows tokens and keeps cookies."""
    following = dict(headers)
    for name, value in (pair for answer in answers for pair in answer):
        if name == "authorization":
            following["authorization"] = value
        else:
            assert name == "set-cookie"
            following["cookie"] = value.partition(";")[0]
    return following


def only(name: str, headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in headers if pair[0] == name)
