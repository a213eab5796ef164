"""The gate: who passes, for how long, and what the client gets back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from flightlake.auth import Identity, Peer, Session
from flightlake.auth.foreign import ForeignTokens, TrustedIssuer
from flightlake.auth.gate import CredentialGate
from flightlake.auth.jwks import RemoteKeys
from flightlake.auth.passwords import hash_password
from flightlake.errors import NotAuthenticated, NotReady
from tests.fix_auth import (
    ALICE,
    CHEAP,
    HERE,
    ISSUER,
    START,
    Door,
    basic,
    bearer,
    follow,
    foreign_claims,
    foreign_token,
    identity_provider,
    jwk,
    rsa_key,
)

PLAIN = Peer("198.51.100.7", secure=False)


class TestHandshake:
    @pytest.mark.parametrize("padded", [True, False], ids=["padded", "unpadded"])
    def test_a_password_is_exchanged_for_a_token(self, gate: CredentialGate, padded: bool) -> None:
        grant = gate.handshake(basic("alice", "open sesame", padded=padded), HERE)
        assert grant.identity.subject == "alice"
        assert grant.identity.method == "password"
        later = gate.authenticate(follow({}, grant.headers), HERE)
        assert later == replace(grant, headers=())

    def test_every_handshake_begins_a_session(self, gate: CredentialGate) -> None:
        one, two = (gate.handshake(ALICE, HERE) for _ in range(2))
        assert one.session.id != two.session.id
        again = gate.handshake(follow({}, one.headers), HERE)
        assert again.session.id not in (one.session.id, two.session.id)
        assert again.identity == one.identity

    def test_a_foreign_token_is_exchanged_for_one_that_ends_with_it(
        self, open_to_others: CredentialGate, door: Door
    ) -> None:
        grant = open_to_others.handshake(bearer(foreign_token()), HERE)
        assert grant.identity.method == "jwt"
        headers = follow({}, grant.headers)
        door.clock.advance(timedelta(minutes=10, seconds=29))
        assert open_to_others.authenticate(headers, HERE).headers == ()
        door.clock.advance(timedelta(seconds=1))
        with pytest.raises(NotAuthenticated, match="expired"):
            open_to_others.authenticate(headers, HERE)

    def test_a_token_goes_into_the_password_box(
        self, open_to_others: CredentialGate, door: Door
    ) -> None:
        own = door.tokens.bearer(Identity("etl"), Session("s"))
        assert open_to_others.handshake(basic("token", own), HERE).identity.subject == "etl"
        other = foreign_token()
        assert open_to_others.handshake(basic("token", other), HERE).identity.subject == "carol"
        with pytest.raises(NotAuthenticated):
            open_to_others.handshake(basic("token", "open sesame"), HERE)

    def test_a_wrong_password_is_refused_and_reported(
        self, gate: CredentialGate, door: Door
    ) -> None:
        with pytest.raises(NotAuthenticated, match="wrong"):
            gate.handshake(basic("alice", "guess"), PLAIN_BUT_SECURE)
        gate.handshake(ALICE, HERE)
        assert door.attempts == [
            ("password", False, "alice", PLAIN_BUT_SECURE.address),
            ("password", True, "alice", HERE.address),
        ]


PLAIN_BUT_SECURE = replace(PLAIN, secure=True)


class TestAuthenticate:
    def test_a_constant_basic_header_is_enough_and_gets_a_token(self, gate: CredentialGate) -> None:
        one, two = (gate.authenticate(ALICE, HERE) for _ in range(2))
        assert one.session == two.session
        followed = gate.authenticate(follow({}, one.headers), HERE)
        assert followed.identity == one.identity
        assert followed.session == one.session

    def test_a_foreign_token_per_call_has_a_stable_session(
        self, open_to_others: CredentialGate
    ) -> None:
        headers = bearer(foreign_token())
        one, two = (open_to_others.authenticate(headers, HERE) for _ in range(2))
        assert one == two
        assert one.headers == ()
        other = open_to_others.authenticate(bearer(foreign_token(foreign_claims(jti="2"))), HERE)
        assert other.session.id != one.session.id

    def test_nothing_is_refused(self, gate: CredentialGate, door: Door) -> None:
        for headers in ({}, {"authorization": ""}, {"authorization": "  "}):
            with pytest.raises(NotAuthenticated, match="no credentials"):
                gate.authenticate(headers, HERE)
        assert door.attempts[0] == ("none", False, None, HERE.address)

    def test_a_foreign_token_is_refused_where_nobody_is_trusted(self, gate: CredentialGate) -> None:
        with pytest.raises(NotAuthenticated, match="does not hold"):
            gate.authenticate(bearer(foreign_token()), HERE)

    def test_passwords_are_refused_where_there_are_none(self, door: Door) -> None:
        with pytest.raises(NotAuthenticated, match="bearer token"):
            door.gate(passwords=None).authenticate(ALICE, HERE)

    def test_a_provider_that_is_down_is_not_the_clients_fault(self, door: Door) -> None:
        with identity_provider(jwk(rsa_key())) as provider:
            keys = RemoteKeys(provider.url, clock=door.clock)
            provider.status = 500
            issuer = TrustedIssuer(ISSUER, "flightlake", keys)
            gate = door.gate(foreign=ForeignTokens([issuer], clock=door.clock))
            with pytest.raises(NotReady):
                gate.authenticate(bearer(foreign_token()), HERE)
        assert door.attempts == [("jwt", False, None, HERE.address)]


class TestPlaintext:
    @pytest.mark.parametrize(
        "headers", [ALICE, bearer("a.b.c"), {"authorization": "x"}], ids=["basic", "bearer", "junk"]
    )
    def test_credentials_over_an_open_line_are_refused_unread(
        self, gate: CredentialGate, headers: dict[str, str]
    ) -> None:
        for enter in (gate.handshake, gate.authenticate):
            with pytest.raises(NotAuthenticated, match="connect with TLS"):
                enter(headers, PLAIN)

    def test_they_pass_where_that_is_configured(self, door: Door) -> None:
        grant = door.gate(allow_plaintext=True).handshake(ALICE, PLAIN)
        assert grant.identity.subject == "alice"


class TestAnonymous:
    def test_everybody_is_anonymous(self, door: Door) -> None:
        gate = door.gate(passwords=None, anonymous=True)
        for headers in ({}, ALICE):
            grant = gate.authenticate(headers, HERE)
            assert (grant.identity.subject, grant.identity.method) == ("anonymous", "anonymous")
        handshake = gate.handshake({}, HERE)
        assert gate.authenticate(follow({}, handshake.headers), HERE).session == handshake.session

    def test_their_tokens_are_worth_nothing_when_it_is_switched_off(self, door: Door) -> None:
        grant = door.gate(anonymous=True).handshake({}, HERE)
        with pytest.raises(NotAuthenticated):
            door.gate().authenticate(follow({}, grant.headers), HERE)

    def test_a_wrong_token_does_not_make_anybody_anonymous(self, door: Door) -> None:
        gate = door.gate(anonymous=True)
        for headers in (bearer("a.b.c"), basic("alice", "wrong"), {"authorization": "x"}):
            with pytest.raises(NotAuthenticated):
                gate.authenticate(headers, HERE)


class TestRenewal:
    def test_a_token_past_half_of_its_life_is_renewed(
        self, gate: CredentialGate, door: Door
    ) -> None:
        headers = follow({}, gate.handshake(ALICE, HERE).headers)
        door.clock.advance(timedelta(minutes=30))
        assert gate.authenticate(headers, HERE).headers == ()
        door.clock.advance(timedelta(minutes=1))
        for _ in range(5):
            grant = gate.authenticate(headers, HERE)
            assert len(grant.headers) == 1
            headers = follow(headers, grant.headers)
            door.clock.advance(timedelta(minutes=31))
        assert gate.authenticate(headers, HERE).identity.subject == "alice"

    def test_a_login_cannot_be_renewed_for_ever(self, gate: CredentialGate, door: Door) -> None:
        headers = follow({}, gate.handshake(ALICE, HERE).headers)
        for _ in range(30 * 24 - 1):
            door.clock.advance(timedelta(minutes=60) - timedelta(seconds=1))
            headers = follow(headers, gate.authenticate(headers, HERE).headers)
        door.clock.advance(timedelta(minutes=72))
        with pytest.raises(NotAuthenticated, match="expired"):
            gate.authenticate(headers, HERE)

    def test_a_token_made_for_a_fixed_time_is_not_renewed(
        self, gate: CredentialGate, door: Door
    ) -> None:
        identity = Identity("etl", expires_at=START + timedelta(hours=8))
        headers = bearer(door.tokens.bearer(identity, Session("s"), whole=True))
        door.clock.advance(timedelta(hours=7))
        assert gate.authenticate(headers, HERE).headers == ()


class TestRevocation:
    def test_removing_a_user_ends_their_tokens(self, gate: CredentialGate, door: Door) -> None:
        headers = follow({}, gate.handshake(ALICE, HERE).headers)
        door.users.remove("alice")
        with pytest.raises(NotAuthenticated):
            gate.authenticate(headers, HERE)

    def test_a_new_password_ends_tokens_made_with_the_old(
        self, gate: CredentialGate, door: Door
    ) -> None:
        headers = follow({}, gate.handshake(ALICE, HERE).headers)
        door.users.set_password("alice", hash_password("new", CHEAP))
        with pytest.raises(NotAuthenticated):
            gate.authenticate(headers, HERE)

    def test_a_running_login_has_the_roles_of_today(self, gate: CredentialGate, door: Door) -> None:
        headers = follow({}, gate.handshake(ALICE, HERE).headers)
        user = door.users.get("alice")
        assert user is not None
        door.users.remove("alice")
        door.users.add(replace(user, roles=frozenset({"auditor"})))
        assert gate.authenticate(headers, HERE).identity.roles == {"auditor"}
