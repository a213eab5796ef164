"""What becomes of a change that is sent to a REST catalog, whatever the answer to it is."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update import SetPropertiesUpdate

from flightlake.errors import FlightlakeError, NotReady, Unsupported
from flightlake.lake.commits import OutcomeUnknown, Refused
from flightlake.lake.property_changes import changed_properties
from flightlake.lake.writing import WritingRefused
from flightlake.names import TableIdentifier
from tests.fix_catalogs import Lake, rest_lake
from tests.fix_gateway import Gateway, gateway
from tests.fix_materialized import NEW, OLD, QUERY, Mill, Mills, mills, with_news

__all__ = ["mills"]

pytestmark = pytest.mark.component("iceberg-rest")

REFRESH = "REFRESH MATERIALIZED VIEW v"


@pytest.fixture
def lake() -> Lake:
    return rest_lake()


@pytest.fixture
def between(lake: Lake) -> Iterator[Gateway]:
    with gateway(lake.properties["uri"]) as made:
        yield made


@pytest.fixture
def mill(mills: Mills, lake: Lake, between: Gateway) -> Mill:
    found = with_news(mills(lake=replace(lake, properties={"uri": between.uri})))
    between.changes.clear()
    return found


def refused(mill: Mill, sql: str = REFRESH) -> FlightlakeError:
    with pytest.raises(FlightlakeError) as caught:
        mill.run(sql)
    assert "127.0.0.1" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("fault", ["cut", "then 502", "then 200", "twice"])
def test_a_change_that_was_made_is_found_whatever_the_answer(
    mill: Mill, between: Gateway, fault: str
) -> None:
    between.fault = fault
    assert mill.one(REFRESH)["rows"] == 2
    assert mill.stored("v") == NEW
    assert mill.files("v") == mill.named("v")
    assert mill.one(f"CREATE MATERIALIZED VIEW w AS {QUERY}")["rows"] == 2
    assert mill.one("DROP MATERIALIZED VIEW w")["state"] == "DROPPED"
    assert len(between.changes) == 3, "nothing was sent twice by us"


@pytest.mark.parametrize("fault", ["500", "503", "429"])
def test_an_answer_that_says_nothing_leaves_the_outcome_unknown(
    mill: Mill, between: Gateway, fault: str
) -> None:
    before = mill.files("v")
    between.fault = fault
    assert isinstance(refused(mill), OutcomeUnknown)
    assert len(between.changes) == 1
    assert mill.files("v") > before, "it may yet be done"
    between.fault = ""
    assert mill.one(REFRESH)["strategy"] == "FULL"


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("401", WritingRefused, "does not let this server write"),
        ("403", WritingRefused, "does not let this server write"),
        ("400", Unsupported, "does not take this change"),
        ("501", Unsupported, "does not take this change"),
        # The catalog itself would do it, were it followed.
        ("307", Unsupported, "does not take this change"),
    ],
)
def test_what_was_certainly_not_done_leaves_nothing(
    mill: Mill, between: Gateway, fault: str, error: Any, words: str
) -> None:
    before = mill.files("v")
    between.fault = fault
    failure = refused(mill)
    assert isinstance(failure, error)
    assert words in failure.message
    assert len(between.changes) == 1
    assert mill.files("v") == before
    assert mill.stored("v") == OLD
    assert isinstance(refused(mill, "DROP MATERIALIZED VIEW v"), error)
    assert mill.stored("v") == OLD


def test_a_change_that_arrives_late_is_unknown_and_is_found(mill: Mill, between: Gateway) -> None:
    between.fault = "late"
    assert isinstance(refused(mill), OutcomeUnknown)
    assert mill.stored("v") == OLD
    between.arrive()
    assert mill.stored("v") == NEW
    between.fault = ""
    assert mill.one(REFRESH)["strategy"] == "NOOP"


def test_nothing_was_done_where_there_was_nobody_to_connect_to(lake: Lake) -> None:
    lake.create("orders")
    name = TableIdentifier(lake.name, lake.root, "orders")
    with gateway(lake.properties["uri"]) as between:
        catalog: Any = replace(lake, properties={"uri": between.uri}).open()
        base = catalog.current(name)
    with pytest.raises(NotReady, match="does not answer"):
        catalog.attempt(base, [SetPropertiesUpdate(updates={"a": "b"})])


def test_properties_are_changed_in_one_order_with_all_else(mill: Mill, lake: Lake) -> None:
    # REST compares no properties: without more, both of these would be made.
    catalog: Any = mill.catalog
    base = catalog.current(TableIdentifier(lake.name, lake.root, "v"))
    one, other = ([SetPropertiesUpdate(updates={"policy": text})] for text in ("one", "other"))
    changed_properties(catalog, base, one, lambda now: now.properties.get("policy") == "one")
    with pytest.raises(Refused):
        changed_properties(catalog, base, other, lambda now: now.properties["policy"] == "other")
    table = mill.table("v")
    assert table.properties["policy"] == "one"
    assert mill.stored("v") == OLD
    head = table.current_snapshot()
    assert head is not None
    assert head.summary is not None
    assert head.summary.operation == Operation.REPLACE
    assert head.summary["total-records"] == "2"
    manifests = {found.manifest_path for found in head.manifests(table.io)}
    lists = list(Path(table.location().removeprefix("file://")).glob("metadata/*-list.avro"))
    assert len(manifests) == 1
    assert len(lists) == 2, "who was refused has left none behind"
    # It is no change of the rows.
    mill.run(REFRESH)
    assert mill.one(REFRESH)["strategy"] == "NOOP"
