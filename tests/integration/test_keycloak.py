"""Tokens of a real identity provider: for the server, and the caller's own passed on."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jwt
import pytest

from flightlake.lake.planning import Planner
from flightlake.lake.rest_catalog import open_rest_catalog
from tests.components import keycloak
from tests.components.token_endpoint import Door, door
from tests.fix_adbc import OPTIONS, adbc, rows
from tests.fix_catalogs import TIMEOUT, Lake, orders, rest_lake, started
from tests.fix_processes import Server, configure, settled

LENIENCE = 30
"""Seconds after its end for which the catalog takes a token that comes late."""

pytestmark = [pytest.mark.component("keycloak"), pytest.mark.component("iceberg-rest")]


@pytest.fixture(scope="module")
def provider() -> keycloak.Server:
    found: keycloak.Server = started(keycloak)
    return found


@pytest.fixture(scope="module")
def lake() -> Lake:
    made = rest_lake()
    made.create("orders").append(orders(1, 2))
    return made


@pytest.fixture
def guarded(provider: keycloak.Server, lake: Lake) -> Iterator[Door]:
    """The catalog of ``lake`` behind a door that opens to tokens of the provider."""
    keys = jwt.PyJWKClient(provider.jwks_uri)

    def holds(token: str) -> bool:
        try:
            key = keys.get_signing_key_from_jwt(token).key
            jwt.decode(token, key, algorithms=["RS256"], audience="flightlake", leeway=LENIENCE)
        except jwt.PyJWTError:
            return False
        return True

    with door(lake.properties["uri"]) as made:
        made.holds = holds
        yield made


def test_tokens_that_end_after_seconds_are_renewed_under_many_loads(
    provider: keycloak.Server, lake: Lake, guarded: Door
) -> None:
    login = {
        "credential": f"{keycloak.CLIENT}:{keycloak.SECRET}",
        "oauth2-server-uri": provider.token_uri,
        "scope": "",
    }
    catalog = open_rest_catalog("lake", {"uri": guarded.uri, **login}, TIMEOUT, Planner())
    with ThreadPoolExecutor(4) as threads:

        def loaded() -> bool:
            for table in threads.map(lambda _: catalog.load(lake.root, "orders"), range(8)):
                assert table.schema.names == ["id", "item"]
            return len(set(guarded.seen)) >= 3

        settled(loaded, "three tokens, one after the other")


def test_the_callers_token_reaches_the_catalog(
    provider: keycloak.Server, lake: Lake, guarded: Door, tmp_path: Path
) -> None:
    trust = {
        "issuer": provider.issuer,
        "audience": "flightlake",
        "jwks_url": provider.jwks_uri,
        "subject_claim": "preferred_username",
    }
    own = {"own": {"type": "rest", "uri": guarded.uri, "caller_token": True}}
    config = configure(tmp_path, {"auth": {"jwt": [trust]}}, {"catalogs": own})
    sql = f"SELECT id FROM own.{lake.root}.orders ORDER BY id"
    with Server(config) as server:
        token = provider.user_token()
        header = {OPTIONS.AUTHORIZATION_HEADER.value: f"Bearer {token}"}
        with adbc(server, **header) as connection:
            assert rows(connection, sql) == [(1,), (2,)]
        assert set(guarded.seen) == {token}
        with adbc(server, username="token", password=provider.user_token()) as connection:
            assert rows(connection, sql) == [(1,), (2,)]
