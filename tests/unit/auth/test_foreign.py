"""JWTs of identity providers."""

import json
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from flightlake.auth.foreign import ForeignTokens, TrustedIssuer
from flightlake.auth.jwks import FileKeys
from flightlake.auth.jwt import parse_keys
from flightlake.clock import ManualClock
from flightlake.errors import NotAuthenticated
from tests.fix_auth import (
    ISSUER,
    START,
    ec_key,
    foreign_claims,
    foreign_token,
    jwk,
    public_pem,
    rsa_key,
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def keys(tmp_path: Path) -> FileKeys:
    (tmp_path / "idp.pem").write_bytes(public_pem(rsa_key()))
    return FileKeys(tmp_path / "idp.pem")


@pytest.fixture
def foreign(keys: FileKeys, clock: ManualClock) -> ForeignTokens:
    issuer = TrustedIssuer(ISSUER, "flightlake", keys, roles_claim="groups")
    return ForeignTokens([issuer], clock=clock)


def test_a_good_token_names_its_subject_roles_and_end(foreign: ForeignTokens) -> None:
    identity = foreign.verify(foreign_token(foreign_claims(groups=["analyst", 7])))
    assert identity.subject == "carol"
    assert identity.roles == {"analyst"}
    assert identity.method == "jwt"
    assert identity.expires_at == START + timedelta(minutes=10, seconds=30)


@pytest.mark.parametrize("kid", [{}, {"kid": "whatever"}], ids=["no-kid", "kid"])
def test_a_pem_key_serves_tokens_with_and_without_a_key_id(
    foreign: ForeignTokens, kid: dict[str, str]
) -> None:
    assert foreign.verify(foreign_token(**kid)).subject == "carol"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": None},
        {"aud": "other"},
        {"aud": ["a", "b"]},
        {"iss": None},
        {"iss": "https://other.example"},
        {"exp": None},
        {"exp": "soon"},
        {"sub": None},
        {"sub": ""},
        {"sub": ["carol"]},
        {"sub": "x" * 257},
        {"nbf": START.timestamp() + 31},
        {"iat": START.timestamp() + 31},
        {"nbf": "then"},
    ],
    ids=str,
)
def test_a_token_that_says_the_wrong_things_is_refused(
    foreign: ForeignTokens, changes: dict[str, object]
) -> None:
    body = json.dumps(foreign_claims(**changes)).encode()
    token = jwt.PyJWS().encode(body, rsa_key(), "RS256", headers={"typ": "JWT"})
    with pytest.raises(NotAuthenticated, match="does not hold"):
        foreign.verify(token)


def test_one_of_several_audiences_is_enough(foreign: ForeignTokens) -> None:
    assert foreign.verify(foreign_token(foreign_claims(aud=["a", "flightlake"])))


def test_half_a_minute_of_clock_difference_is_forgiven(
    foreign: ForeignTokens, clock: ManualClock
) -> None:
    early = foreign_token(foreign_claims(nbf=START.timestamp() + 29))
    assert foreign.verify(early)
    clock.advance(timedelta(minutes=10, seconds=29))
    assert foreign.verify(foreign_token())
    clock.advance(timedelta(seconds=1))
    with pytest.raises(NotAuthenticated, match="expired"):
        foreign.verify(foreign_token())


def test_an_unsigned_token_is_refused(foreign: ForeignTokens) -> None:
    with pytest.raises(NotAuthenticated):
        foreign.verify(jwt.encode(foreign_claims(), None, algorithm="none"))


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(keys: FileKeys) -> None:
    # The classic confusion: HS256 with the text of the public key (RFC 8725, 2.1).
    import base64
    import hashlib
    import hmac

    def part(value: object) -> str:
        raw = json.dumps(value).encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    signed = part({"alg": "HS256", "typ": "JWT"}) + "." + part(foreign_claims())
    mac = hmac.new(public_pem(rsa_key()), signed.encode(), hashlib.sha256).digest()
    token = signed + "." + base64.urlsafe_b64encode(mac).decode().rstrip("=")
    foreign = ForeignTokens([TrustedIssuer(ISSUER, "flightlake", keys)], clock=ManualClock(START))
    with pytest.raises(NotAuthenticated):
        foreign.verify(token)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS1", ""])
def test_only_public_key_algorithms_can_be_allowed(keys: FileKeys, algorithm: str) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        ForeignTokens(
            [TrustedIssuer(ISSUER, "flightlake", keys, algorithms=("RS256", algorithm))],
            clock=ManualClock(START),
        )


def test_an_algorithm_that_is_not_on_the_list_is_refused(foreign: ForeignTokens) -> None:
    with pytest.raises(NotAuthenticated):
        foreign.verify(foreign_token(algorithm="RS512"))


def test_a_token_of_another_key_is_refused(foreign: ForeignTokens) -> None:
    with pytest.raises(NotAuthenticated):
        foreign.verify(foreign_token(key=rsa_key("second")))


