"""The gate: who passes, with what session, and what the client gets back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flightlake.auth import Grant, Identity, Peer, Session
from flightlake.auth.foreign import ForeignTokens, TrustedIssuer
from flightlake.auth.gate import CredentialGate
from flightlake.auth.jwks import FileKeys, RemoteKeys
from flightlake.auth.passwords import hash_password
from flightlake.errors import InvalidRequest, NotAuthenticated, NotReady
from tests.fix_auth import (
    CHEAP,
    HERE,
    ISSUER,
    START,
    Door,
    basic,
    bearer,
    foreign_claims,
    foreign_token,
    identity_provider,
    jwk,
    public_pem,
    rsa_key,
)

ALICE = basic("alice", "open sesame")
PLAIN = Peer("198.51.100.7", secure=False)


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


@pytest.fixture
def gate(door: Door) -> CredentialGate:
    return door.gate()


@pytest.fixture
def open_to_others(door: Door, tmp_path: Path) -> CredentialGate:
    (tmp_path / "idp.pem").write_bytes(public_pem(rsa_key()))
    issuer = TrustedIssuer(ISSUER, "flightlake", FileKeys(tmp_path / "idp.pem"))
    return door.gate(foreign=ForeignTokens([issuer], clock=door.clock))


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


class TestSession:
    def choose(
        self, gate: CredentialGate, headers: Mapping[str, str], **options: str
    ) -> tuple[Grant, tuple[tuple[str, str], ...]]:
        grant = gate.authenticate(headers, HERE)
        return grant, gate.with_session(grant, Session(grant.session.id, options))

    def test_it_travels_in_the_token_for_clients_without_cookies(
        self, gate: CredentialGate
    ) -> None:
        headers = follow({}, gate.handshake(ALICE, HERE).headers)
        grant, answer = self.choose(gate, headers, catalog="lake")
        headers = follow(headers, only("authorization", answer))
        assert gate.authenticate(headers, HERE).session == Session(
            grant.session.id, {"catalog": "lake"}
        )

    def test_it_travels_in_the_cookie_for_clients_that_keep_their_token(
        self, gate: CredentialGate, door: Door
    ) -> None:
        headers = follow({}, gate.handshake(ALICE, HERE).headers)
        for catalog in ("lake", "pond"):
            door.clock.advance(timedelta(seconds=1))
            _, answer = self.choose(gate, headers, catalog=catalog)
            headers = follow(headers, only("set-cookie", answer))
            assert gate.authenticate(headers, HERE).session.options == {"catalog": catalog}

    def test_the_younger_of_token_and_cookie_counts(self, gate: CredentialGate, door: Door) -> None:
        headers = follow({}, gate.handshake(ALICE, HERE).headers)
        _, old = self.choose(gate, headers, catalog="old")
        door.clock.advance(timedelta(milliseconds=1))
        _, new = self.choose(gate, headers, catalog="new")
        mixed = follow({}, only("set-cookie", old), only("authorization", new))
        assert gate.authenticate(mixed, HERE).session.options == {"catalog": "new"}
        mixed = follow({}, only("authorization", old), only("set-cookie", new))
        assert gate.authenticate(mixed, HERE).session.options == {"catalog": "new"}

    @pytest.mark.parametrize("method", ["password", "jwt"])
    def test_it_travels_in_the_cookie_with_credentials_that_hold_nothing(
        self, open_to_others: CredentialGate, method: str
    ) -> None:
        headers = ALICE if method == "password" else bearer(foreign_token())
        grant, answer = self.choose(open_to_others, headers, catalog="lake")
        headers = follow(headers, only("set-cookie", answer))
        again = open_to_others.authenticate(headers, HERE)
        assert again.session == Session(grant.session.id, {"catalog": "lake"})
        assert again.identity.subject == grant.identity.subject

    def test_a_refreshed_foreign_token_keeps_the_session_of_the_cookie(
        self, open_to_others: CredentialGate
    ) -> None:
        grant, answer = self.choose(open_to_others, bearer(foreign_token()), catalog="lake")
        refreshed = bearer(foreign_token(foreign_claims(jti="2")))
        headers = follow(refreshed, only("set-cookie", answer))
        assert open_to_others.authenticate(headers, HERE).session == Session(
            grant.session.id, {"catalog": "lake"}
        )

    def test_a_cookie_of_somebody_else_is_not_used(
        self, open_to_others: CredentialGate, door: Door
    ) -> None:
        _, answer = self.choose(open_to_others, ALICE, catalog="lake")
        stolen = follow(bearer(foreign_token()), only("set-cookie", answer))
        assert open_to_others.authenticate(stolen, HERE).session.options == {}
        assert open_to_others.authenticate(stolen, HERE).identity.subject == "carol"

    def test_a_cookie_of_another_session_is_not_used(self, gate: CredentialGate) -> None:
        first = follow({}, gate.handshake(ALICE, HERE).headers)
        _, answer = self.choose(gate, first, catalog="lake")
        second = follow({}, gate.handshake(ALICE, HERE).headers, only("set-cookie", answer))
        assert gate.authenticate(second, HERE).session.options == {}

    def test_a_cookie_alone_is_no_credential(self, gate: CredentialGate) -> None:
        _, answer = self.choose(gate, ALICE, catalog="lake")
        cookie = follow({}, only("set-cookie", answer))
        with pytest.raises(NotAuthenticated, match="no credentials"):
            gate.authenticate(cookie, HERE)
        value = cookie["cookie"].partition("=")[2]
        with pytest.raises(NotAuthenticated):
            gate.authenticate(bearer(value), HERE)

    @pytest.mark.parametrize("value", ["", "x", "a.b.c", '"'])
    def test_a_cookie_that_is_none_of_ours_is_passed_over(
        self, gate: CredentialGate, value: str
    ) -> None:
        headers = {**ALICE, "cookie": f"arrow_flight_session_id={value}"}
        assert gate.authenticate(headers, HERE).session.options == {}

    def test_a_cookie_is_renewed_and_one_that_has_expired_is_told(
        self, gate: CredentialGate, door: Door
    ) -> None:
        _, answer = self.choose(gate, ALICE, catalog="lake")
        headers = follow(ALICE, only("set-cookie", answer))
        door.clock.advance(timedelta(hours=13))
        renewed = only("set-cookie", gate.authenticate(headers, HERE).headers)
        door.clock.advance(timedelta(hours=12))
        with pytest.raises(NotAuthenticated, match="session has expired"):
            gate.authenticate(headers, HERE)
        headers = follow(headers, renewed)
        assert gate.authenticate(headers, HERE).session.options == {"catalog": "lake"}

    def test_another_process_reads_the_session(self, door: Door) -> None:
        grant, answer = self.choose(door.gate(), ALICE, catalog="lake")
        door.tokens = door.new_tokens()
        other = door.gate().authenticate(follow({}, answer), HERE)
        assert other.session == Session(grant.session.id, {"catalog": "lake"})

    def test_options_too_large_to_travel_are_refused(self, gate: CredentialGate) -> None:
        with pytest.raises(InvalidRequest, match="session options"):
            self.choose(gate, ALICE, catalog="x" * 5000)
