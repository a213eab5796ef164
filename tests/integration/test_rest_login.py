"""Client credentials of a REST catalog: tokens are fetched, renewed in time, and after a 401."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from flightlake.clock import Clock, ManualClock
from flightlake.errors import NotReady
from flightlake.lake.planning import Planner
from flightlake.lake.rest_catalog import RestTables, open_rest_catalog
from tests.components.token_endpoint import Door, door
from tests.fix_catalogs import TIMEOUT, Lake, orders, rest_lake

pytestmark = pytest.mark.component("iceberg-rest")


@pytest.fixture(scope="module")
def lake() -> Lake:
    made = rest_lake()
    made.create("orders").append(orders(1, 2))
    return made


@pytest.fixture
def guarded(lake: Lake) -> Iterator[Door]:
    """The catalog of ``lake`` behind a door that opens to tokens of its endpoint."""
    with door(lake.properties["uri"]) as made:
        yield made


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


def opened(guarded: Door, clock: Clock | None = None, **more: str) -> RestTables:
    login = {"credential": "me:secret", "oauth2-server-uri": guarded.token_uri}
    properties = {"uri": guarded.uri, **login, **more}
    return open_rest_catalog("lake", properties, TIMEOUT, Planner(), clock)


def load(catalog: RestTables, lake: Lake) -> None:
    assert catalog.load(lake.root, "orders").schema.names == ["id", "item"]


def test_one_token_serves_until_it_is_due(guarded: Door, lake: Lake, clock: ManualClock) -> None:
    guarded.says = 3600
    catalog = opened(guarded, clock)
    for _ in range(3):
        load(catalog, lake)
    clock.advance(timedelta(seconds=3600 - 61))
    load(catalog, lake)
    assert len(guarded.forms) == 1
    assert guarded.forms[0]["grant_type"] == "client_credentials"
    clock.advance(timedelta(seconds=2))
    load(catalog, lake)
    assert len(guarded.forms) == 2
    assert (guarded.refused, guarded.seen[-1]) == (0, list(guarded.tokens)[1])


def test_the_optional_fields_are_sent(guarded: Door, lake: Lake) -> None:
    load(opened(guarded, scope="lake:read", audience="lakes", resource="urn:lake"), lake)
    sent = {name: guarded.forms[0].get(name) for name in ("scope", "audience", "resource")}
    assert sent == {"scope": "lake:read", "audience": "lakes", "resource": "urn:lake"}


@pytest.mark.parametrize(("more", "sent"), [({}, "catalog"), ({"scope": ""}, None)])
def test_the_scope_is_catalog_unless_it_is_given_as_empty(
    guarded: Door, lake: Lake, more: dict[str, str], sent: str | None
) -> None:
    load(opened(guarded, **more), lake)
    assert guarded.forms[0].get("scope") == sent


def test_the_endpoint_is_the_catalogs_own_if_none_is_given(lake: Lake) -> None:
    # Iceberg's own fixture gives a token to whoever asks.
    properties = {"uri": lake.properties["uri"], "credential": "me:secret"}
    load(open_rest_catalog("lake", properties, TIMEOUT, Planner()), lake)


def test_while_the_endpoint_is_down_the_old_token_is_used(
    guarded: Door, lake: Lake, clock: ManualClock
) -> None:
    catalog = opened(guarded, clock)
    load(catalog, lake)
    guarded.down = True
    clock.advance(timedelta(seconds=3590))
    load(catalog, lake)
    assert len(guarded.forms) == 2
    clock.advance(timedelta(seconds=11))
    with pytest.raises(NotReady):
        load(catalog, lake)
    guarded.down = False
    load(catalog, lake)


@pytest.mark.parametrize("says", [3600.0, None])
def test_a_token_that_is_refused_is_renewed_and_the_request_sent_again(
    guarded: Door, lake: Lake, says: float | None
) -> None:
    guarded.says = says
    catalog = opened(guarded)
    for call in (
        lambda: load(catalog, lake),
        lambda: catalog.db_schemas(),
        lambda: catalog.tables(lake.root),
        lambda: catalog.views(lake.root),
    ):
        guarded.forget()
        call()
    assert guarded.refused == 3
    assert len(guarded.forms) == 4


def test_many_statements_renew_a_refused_token_once(guarded: Door, lake: Lake) -> None:
    catalog = opened(guarded)
    load(catalog, lake)
    with ThreadPoolExecutor(12) as threads:
        waiting = []
        for number in range(120):
            waiting.append(threads.submit(load, catalog, lake))
            if number in (30, 70):
                waiting[number - 12].result()
                guarded.forget()
                waiting.append(threads.submit(load, catalog, lake))
                waiting[-1].result()
        for each in waiting:
            each.result()
    assert len(guarded.forms) == 3


def test_tokens_of_a_second_serve_for_longer(guarded: Door, lake: Lake) -> None:
    guarded.lives = guarded.says = 0.4
    catalog = opened(guarded)
    with ThreadPoolExecutor(4) as threads:
        while len(guarded.forms) < 6:
            list(threads.map(lambda _: load(catalog, lake), range(8)))
    assert guarded.refused <= len(guarded.forms)


def test_a_wrong_secret_is_told_without_it(guarded: Door, lake: Lake) -> None:
    catalog = opened(guarded, credential="me:wrong-secret")
    with pytest.raises(NotReady) as error:
        load(catalog, lake)
    assert error.value.message == "catalog 'lake' refuses the credentials of this server"


def test_a_token_that_is_never_accepted_is_asked_for_once_more_only(
    guarded: Door, lake: Lake
) -> None:
    guarded.lives = 0.0
    with pytest.raises(NotReady, match="refuses the credentials"):
        load(opened(guarded), lake)
    assert len(guarded.forms) == 2
