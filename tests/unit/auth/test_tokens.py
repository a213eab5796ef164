"""The tokens flightlake issues."""

from datetime import timedelta
from pathlib import Path

import jwt
import pytest

from flightlake.auth import Identity, Session
from flightlake.auth.jwt import EXPIRED, REFUSED
from flightlake.errors import InvalidRequest, NotAuthenticated
from tests.fix_auth import START, Door, foreign_token

ALICE = Identity("alice", frozenset({"analyst", "writer"}), "token")
SESSION = Session(
    "s1", {"catalog": "lake", "n": 3, "x": 1.5, "on": True, "tags": ("a", "b"), "empty": ()}
)


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def test_identity_and_session_survive_the_journey(door: Door) -> None:
    token = door.tokens.read_bearer(door.tokens.bearer(ALICE, SESSION, credential="abc"))
    assert token.identity == ALICE
    assert token.session == SESSION
    assert [type(v) for v in token.session.options.values()] == [
        type(v) for v in SESSION.options.values()
    ]
    assert token.credential == "abc"
    assert token.expires_at == START + timedelta(hours=1)


def test_another_process_accepts_the_token(door: Door) -> None:
    assert door.new_tokens().read_bearer(door.tokens.bearer(ALICE, SESSION)).identity == ALICE


def test_a_token_expires(door: Door) -> None:
    token = door.tokens.bearer(ALICE, SESSION)
    door.clock.advance(timedelta(minutes=59, seconds=59))
    assert door.tokens.read_bearer(token).is_half_over(door.clock.now())
    door.clock.advance(timedelta(seconds=1))
    with pytest.raises(NotAuthenticated, match="expired"):
        door.tokens.read_bearer(token)


def test_a_token_that_was_read_before_is_still_checked(door: Door) -> None:
    token = door.tokens.bearer(ALICE, SESSION)
    assert door.tokens.read_bearer(token) == door.tokens.read_bearer(token)
    assert door.tokens.is_ours(token)
    for wrong in (token + "A", token[:-2], token.upper()):
        with pytest.raises(NotAuthenticated):
            door.tokens.read_bearer(wrong)
    with pytest.raises(NotAuthenticated):
        door.tokens.read_cookie(token)
    for file in (door.directory / "keys").glob("*.key"):
        file.unlink()
    with pytest.raises(NotAuthenticated):
        door.tokens.read_bearer(token)


def test_what_is_remembered_of_tokens_is_bounded(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flightlake.auth.tokens._REMEMBERED", 10)
    first = door.tokens.bearer(ALICE, SESSION)
    for _ in range(30):
        door.tokens.read_bearer(door.tokens.bearer(ALICE, SESSION))
    assert len(door.tokens._read_before) == 10
    assert door.tokens.read_bearer(first).identity == ALICE


def test_a_token_does_not_outlive_the_login(door: Door) -> None:
    ends = START + timedelta(minutes=5)
    token = door.tokens.read_bearer(
        door.tokens.bearer(Identity("alice", method="jwt", expires_at=ends), SESSION)
    )
    assert token.expires_at == token.identity.expires_at == ends


def test_a_token_made_for_long_lives_as_long_though_the_keys_rotate(door: Door) -> None:
    ends = START + timedelta(days=60)
    identity = Identity("etl", method="token", expires_at=ends)
    token = door.tokens.bearer(identity, SESSION, whole=True)
    for _ in range(8):
        door.clock.advance(timedelta(days=7))
        door.tokens.bearer(ALICE, SESSION)
    assert door.new_tokens().read_bearer(token).expires_at == ends


def test_a_cookie_is_no_bearer_and_a_bearer_no_cookie(door: Door) -> None:
    with pytest.raises(NotAuthenticated):
        door.tokens.read_bearer(door.tokens.cookie(ALICE, SESSION))
    with pytest.raises(NotAuthenticated):
        door.tokens.read_cookie(door.tokens.bearer(ALICE, SESSION))
    assert not door.tokens.is_ours(door.tokens.cookie(ALICE, SESSION))


def test_a_cookie_carries_no_roles(door: Door) -> None:
    cookie = door.tokens.read_cookie(door.tokens.cookie(ALICE, SESSION))
    assert cookie.session == SESSION
    assert cookie.identity.roles == frozenset()


@pytest.mark.parametrize("changes", [{"issuer": "other"}, {"audience": "other"}], ids=str)
def test_a_token_of_another_server_with_the_same_keys_is_refused(
    door: Door, changes: dict[str, str]
) -> None:
    token = door.new_tokens(**changes).bearer(ALICE, SESSION)
    with pytest.raises(NotAuthenticated, match="does not hold"):
        door.tokens.read_bearer(token)


def test_a_token_signed_with_other_keys_is_refused(door: Door, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    token = Door(tmp_path / "elsewhere").tokens.bearer(ALICE, SESSION)
    with pytest.raises(NotAuthenticated, match="does not hold"):
        door.tokens.read_bearer(token)


def test_every_changed_character_breaks_the_token(door: Door) -> None:
    token = door.tokens.bearer(ALICE, SESSION)
    body_end = token.rindex(".")
    for at in range(0, body_end, 7):
        other = "A" if token[at] != "A" else "B"
        with pytest.raises(NotAuthenticated):
            door.tokens.read_bearer(token[:at] + other + token[at + 1 :])


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": ""},
        {"sub": None},
        {"sub": 7},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": float("inf")},
        {"exp": 1e300},
        {"iat": None},
        {"roles": "analyst"},
        {"roles": [1]},
        {"method": "root"},
        {"sid": None},
        {"options": []},
        {"aud": ["flightlake"]},
    ],
    ids=str,
)
def test_claims_of_the_wrong_kind_are_refused_even_if_signed(
    door: Door, changes: dict[str, object]
) -> None:
    key = door.new_keys().current()
    good = {
        "iss": "flightlake",
        "aud": "flightlake",
        "sub": "alice",
        "roles": [],
        "iat": START.timestamp(),
        "exp": START.timestamp() + 60,
        "sid": "s1",
        "method": "token",
    }

    def signed(claims: dict[str, object]) -> str:
        headers = {"kid": key.id, "typ": "flightlake+jwt"}
        body = {name: value for name, value in claims.items() if value is not None}
        # PyJWS: the encoder for claims would refuse to make some of these.
        import json

        return jwt.PyJWS().encode(json.dumps(body).encode(), key.secret, "HS256", headers=headers)

    assert door.tokens.read_bearer(signed(good)).identity.subject == "alice"
    with pytest.raises(NotAuthenticated, match=REFUSED[:20]):
        door.tokens.read_bearer(signed({**good, **changes}))


def test_a_critical_extension_is_refused(door: Door) -> None:
    key = door.new_keys().current()
    headers = {"kid": key.id, "typ": "flightlake+jwt", "crit": ["b64"], "b64": True}
    with pytest.raises(NotAuthenticated):
        door.tokens.read_bearer(jwt.encode({}, key.secret, "HS256", headers=headers))


def test_options_too_large_to_travel_are_refused(door: Door) -> None:
    with pytest.raises(InvalidRequest, match="4096 bytes"):
        door.tokens.bearer(ALICE, Session("s1", {"catalog": "x" * 5000}))


def test_a_foreign_token_is_not_ours(door: Door) -> None:
    assert not door.tokens.is_ours(foreign_token())


def test_the_two_refusals_say_different_things() -> None:
    assert EXPIRED != REFUSED
