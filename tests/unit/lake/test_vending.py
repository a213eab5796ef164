"""Keys that a catalog hands out: renewed before they end, by one at a time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from flightlake.clock import ManualClock
from flightlake.errors import NotReady
from flightlake.lake.vending import Keys, VendedKeys, keys_in

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def given(token: str, ends: datetime | None) -> dict[str, str]:
    found = {
        "s3.access-key-id": "key",
        "s3.secret-access-key": "quiet",
        "s3.session-token": token,
    }
    if ends is not None:
        found["s3.session-token-expires-at-ms"] = str(int(ends.timestamp() * 1000))
    return found


def keys(token: str, ends: datetime, now: datetime = START) -> Keys:
    found = keys_in(given(token, ends), now)
    assert found is not None
    return found


class Catalog:
    """Hands out keys for an hour, or fails."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.asked = 0
        self.down = False

    def renew(self) -> Keys:
        self.asked += 1
        if self.down:
            raise NotReady("catalog 'lake' does not answer")
        now = self.clock.now()
        return keys(f"later {self.asked}", now + HOUR, now)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def catalog(clock: ManualClock) -> Catalog:
    return Catalog(clock)


@pytest.fixture
def vended(catalog: Catalog, clock: ManualClock) -> VendedKeys:
    return VendedKeys("name", "lake.shop.orders", keys("first", START + HOUR), catalog.renew, clock)


def test_they_are_renewed_five_minutes_before_their_end(
    vended: VendedKeys, catalog: Catalog, clock: ManualClock
) -> None:
    clock.advance(timedelta(minutes=54, seconds=59))
    assert (vended.current().session_token, catalog.asked) == ("first", 0)
    clock.advance(timedelta(seconds=1))
    assert (vended.current().session_token, catalog.asked) == ("later 1", 1)
    assert (vended.current().session_token, catalog.asked) == ("later 1", 1)


def test_short_lives_are_renewed_when_a_third_is_left() -> None:
    assert keys("t", START + timedelta(seconds=3)).renew_at == START + timedelta(seconds=2)


def test_without_an_end_they_are_taken_for_a_quarter_of_an_hour() -> None:
    found = keys_in(given("t", None), START)
    assert found is not None
    assert found.ends_at == START + timedelta(minutes=15)


def test_keys_without_a_token_do_not_end() -> None:
    assert keys_in({"s3.access-key-id": "key", "s3.secret-access-key": "s"}, START) is None


@pytest.mark.parametrize("lacking", ["s3.access-key-id", "s3.secret-access-key"])
def test_incomplete_keys_are_refused(lacking: str) -> None:
    found = given("t", None)
    del found[lacking]
    with pytest.raises(ValueError, match="incomplete"):
        keys_in(found, START)


def test_what_comes_with_the_table_is_taken_if_it_holds_longer(
    vended: VendedKeys, clock: ManualClock
) -> None:
    vended.offer(keys("shorter", START + HOUR / 2))
    assert vended.current().session_token == "first"
    vended.offer(keys("longer", START + 2 * HOUR))
    assert vended.current().session_token == "longer"


def test_a_catalog_that_is_down_is_asked_once_a_second_and_the_old_ones_are_used(
    vended: VendedKeys, catalog: Catalog, clock: ManualClock
) -> None:
    catalog.down = True
    clock.advance(timedelta(minutes=56))
    for _ in range(3):
        assert vended.current().session_token == "first"
    assert catalog.asked == 1
    clock.advance(timedelta(seconds=1))
    assert vended.current().session_token == "first"
    assert catalog.asked == 2
    clock.advance(timedelta(minutes=4))
    with pytest.raises(NotReady, match=r"table lake\.shop\.orders have expired"):
        vended.current()
    catalog.down = False
    assert vended.current().session_token == "later 4"


def test_one_renews_and_the_others_go_on(clock: ManualClock) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def renew() -> Keys:
        begun.set()
        assert go_on.wait(120)
        return keys("later", START + 2 * HOUR)

    vended = VendedKeys("name", "t", keys("first", START + HOUR), renew, clock)
    clock.advance(timedelta(minutes=57))
    with ThreadPoolExecutor(1) as threads:
        renewing = threads.submit(vended.current)
        assert begun.wait(120)
        assert vended.current().session_token == "first"
        go_on.set()
        assert renewing.result().session_token == "later"


def test_keys_that_have_ended_when_they_come_are_refused(clock: ManualClock) -> None:
    late = keys("late", START + HOUR)
    vended = VendedKeys("name", "t", late, lambda: late, clock)
    clock.advance(2 * HOUR)
    with pytest.raises(NotReady, match="gives out credentials that have expired"):
        vended.current()


def test_no_secret_is_shown(vended: VendedKeys) -> None:
    assert "quiet" not in repr(vended.current())
    assert "first" not in repr(vended.current())
