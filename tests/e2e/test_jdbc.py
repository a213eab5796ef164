"""The official JDBC driver, with the connection line that `make demo` prints."""

from collections import defaultdict

import pytest

from tests.components import jdbc_driver_client
from tests.e2e.conftest import Shop
from tests.fix_catalogs import started
from tests.fix_processes import PASSWORD, USER
from tests.fix_raw_client import RawClient
from tests.fix_served_lake import NUMBERS

pytestmark = pytest.mark.component("jdbc-driver")

Said = dict[str, list[list[str]]]


def url(shop: Shop, user: str = USER, password: str = PASSWORD, more: str = "") -> str:
    return (
        f"jdbc:arrow-flight-sql://127.0.0.1:{shop.server.port}/?useEncryption=true"
        f"&disableCertificateVerification=true&user={user}&password={password}{more}"
    )


def told(output: str) -> Said:
    """Return the program's lines by their first word."""
    found: Said = defaultdict(list)
    for line in output.splitlines():
        label, *values = line.split("\t")
        found[label].append(values)
    return found


@pytest.fixture(scope="module")
def said(shop: Shop) -> Said:
    """What one connection was told: a Java machine takes a second to start."""
    everything = ("select", "types", "parameters", "metadata", "walk", "errors")
    return told(
        started(jdbc_driver_client, lambda: jdbc_driver_client.client(url(shop), *everything))
    )


def test_rows_are_read(said: Said):
    assert said["orders"] == [
        ["1", "ale", "2.5"],
        ["2", "bread", "3.25"],
        ["3", "cheese", "7.0"],
        ["4", "null", "1.0"],
    ]
    assert said["numbers"] == [[str(NUMBERS)]]
    assert said["has results"] == [["true"]]


def test_values_of_each_type_arrive(said: Said):
    found = {name: (kind, value) for name, kind, value, _ in said["type"]}
    assert found == {
        "i": ("BIGINT", "1"),
        "l": ("BIGINT", "2"),
        "d": ("DOUBLE", "1.5"),
        "s": ("VARCHAR", "x"),
        "b": ("BOOLEAN", "true"),
        "m": ("DECIMAL", "12.34"),
        "day": ("DATE", "2024-02-29"),
        "at": ("TIMESTAMP", "2024-02-29 12:30:01.25"),
        "bytes": ("VARBINARY", "[0, -1]"),
        "nothing": ("NULL", "null"),
        "small": ("SMALLINT", "7"),
        "r": ("FLOAT", "1.25"),
        "t": ("TIME", "12:30:01"),
        "list": ("ARRAY", "[1,2]"),
    }


def test_parameters_are_bound(said: Said):
    assert said["parameters"] == [["3"]]
    assert said["columns"] == [["2"]]
    assert said["first"] == [["1", "ale"]]
    assert said["second"] == [["2", "bread"], ["3", "cheese"]]
    assert said["typed"] == [["42", "it's", "true", "2.5", "2024-02-29", "12.34", "null"]]


def test_metadata_names_what_there_is(said: Said):
    assert said["catalog"] == [["annex"], ["gone"], ["lake"], ["lost"]]
    assert ["lake", "bronze.inventory"] in said["schema"]
    assert ["lake", "shop", "orders", "TABLE"] in said["table"]
    assert said["table only"] == [["orders"]]
    assert said["odd"] == [['Odd "Name"']]
    assert said["column"] == [
        ["orders", "id", "-5", "BIGINT", "1", "YES"],
        ["orders", "item", "12", "VARCHAR", "2", "YES"],
        ["orders", "price", "8", "DOUBLE", "3", "YES"],
    ]
    assert said["table type"] == [["MATERIALIZED VIEW"], ["SYSTEM TABLE"], ["TABLE"], ["VIEW"]]
    for key in ("primary key", "imported key", "exported key", "cross"):
        assert said[key] == []


def test_no_getter_of_the_metadata_fails(said: Said):
    failed = {name: value for name, value in said["getter"] if value.startswith("FAILED")}
    assert failed == {}
    assert len(said["getter"]) > 100
    assert dict(said["getter"])["getDatabaseProductName"] == "flightlake"


def test_errors_are_sentences(said: Said):
    unknown, syntax, drop = (line[0] for line in said["error"])
    assert "did you mean 'orders'" in unknown
    assert "SELEKT" in syntax
    assert "only reads" in drop
    assert said["still there"] == [["1"]]


def test_a_token_is_taken_in_the_password_box_and_on_its_own(shop: Shop, client: RawClient):
    token = client.login()
    # The catalog is set as a session option, which comes back as a cookie.
    of_both = url(shop, "token", token, "&catalog=annex")
    found = told(started(jdbc_driver_client, lambda: jdbc_driver_client.client(of_both, "session")))
    assert found["there"] == [["4"]]
    assert "not there" not in found
    assert "numbers" in found["refused"][0][0]
    alone = url(shop).partition("&user=")[0] + f"&token={token}"
    assert told(jdbc_driver_client.client(alone, "errors"))["still there"] == [["1"]]


def test_a_wrong_password_is_refused(shop: Shop):
    started(jdbc_driver_client, jdbc_driver_client.ensure)
    with pytest.raises(AssertionError, match=r"UNAUTHENTICATED|nauthenticated|password"):
        jdbc_driver_client.client(url(shop, password="guessed"), "errors")
