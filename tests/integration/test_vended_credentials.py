"""What a REST catalog says about a table's store is used; what the table says is not."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flightlake.errors import FlightlakeError, NotReady
from flightlake.lake.catalogs import open_catalog
from flightlake.lake.predicates import Anything
from flightlake.lake.table import IcebergTable
from tests.fix_catalogs import Lake, orders, s3_lake
from tests.fix_http import http_answers

CONFIG = json.dumps({"defaults": {}, "overrides": {}}).encode()
TIMEOUT = timedelta(minutes=2)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = s3_lake(tmp_path)
    made.create("orders").append(orders(1, 2))
    return made


def answer(lake: Lake, **told: Any) -> bytes:
    """Return the ``LoadTableResult`` of the table, with *told* beside its metadata."""
    table = lake.writer.load_table((lake.root, "orders"))
    with table.io.new_input(table.metadata_location).open() as opened:
        metadata = json.loads(opened.read())
    metadata["properties"] = {"s3.endpoint": "http://127.0.0.1:1", "s3.region": "mars"}
    result = {"metadata-location": table.metadata_location, "metadata": metadata, **told}
    return json.dumps(result).encode()


def loaded(body: bytes, read: Callable[[IcebergTable], int]) -> int:
    with http_answers(200, body, CONFIG) as uri:
        catalog = open_catalog("lake", "rest", {"uri": uri}, TIMEOUT)
        return read(catalog.load("bronze", "orders"))


def rows(table: IcebergTable) -> int:
    return table.plan_files(Anything()).record_count


def store_properties(lake: Lake) -> dict[str, str]:
    return {key: value for key, value in lake.properties.items() if key.startswith("s3.")}


@pytest.mark.component("s3")
def test_the_config_of_a_table_reaches_its_store(lake: Lake) -> None:
    assert loaded(answer(lake, config=store_properties(lake)), rows) == 2


@pytest.mark.component("s3")
def test_credentials_of_the_longest_prefix_are_used(lake: Lake) -> None:
    good = store_properties(lake)
    bad = {**good, "s3.secret-access-key": "wrong"}
    table = lake.writer.load_table((lake.root, "orders"))
    credentials = [
        {"prefix": "s3://", "config": bad},
        {"prefix": table.location(), "config": good},
        {"prefix": "s3://elsewhere", "config": bad},
    ]
    told = {"config": bad, "storage-credentials": credentials}
    assert loaded(answer(lake, **told), rows) == 2


@pytest.mark.component("s3")
def test_new_credentials_are_used_by_the_next_statement(lake: Lake) -> None:
    good = store_properties(lake)
    wrong = {**good, "s3.secret-access-key": "wrong"}

    def is_refused(table: IcebergTable) -> int:
        with pytest.raises(NotReady):
            rows(table)
        return -1

    assert loaded(answer(lake, config=wrong), is_refused) == -1
    assert loaded(answer(lake, config=good), rows) == 2


@pytest.mark.component("s3")
def test_the_properties_of_a_table_do_not_reach_its_store(lake: Lake) -> None:
    with http_answers(200, answer(lake, config={"s3.region": "us-east-1"}), CONFIG) as uri:
        table = open_catalog("lake", "rest", {"uri": uri}, TIMEOUT).load("bronze", "orders")
    assert (table.store.endpoint, table.store.region) == (None, "us-east-1")


@pytest.mark.component("s3")
@pytest.mark.parametrize("version", [4, 9])
def test_metadata_of_a_later_version_is_refused_by_its_number(lake: Lake, version: int) -> None:
    document = json.loads(answer(lake))
    document["metadata"]["format-version"] = version
    with pytest.raises(FlightlakeError, match=f"format version {version}"):
        loaded(json.dumps(document).encode(), rows)
