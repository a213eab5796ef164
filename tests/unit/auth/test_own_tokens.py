"""A caller's token of another issuer is kept in ours only where a catalog is read with it."""

from pathlib import Path

import pytest

from flightlake.auth.foreign import ForeignTokens, TrustedIssuer
from flightlake.auth.gate import CredentialGate
from flightlake.auth.jwks import FileKeys
from tests.fix_auth import (
    HERE,
    ISSUER,
    Door,
    bearer,
    follow,
    foreign_claims,
    foreign_token,
    public_pem,
    rsa_key,
)


@pytest.fixture
def keeper(door: Door, tmp_path: Path) -> CredentialGate:
    """A gate that keeps tokens."""
    (tmp_path / "idp.pem").write_bytes(public_pem(rsa_key()))
    issuer = TrustedIssuer(ISSUER, "flightlake", FileKeys(tmp_path / "idp.pem"))
    return door.gate(foreign=ForeignTokens([issuer], clock=door.clock), keep_tokens=True)


def test_it_is_kept_with_the_call_and_in_our_token(keeper: CredentialGate) -> None:
    token = foreign_token()
    grant = keeper.handshake(bearer(token), HERE)
    assert grant.identity.own_token == token
    later = keeper.authenticate(follow({}, grant.headers), HERE)
    assert later.identity.own_token == token
    assert keeper.authenticate(bearer(token), HERE).identity.own_token == token
    assert token not in repr(later)


def test_one_that_is_too_long_for_a_header_is_kept_with_its_call_only(
    keeper: CredentialGate,
) -> None:
    token = foreign_token(foreign_claims(padding="x" * 4096))
    grant = keeper.handshake(bearer(token), HERE)
    assert grant.identity.own_token == token
    assert keeper.authenticate(follow({}, grant.headers), HERE).identity.own_token is None


def test_it_is_not_kept_by_default(open_to_others: CredentialGate) -> None:
    grant = open_to_others.handshake(bearer(foreign_token()), HERE)
    assert grant.identity.own_token is None
    assert len(dict(grant.headers)["authorization"]) < len(foreign_token()) + 400
    assert open_to_others.authenticate(bearer(foreign_token()), HERE).identity.own_token is None


def test_it_is_not_in_the_cookie(keeper: CredentialGate) -> None:
    grant = keeper.authenticate(bearer(foreign_token()), HERE)
    cookie = dict(keeper.with_session(grant, grant.session))["set-cookie"]
    plain = keeper.authenticate(
        {"cookie": cookie.partition(";")[0], **bearer(foreign_token())}, HERE
    )
    assert plain.session.id == grant.session.id
    assert len(cookie) < len(foreign_token())
