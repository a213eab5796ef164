"""Catalogs are opened by type, and wrong settings are refused at once."""

import sqlite3
import stat
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from flightlake.errors import Unsupported
from flightlake.lake.catalogs import CATALOGS, open_catalog
from flightlake.lake.planning import Planner
from flightlake.lake.predicates import Anything
from tests.fix_catalogs import orders, sqlite_lake
from tests.fix_metadata import edit

TIMEOUT = timedelta(minutes=1)


def test_the_types_are_those_documented() -> None:
    assert set(CATALOGS) == {"sql", "rest", "hive", "glue"}


@pytest.mark.parametrize(
    ("type_", "uri", "said"),
    [
        ("sqll", "sqlite:///x", "unknown type 'sqll'; did you mean 'sql'"),
        ("zebra", "sqlite:///x", "known are sql, rest, hive, glue"),
        ("sql", "", "needs a uri"),
        ("sql", "not a uri", "needs a uri"),
        ("sql", "mysql://me:secret-part@host/db", "is in mysql; use SQLite or PostgreSQL"),
        ("sql", "sqlite://", "is in memory"),
        ("sql", "sqlite:///:memory:", "is in memory"),
        ("rest", "", "needs a uri that starts with http"),
        ("rest", "ftp://secret-part", "needs a uri that starts with http"),
        ("hive", "", "must be thrift://host:port"),
        ("hive", "thrift://one:9083,http://secret-part", "must be thrift://host:port"),
        ("hive", "thrift://one:port", "must be thrift://host:port"),
    ],
)
def test_wrong_settings_are_refused(type_: str, uri: str, said: str) -> None:
    with pytest.raises(Unsupported, match=said) as error:
        open_catalog("lake", type_, {"uri": uri}, TIMEOUT)
    assert "secret-part" not in error.value.message


@pytest.mark.parametrize(
    ("type_", "properties", "said"),
    [
        (
            "hive",
            {"uri": "thrift://one:9083", "hive.kerberos-authentication": "true"},
            "Kerberos is not supported",
        ),
        ("glue", {}, "glue.region of catalog 'lake': Glue needs a region"),
        ("glue", {"glue.region": "x", "uri": "secret-part"}, "uri .* Glue has none"),
        (
            "glue",
            {"glue.region": "x", "glue.max-retries": "many"},
            "glue.max-retries .* whole",
        ),
        ("glue", {"glue.region": "x", "glue.retry-mode": "storm"}, "glue.retry-mode .* standard"),
        ("glue", {"glue.region": "x", "glue.endpoint": "secret-part"}, "glue.endpoint .* http"),
    ],
)
def test_wrong_properties_are_refused(
    type_: str, properties: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(Unsupported, match=said) as error:
        open_catalog("lake", type_, properties, TIMEOUT)
    assert "secret-part" not in error.value.message


@pytest.mark.parametrize("type_", ["hive", "glue"])
def test_a_package_that_is_not_installed_is_named(
    type_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, f"flightlake.lake.{type_}_client", None)
    properties = {"uri": "thrift://one:9083"} if type_ == "hive" else {"glue.region": "x"}
    with pytest.raises(Unsupported, match=rf"not installed; install flightlake\[{type_}\]"):
        open_catalog("lake", type_, properties, TIMEOUT)


def test_a_catalog_may_have_been_written_under_another_name(tmp_path: Path) -> None:
    lake = sqlite_lake(tmp_path)
    ours = open_catalog("ours", "sql", {**lake.properties, "catalog_name": lake.name}, TIMEOUT)
    lake.create("orders")
    assert ours.name == "ours"
    assert ours.tables(lake.root) == ["orders"]


def test_a_database_that_may_not_be_written_is_read(tmp_path: Path) -> None:
    lake = sqlite_lake(tmp_path)
    lake.create("orders").append(orders(1))
    (tmp_path / "catalog.db").chmod(stat.S_IRUSR)
    assert lake.load("orders").plan_files(Anything()).record_count == 1


def test_views_are_not_tables(tmp_path: Path) -> None:
    lake = sqlite_lake(tmp_path)
    lake.create("orders")
    with sqlite3.connect(tmp_path / "catalog.db") as database:
        database.execute(
            "INSERT INTO iceberg_tables SELECT catalog_name, table_namespace, 'a_view',"
            " metadata_location, NULL, 'VIEW' FROM iceberg_tables"
        )
    database.close()
    assert lake.open().tables(lake.root) == ["orders"]


def test_a_database_of_the_first_schema_version_is_read(tmp_path: Path) -> None:
    lake = sqlite_lake(tmp_path)
    lake.create("orders")
    with sqlite3.connect(tmp_path / "catalog.db") as database:
        database.execute("ALTER TABLE iceberg_tables DROP COLUMN iceberg_type")
    database.close()
    assert lake.open().tables(lake.root) == ["orders"]
    assert lake.load("orders").snapshot_id is None


def test_catalogs_share_the_cache_of_one_planner(tmp_path: Path) -> None:
    lake, planner = sqlite_lake(tmp_path), Planner()
    lake.create("orders").append(orders(1))
    one, two = lake.open(planner=planner), lake.open(planner=planner)
    one.load(lake.root, "orders").plan_files(Anything())
    for manifest in (tmp_path / "warehouse").glob("**/*.avro"):
        manifest.unlink()
    assert two.load(lake.root, "orders").plan_files(Anything()).record_count == 1


def test_metadata_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    lake = sqlite_lake(tmp_path)
    lake.create("orders").append(orders(1))
    catalog = lake.open()
    first = catalog.load(lake.root, "orders")
    for metadata in (tmp_path / "warehouse").glob("**/*.json"):
        metadata.unlink()
    assert catalog.load(lake.root, "orders") is first


def test_the_properties_of_a_table_do_not_reach_its_store(tmp_path: Path) -> None:
    lake = sqlite_lake(tmp_path)
    lake.create("orders").append(orders(1))
    # pyiceberg itself would import and call what the table's owner wrote here.
    evil = {"s3.endpoint": "http://attacker", "py-io-impl": "os.system"}
    edit(lake, "orders", lambda document: document.update(properties=evil))
    table = lake.load("orders")
    assert table.store.endpoint is None
    assert table.plan_files(Anything()).record_count == 1
