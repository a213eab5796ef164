"""Keys are told to this process alone."""

import os
import re
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flightlake.clock import ManualClock
from flightlake.engine.key_server import KeyServer
from flightlake.errors import NotReady
from flightlake.lake.vending import Keys, VendedKeys

START = datetime(2026, 1, 1, tzinfo=UTC)


def fails() -> Keys:
    raise NotReady("catalog 'lake' does not answer")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def vended(clock: ManualClock) -> VendedKeys:
    keys = Keys("key", "quiet", "token", START + timedelta(hours=1), START + timedelta(hours=1))
    return VendedKeys("a-name", "lake.shop.orders", keys, fails, clock)


@pytest.fixture
def server(vended: VendedKeys) -> Iterator[KeyServer]:
    made = KeyServer()
    made.serve(vended)
    yield made
    made.close()


def told(server: KeyServer, vended: VendedKeys) -> tuple[str, str, Path]:
    """Return the address that a store is told, the secret, and the file it is in."""
    with server.told(vended):
        uri = os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
        file = Path(os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
    return uri, file.read_text(), file


def get(uri: str, secret: str | None) -> tuple[int, str]:
    headers = {} if secret is None else {"Authorization": secret}
    request = urllib.request.Request(uri, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def test_who_has_the_secret_gets_the_keys(server: KeyServer, vended: VendedKeys) -> None:
    uri, secret, _ = told(server, vended)
    status, body = get(uri, secret)
    assert status == 200
    assert '"Token": "token"' in body
    assert '"Expiration": "2026-01-01T01:00:00Z"' in body


@pytest.mark.parametrize("shown", [None, "", "wrong"])
def test_nobody_else_does(server: KeyServer, vended: VendedKeys, shown: str | None) -> None:
    uri, _, _ = told(server, vended)
    assert get(uri, shown) == (403, "{}")


def test_it_listens_on_loopback_and_its_secret_is_private(
    server: KeyServer, vended: VendedKeys
) -> None:
    uri, _, file = told(server, vended)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/a-name", uri)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_keys_that_are_forgotten_or_have_ended_are_not_told(
    server: KeyServer, vended: VendedKeys, clock: ManualClock
) -> None:
    uri, secret, _ = told(server, vended)
    clock.advance(timedelta(hours=2))
    assert get(uri, secret) == (403, "{}")
    server.forget(vended.name)
    assert get(uri, secret) == (404, "{}")
