"""More manifests in an object store than are read at the same time."""

import pyarrow as pa
import pytest

from flightlake.cancellation import Cancellation
from flightlake.errors import DamagedData, TimedOut
from flightlake.lake.planning import Planner
from flightlake.lake.predicates import Anything, Comparison
from flightlake.lake.table import IcebergTable
from tests.fix_catalogs import Lake, orders, s3_lake

MANIFESTS = 20


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = s3_lake(tmp_path_factory.mktemp("lake"))
    table = made.create("orders")
    for number in range(MANIFESTS):
        table.append(orders(number))
    return made


def load(lake: Lake, planner: Planner) -> IcebergTable:
    return lake.open(planner=planner).load(lake.root, "orders")


def test_all_manifests_are_read_a_few_at_a_time(lake: Lake) -> None:
    table = load(lake, Planner(threads=2))
    assert table.plan_files(Anything()).record_count == MANIFESTS
    for number in range(MANIFESTS):
        wanted = Comparison("id", "=", pa.scalar(number))
        assert len(table.plan_files(wanted).files) == 1


def test_a_manifest_that_is_gone_is_an_error_and_the_next_table_is_read(lake: Lake) -> None:
    table = lake.create("broken")
    for number in range(MANIFESTS):
        table.append(orders(number))
    snapshot = table.current_snapshot()
    assert snapshot is not None
    planner = Planner(threads=2)
    table.io.delete(snapshot.manifests(table.io)[MANIFESTS // 2].manifest_path)
    with pytest.raises(DamagedData, match=r"a manifest of table .* is missing"):
        lake.open(planner=planner).load(lake.root, "broken").plan_files(Anything())
    assert load(lake, planner).plan_files(Anything()).record_count == MANIFESTS


def test_reading_ends_when_the_statement_has_taken_too_long(lake: Lake) -> None:
    cancellation = Cancellation()
    cancellation.cancel(TimedOut("the statement took too long"))
    planner = Planner(threads=2)
    with pytest.raises(TimedOut):
        load(lake, planner).plan_files(Anything(), cancellation)
    assert planner.manifest_bytes == 0
    assert load(lake, planner).plan_files(Anything()).record_count == MANIFESTS
