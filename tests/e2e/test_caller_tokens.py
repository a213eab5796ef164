"""A catalog that is read with the token of whoever asks: each sees what his token may see."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as dbapi
import pytest

from tests.components.token_endpoint import Door, door
from tests.fix_adbc import OPTIONS, adbc, rows
from tests.fix_auth import ISSUER, foreign_claims, foreign_token, public_pem, rsa_key
from tests.fix_catalogs import Lake, orders, rest_lake
from tests.fix_processes import Server, configure
from tests.fix_served_lake import catalogs, fill, lake_at

pytestmark = pytest.mark.component("iceberg-rest")


@dataclass(frozen=True)
class House:
    """A server with the catalog ``own``, read with callers' tokens, and ``lake``, by all."""

    server: Server
    guarded: Door
    lake: Lake
    secret: str


def token(subject: str, **claims: object) -> str:
    now = datetime.now(UTC)
    # Two of them are made when the tests are collected, long before they are run.
    claims = {"exp": (now + timedelta(days=1)).timestamp()} | claims
    return foreign_token(foreign_claims(now, sub=subject, **claims))


ALICE, BOB = token("alice"), token("bob")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Bob may not see the namespace that is ``secret``; Alice may."""
    folder: Path = tmp_path_factory.mktemp("callers")
    lake = rest_lake()
    lake.create("orders").append(orders(1, 2))
    secret = f"{lake.root}_secret"
    lake.writer.create_namespace(secret)
    lake.writer.create_table((secret, "wages"), orders(1).schema).append(orders(7))
    key = folder / "idp.pem"
    key.write_bytes(public_pem(rsa_key()))
    plain = lake_at(folder / "lake")
    fill(plain)
    with door(lake.properties["uri"]) as guarded:
        known = {ALICE, BOB}
        guarded.holds = lambda shown: shown in known
        guarded.may = lambda shown, path: shown == ALICE or secret not in path
        own = {"own": {"type": "rest", "uri": guarded.uri, "caller_token": True}}
        trust = {"issuer": ISSUER, "audience": "flightlake", "key_file": str(key)}
        config = configure(folder, {"auth": {"jwt": [trust]}}, catalogs(plain), {"catalogs": own})
        with Server(config) as server:
            yield House(server, guarded, lake, secret)


def connected(house: House, shown: str) -> Any:
    return adbc(house.server, **{OPTIONS.AUTHORIZATION_HEADER.value: f"Bearer {shown}"})


def test_the_catalog_sees_the_token_of_the_caller(house: House) -> None:
    sql = f"SELECT id FROM own.{house.lake.root}.orders ORDER BY id"
    for shown in (ALICE, BOB):
        house.guarded.seen.clear()
        with connected(house, shown) as connection:
            assert rows(connection, sql) == [(1,), (2,)]
        assert set(house.guarded.seen) == {shown}


def test_nobody_sees_what_only_another_may_see(house: House) -> None:
    wages = f"SELECT id FROM own.{house.secret}.wages"
    with connected(house, ALICE) as alice, connected(house, BOB) as bob:
        for _ in range(2):
            assert rows(alice, wages) == [(7,)]
            with pytest.raises(dbapi.Error, match="does not let you see this"):
                rows(bob, wages)
        assert rows(bob, f"SELECT count(*) FROM own.{house.lake.root}.orders") == [(2,)]


def test_callers_at_the_same_time_are_told_apart(house: House) -> None:
    wages = f"SELECT id FROM own.{house.secret}.wages"

    def asked(shown: str) -> bool:
        with connected(house, shown) as connection:
            try:
                return rows(connection, wages) == [(7,)]
            except dbapi.Error:
                return False

    order = [ALICE, BOB] * 6
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(asked, order)) == [shown == ALICE for shown in order]


def test_a_password_is_no_token_and_the_refusal_says_so(house: House) -> None:
    with adbc(house.server) as connection:
        with pytest.raises(dbapi.Error, match="catalog 'own' is read with the token of whoever"):
            rows(connection, f"SELECT * FROM own.{house.lake.root}.orders")
        assert rows(connection, "SELECT count(*) FROM lake.shop.orders")[0][0] > 0


def test_a_listing_leaves_out_the_catalog_for_whoever_has_no_token(house: House) -> None:
    with adbc(house.server) as connection:
        listed = connection.adbc_get_objects(depth="tables").read_all().to_pylist()
    schemas = {entry["catalog_name"]: entry["catalog_db_schemas"] for entry in listed}
    assert not schemas["own"]
    assert schemas["lake"]
    with connected(house, ALICE) as connection:
        listed = connection.adbc_get_objects(depth="db_schemas").read_all().to_pylist()
    (own,) = (entry for entry in listed if entry["catalog_name"] == "own")
    names = {schema["db_schema_name"] for schema in own["catalog_db_schemas"]}
    assert {house.lake.root, house.secret} <= names


def test_a_token_shown_as_a_password_goes_along_with_ours(house: House) -> None:
    # The driver logs in once, and shows only our token from then on.
    with adbc(house.server, username="token", password=ALICE) as connection:
        for _ in range(2):
            assert rows(connection, f"SELECT id FROM own.{house.secret}.wages") == [(7,)]


def test_prepared_statements_are_read_with_the_callers_token(house: House) -> None:
    sql = f"SELECT id FROM own.{house.secret}.wages WHERE id > ?"
    with connected(house, ALICE) as connection:
        assert rows(connection, sql, (1,)) == [(7,)]


def test_a_token_that_the_catalog_does_not_accept_is_told(house: House) -> None:
    sql = f"SELECT * FROM own.{house.lake.root}.orders"
    refused = pytest.raises(dbapi.Error, match="does not accept your token")
    with connected(house, token("carol")) as connection, refused:
        rows(connection, sql)


def test_no_log_line_holds_a_token(house: House) -> None:
    with connected(house, ALICE) as connection:
        rows(connection, f"SELECT id FROM own.{house.lake.root}.orders")
    said = house.server.log.read_text()
    assert not [shown for shown in (ALICE, BOB) if shown in said or shown.split(".")[2] in said]
