"""Key sets behind a URL, from a real server on loopback."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from flightlake.auth.jwks import FileKeys, RemoteKeys, check_url
from flightlake.clock import ManualClock
from flightlake.errors import NotReady
from tests.fix_auth import START, identity_provider, jwk, public_pem, rsa_key

FIRST = jwk(rsa_key("first"), kid="first")
SECOND = jwk(rsa_key("second"), kid="second")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def ids(keys: RemoteKeys | FileKeys, key_id: str | None) -> list[str | None]:
    return [key.id for key in keys.find(key_id)]


def test_keys_are_fetched_once_and_remembered(clock: ManualClock) -> None:
    with identity_provider(FIRST, SECOND) as provider:
        keys = RemoteKeys(provider.url, clock=clock)
        assert provider.requests == 0
        for _ in range(3):
            assert ids(keys, "second") == ["second"]
        assert ids(keys, None) == ["first", "second"]
        assert provider.requests == 1


def test_keys_are_fetched_again_after_five_minutes(clock: ManualClock) -> None:
    with identity_provider(FIRST) as provider:
        keys = RemoteKeys(provider.url, clock=clock)
        assert ids(keys, "first") == ["first"]
        provider.publish(SECOND)
        clock.advance(timedelta(minutes=5, seconds=1))
        assert ids(keys, "first") == []
        assert ids(keys, "second") == ["second"]
        assert provider.requests == 2


def test_an_unknown_key_id_makes_a_rotation_be_seen_at_once(clock: ManualClock) -> None:
    with identity_provider(FIRST) as provider:
        keys = RemoteKeys(provider.url, clock=clock)
        assert ids(keys, "first") == ["first"]
        clock.advance(timedelta(seconds=31))
        provider.publish(FIRST, SECOND)
        assert ids(keys, "second") == ["second"]
        assert provider.requests == 2


def test_made_up_key_ids_do_not_turn_us_against_the_provider(clock: ManualClock) -> None:
    with identity_provider(FIRST) as provider:
        keys = RemoteKeys(provider.url, clock=clock)
        for number in range(200):
            assert ids(keys, f"made-up-{number}") == []
        assert provider.requests == 1
        clock.advance(timedelta(seconds=31))
        for number in range(200):
            assert ids(keys, f"made-up-{number}") == []
        assert provider.requests == 2


def test_known_keys_serve_while_the_provider_is_down(clock: ManualClock) -> None:
    with identity_provider(FIRST) as provider:
        keys = RemoteKeys(provider.url, clock=clock)
        assert ids(keys, "first") == ["first"]
    for hours in (1, 22):
        clock.advance(timedelta(hours=hours))
        assert ids(keys, "first") == ["first"]
    clock.advance(timedelta(hours=2))
    with pytest.raises(NotReady, match="identity provider"):
        keys.find("first")


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (500, b"{}"),
        (200, b"<html>"),
        (200, b'{"keys": []}'),
        (200, b"[" * 100_000),
        (200, b" " * (1024 * 1024) + b'{"keys": []}'),
    ],
    ids=["error", "html", "empty", "nested", "huge"],
)
def test_a_bad_answer_keeps_the_known_keys(
    clock: ManualClock, status: int, document: bytes
) -> None:
    with identity_provider(FIRST) as provider:
        keys = RemoteKeys(provider.url, clock=clock)
        assert ids(keys, "first") == ["first"]
        provider.status, provider.document = status, document
        clock.advance(timedelta(minutes=6))
        assert ids(keys, "first") == ["first"]
        assert provider.requests == 2


def test_a_provider_that_never_answered_is_asked_again_later(clock: ManualClock) -> None:
    with identity_provider(FIRST) as provider:
        provider.status = 503
        keys = RemoteKeys(provider.url, clock=clock)
        for _ in range(5):
            with pytest.raises(NotReady):
                keys.find("first")
        assert provider.requests == 1
        provider.status = 200
        clock.advance(timedelta(seconds=31))
        assert ids(keys, "first") == ["first"]


def test_keys_published_without_ids_serve_any_key_id(clock: ManualClock) -> None:
    with identity_provider(jwk(rsa_key()), SECOND) as provider:
        keys = RemoteKeys(provider.url, clock=clock)
        assert ids(keys, "other") == [None]
        assert ids(keys, "second") == ["second"]


def test_a_redirect_to_an_open_address_is_not_followed(clock: ManualClock) -> None:
    with identity_provider(FIRST) as provider:
        provider.status, provider.location = 302, "http://idp.example/jwks"
        with pytest.raises(NotReady):
            RemoteKeys(provider.url, clock=clock).find("first")


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/jwks",
        "file:///etc/passwd",
        "ftp://127.0.0.1/jwks",
        "https://",
        "jwks",
        "http://127.0.0.1.example/jwks",
        "http://localhost.example/jwks",
    ],
)
def test_only_safe_addresses_are_taken(url: str, clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="https"):
        RemoteKeys(url, clock=clock)


@pytest.mark.parametrize(
    "url",
    ["https://idp.example/jwks", "http://localhost:1/", "http://[::1]:1/", "http://127.1.1.1"],
)
def test_https_and_loopback_are_taken(url: str) -> None:
    check_url(url)


def test_a_key_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "idp.pem"
    path.write_bytes(public_pem(rsa_key("first")))
    keys = FileKeys(path)
    (before,) = keys.find(None)
    path.write_bytes(b"nonsense")
    os.utime(path, ns=(1, 1))
    assert keys.find(None) == (before,)
    path.write_bytes(public_pem(rsa_key("second")))
    os.utime(path, ns=(2, 2))
    (after,) = keys.find(None)
    assert after.key.public_numbers() == rsa_key("second").public_key().public_numbers()
