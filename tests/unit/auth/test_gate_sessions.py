"""The gate: the session travels in the token or in the cookie, whichever the client keeps."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from flightlake.auth import Grant, Session
from flightlake.auth.gate import CredentialGate
from flightlake.errors import InvalidRequest, NotAuthenticated
from tests.fix_auth import ALICE, HERE, Door, bearer, follow, foreign_claims, foreign_token, only


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
