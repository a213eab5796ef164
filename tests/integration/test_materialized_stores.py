"""Materialized views whose files are in object stores, and in a catalog in PostgreSQL."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flightlake.lake.commits import Refused
from tests.fix_catalogs import Lake, orders, postgresql_lake, s3_lake
from tests.fix_every_store import azure_lake, google_lake
from tests.fix_materialized import Interrupted, Mills


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(s3_lake, marks=pytest.mark.component("s3"), id="s3"),
        pytest.param(google_lake, marks=pytest.mark.component("fake-gcs"), id="google"),
        pytest.param(azure_lake, marks=pytest.mark.component("azurite"), id="azure"),
        pytest.param(postgresql_lake, marks=pytest.mark.component("postgresql"), id="postgresql"),
    ],
)
def test_a_view_is_made_refreshed_and_fenced(
    mills: Mills, tmp_path: Path, make: Callable[[Path], Lake]
) -> None:
    lake = make(tmp_path)
    mill, rival = mills(Interrupted, lake=lake), mills()
    source = lake.create("orders")
    source.append(orders(1, 2))
    mill.run("CREATE MATERIALIZED VIEW v PARTITIONED BY (id) AS SELECT id FROM orders")
    assert mill.stored("v") == [{"id": 1}, {"id": 2}]
    source.append(orders(3))
    mill.catalog.before = lambda: rival.run("REFRESH MATERIALIZED VIEW v")
    with pytest.raises(Refused, match="changed by somebody else"):
        mill.run("REFRESH MATERIALIZED VIEW v")
    assert mill.stored("v") == [{"id": 1}, {"id": 2}, {"id": 3}]
    assert mill.one("REFRESH MATERIALIZED VIEW v")["strategy"] == "NOOP"
    assert mill.one("DROP MATERIALIZED VIEW v")["state"] == "DROPPED"
