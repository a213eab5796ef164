"""Sealed handles."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flightlake.auth.keys import Key, KeyRing
from flightlake.clock import ManualClock
from flightlake.errors import NotFound
from flightlake.flightsql.handles import Sealer
from tests.fix_keys import FIRST, SECOND, Ring

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def test_a_sealed_payload_comes_back(clock: ManualClock) -> None:
    sealer = Sealer(Ring(), clock)
    assert sealer.open("ticket", sealer.seal("ticket", b"payload", START + HOUR)) == b"payload"


def test_another_process_with_the_same_keys_opens_it(clock: ManualClock) -> None:
    sealed = Sealer(Ring(), clock).seal("ticket", b"payload", START + HOUR)
    assert Sealer(Ring(), clock).open("ticket", sealed) == b"payload"


def test_an_older_key_that_still_lives_opens_it(clock: ManualClock) -> None:
    ring = Ring([FIRST])
    sealer = Sealer(ring, clock)
    sealed = sealer.seal("ticket", b"payload", START + HOUR)
    ring.keys.append(SECOND)
    assert sealer.open("ticket", sealed) == b"payload"
    assert b"second" in sealer.seal("ticket", b"", START + HOUR)


def test_a_key_that_is_gone_opens_nothing(clock: ManualClock) -> None:
    sealed = Sealer(Ring([FIRST]), clock).seal("ticket", b"payload", START + HOUR)
    with pytest.raises(NotFound, match="not one this server issued"):
        Sealer(Ring([SECOND]), clock).open("ticket", sealed)


def test_another_servers_key_of_the_same_name_opens_nothing(clock: ManualClock) -> None:
    sealed = Sealer(Ring([FIRST]), clock).seal("ticket", b"payload", START + HOUR)
    with pytest.raises(NotFound, match="not one this server issued"):
        Sealer(Ring([Key("first", b"x" * 32)]), clock).open("ticket", sealed)


def test_a_handle_for_another_purpose_is_refused(clock: ManualClock) -> None:
    sealer = Sealer(Ring(), clock)
    sealed = sealer.seal("prepared statement handle", b"payload", START + HOUR)
    with pytest.raises(NotFound, match="the ticket is not one this server issued"):
        sealer.open("ticket", sealed)


def test_an_expired_handle_is_refused_and_says_so(clock: ManualClock) -> None:
    sealer = Sealer(Ring(), clock)
    sealed = sealer.seal("ticket", b"payload", START + HOUR)
    clock.advance(HOUR - timedelta(milliseconds=1))
    assert sealer.open("ticket", sealed) == b"payload"
    clock.advance(timedelta(milliseconds=1))
    with pytest.raises(NotFound, match="the ticket has expired"):
        sealer.open("ticket", sealed)


@pytest.mark.parametrize("sealed", [b"", b"\xff", b"\x00" * 32, b"x" * 100])
def test_rubbish_is_refused(clock: ManualClock, sealed: bytes) -> None:
    with pytest.raises(NotFound, match="not one this server issued"):
        Sealer(Ring(), clock).open("ticket", sealed)


def test_a_large_foreign_handle_is_refused(clock: ManualClock) -> None:
    with pytest.raises(NotFound, match="not one this server issued"):
        Sealer(Ring(), clock).open("ticket", b"\x22" + b"\x00" * (64 * 1024 * 1024))


def test_the_servers_own_key_ring_seals_and_opens(clock: ManualClock, tmp_path: Path) -> None:
    ring = KeyRing(tmp_path, rotation=7 * 24 * HOUR, retention=HOUR, clock=clock)
    sealed = Sealer(ring, clock).seal("ticket", b"payload", START + HOUR)
    other = KeyRing(tmp_path, rotation=7 * 24 * HOUR, retention=HOUR, clock=clock)
    assert Sealer(other, clock).open("ticket", sealed) == b"payload"
