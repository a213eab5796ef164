"""Whatever strangers send, the gate answers with a refusal and nothing else."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlake.auth.foreign import ForeignTokens, TrustedIssuer
from flightlake.auth.headers import Basic, parse_authorization, read_cookie
from flightlake.auth.jwks import FileKeys
from flightlake.auth.jwt import moment, parse_keys
from flightlake.errors import FlightlakeError, NotAuthenticated
from tests.fix_auth import HERE, ISSUER, Door, basic, public_pem, rsa_key


@pytest.fixture(scope="module")
def door() -> Door:
    return Door(Path(mkdtemp()))


@pytest.fixture(scope="module")
def foreign(door: Door) -> ForeignTokens:
    path = door.directory / "idp.pem"
    path.write_bytes(public_pem(rsa_key()))
    return ForeignTokens([TrustedIssuer(ISSUER, "flightlake", FileKeys(path))], clock=door.clock)


names = st.text(st.characters(exclude_characters=":\0", exclude_categories=["Cs"]), max_size=20)
passwords = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
header_values = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jku", "jwk", "x5u"]), json_values
)
claim_names = st.sampled_from(["iss", "aud", "sub", "exp", "iat", "nbf", "roles", "sid"])


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@given(names, passwords, st.booleans())
def test_basic_credentials_survive_the_header(user: str, password: str, padded: bool) -> None:
    header = basic(user, password, padded=padded)["authorization"]
    assert parse_authorization(header) == Basic(user, password)


@given(
    st.text(max_size=60)
    | st.builds("{} {}".format, st.sampled_from(["Basic", "Bearer"]), st.text())
)
def test_any_authorization_is_read_or_refused(header: str) -> None:
    try:
        parse_authorization(header)
    except NotAuthenticated:
        return


@given(st.text(max_size=60), st.text(max_size=5))
def test_any_cookie_is_read(header: str, name: str) -> None:
    value = read_cookie(header, name)
    assert value is None or value in header


@given(st.text(max_size=200))
def test_text_is_no_token(door: Door, foreign: ForeignTokens, text: str) -> None:
    for verify in (door.tokens.read_bearer, door.tokens.read_cookie, foreign.verify):
        with pytest.raises(NotAuthenticated):
            verify(text)


@given(header_values, st.dictionaries(claim_names, json_values), st.binary(max_size=40))
def test_a_made_up_token_never_passes(
    door: Door,
    foreign: ForeignTokens,
    header: dict[str, object],
    claims: dict[str, object],
    signature: bytes,
) -> None:
    seal = base64.urlsafe_b64encode(signature).decode().rstrip("=")
    key = door.new_keys().current().id
    for made_up in (header, {"alg": "RS256", **header}, {"alg": "HS256", **header, "kid": key}):
        for typ in ("JWT", "flightlake+jwt"):
            body = {"iss": ISSUER, "aud": "flightlake", **claims}
            token = f"{part({'typ': typ, **made_up})}.{part(body)}.{seal}"
            gate = door.gate(foreign=foreign)
            with pytest.raises(NotAuthenticated):
                gate.authenticate({"authorization": f"Bearer {token}"}, HERE)


@given(json_values)
def test_a_date_is_a_date_or_refused(value: object) -> None:
    try:
        found = moment({"exp": value}, "exp")
    except NotAuthenticated:
        return
    assert (found is None and value is None) or (
        isinstance(found, datetime) and found.tzinfo is UTC
    )


@given(st.binary(max_size=100) | st.builds(lambda v: json.dumps({"keys": v}).encode(), json_values))
def test_any_key_set_is_read_or_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_keys(text)


@given(st.dictionaries(st.sampled_from(["authorization", "cookie"]), st.text(max_size=80)))
def test_any_headers_are_refused_with_an_error_of_ours(door: Door, headers: dict[str, str]) -> None:
    with pytest.raises(FlightlakeError):
        door.gate().handshake(headers, HERE)