@pytest.mark.parametrize("typ", ["logout+jwt", "secevent+jwt", "flightlake-session+jwt"])
def test_a_signed_statement_that_is_no_access_token_is_refused(
    foreign: ForeignTokens, typ: str
) -> None:
    with pytest.raises(NotAuthenticated):
        foreign.verify(foreign_token(typ=typ))


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "application/at+jwt", None])
def test_access_tokens_of_all_spellings_pass(foreign: ForeignTokens, typ: str | None) -> None:
    assert foreign.verify(foreign_token(typ=typ)).subject == "carol"


def test_a_critical_extension_is_refused(foreign: ForeignTokens) -> None:
    with pytest.raises(NotAuthenticated):
        foreign.verify(foreign_token(crit=["exp"]))


def test_elliptic_and_edwards_keys_verify(tmp_path: Path, clock: ManualClock) -> None:
    edwards = ed25519.Ed25519PrivateKey.generate()
    document = {
        "keys": [
            jwk(ec_key(), kid="ec", use="sig"),
            {
                **jwt.algorithms.OKPAlgorithm.to_jwk(edwards.public_key(), as_dict=True),
                "kid": "ed",
            },
        ]
    }
    (tmp_path / "jwks.json").write_text(json.dumps(document))
    issuer = TrustedIssuer(
        ISSUER, "flightlake", FileKeys(tmp_path / "jwks.json"), algorithms=("ES256", "EdDSA")
    )
    foreign = ForeignTokens([issuer], clock=clock)
    assert foreign.verify(foreign_token(key=ec_key(), algorithm="ES256", kid="ec"))
    assert foreign.verify(foreign_token(key=edwards, algorithm="EdDSA", kid="ed"))
    assert foreign.verify(foreign_token(key=edwards, algorithm="EdDSA"))
    with pytest.raises(NotAuthenticated):
        foreign.verify(foreign_token(key=edwards, algorithm="EdDSA", kid="ec"))


def test_each_issuer_has_its_own_keys(tmp_path: Path, clock: ManualClock) -> None:
    entries = []
    for name in ("first", "second"):
        (tmp_path / name).write_bytes(public_pem(rsa_key(name)))
        entries.append(TrustedIssuer(f"https://{name}", "flightlake", FileKeys(tmp_path / name)))
    foreign = ForeignTokens(entries, clock=clock)
    claims = foreign_claims(iss="https://second")
    assert foreign.verify(foreign_token(claims, key=rsa_key("second")))
    with pytest.raises(NotAuthenticated):
        foreign.verify(foreign_token(claims, key=rsa_key("first")))


def test_two_applications_of_one_issuer_have_an_audience_each(
    keys: FileKeys, clock: ManualClock
) -> None:
    entries = [
        TrustedIssuer(ISSUER, audience, keys, roles_claim=claim)
        for audience, claim in (("one", "a"), ("two", "b"))
    ]
    token = foreign_token(foreign_claims(aud="two", a=["x"], b=["y"]))
    assert ForeignTokens(entries, clock=clock).verify(token).roles == {"y"}


@pytest.mark.parametrize(
    ("claim", "claims", "roles"),
    [
        ("scope", {"scope": "read write"}, {"read", "write"}),
        ("realm_access.roles", {"realm_access": {"roles": ["dba"]}}, {"dba"}),
        ("https://a.b/roles", {"https://a.b/roles": ["dba"]}, {"dba"}),
        ("missing.roles", {"missing": 3}, set()),
    ],
    ids=["string", "nested", "dotted-name", "absent"],
)
def test_roles_are_found_where_providers_put_them(
    keys: FileKeys, clock: ManualClock, claim: str, claims: dict[str, object], roles: set[str]
) -> None:
    issuer = TrustedIssuer(ISSUER, "flightlake", keys, roles_claim=claim)
    foreign = ForeignTokens([issuer], clock=clock)
    assert foreign.verify(foreign_token(foreign_claims(**claims))).roles == roles


def test_keys_that_cannot_verify_are_left_out() -> None:
    good = jwk(rsa_key(), kid="good")
    document = {
        "keys": [
            jwk(rsa_key("second"), kid="encryption", use="enc"),
            jwk(rsa_key("second"), kid="signing", key_ops=["sign"]),
            jwk(rsa_key("small", 1024), kid="small"),
            {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
            {"kty": "RSA", "n": "!", "e": "AQAB", "kid": "broken"},
            jwk(rsa_key("second"), kid="symmetric", alg="HS256"),
            "text",
            good,
        ]
    }
    assert [key.id for key in parse_keys(json.dumps(document).encode())] == ["good"]


def test_a_key_meant_for_one_algorithm_serves_only_that() -> None:
    (key,) = parse_keys(json.dumps(jwk(rsa_key(), alg="PS256")).encode())
    assert key.algorithms == {"PS256"}


@pytest.mark.parametrize(
    "text", [b"", b"{}", b'{"keys": []}', b'{"keys": 3}', b"{", b"-----BEGIN PUBLIC KEY-----"]
)
def test_a_file_without_a_usable_key_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_keys(text)
