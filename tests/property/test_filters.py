"""Leaving files out changes no row: the same statement with and without, on the same tables."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flightlake.errors import FlightlakeError
from tests.fix_engine import Defaults, Lab, engine_on, tuples
from tests.fix_statements import SHAPES, lake_of_statements, statements


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Lab]]:
    """One lake under an engine that leaves files out, and one that does not."""
    folder = tmp_path_factory.mktemp("statements")
    lake = lake_of_statements(folder)
    catalogs = {lake.name: lake.open()}
    defaults = Defaults(lake.name, lake.root)
    pair = tuple(
        Lab(engine_on(catalogs, folder / "spill", prune=prune), defaults) for prune in (True, False)
    )
    yield pair
    for lab in pair:
        lab.engine.close()


def outcome(lab: Lab, sql: str) -> tuple[Any, int]:
    """Return the rows (in no order) or the error of *sql*, and how many files were read."""
    try:
        plan = lab.plan(sql)
        files = sum(len(paths) for scans in plan.paths.values() for paths in scans)
        return Counter(tuple(map(_same, row)) for row in tuples(lab.collect(plan))), files
    except FlightlakeError as error:
        return (type(error), error.message), 0


def _same(value: Any) -> Any:
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else repr(value)
    return value


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(sql=statements())
def test_statement_gives_the_same_rows_whether_files_are_left_out_or_not(
    both: tuple[Lab, Lab], sql: str
) -> None:
    pruned, whole = (outcome(lab, sql) for lab in both)
    assert pruned[0] == whole[0]
    assert pruned[1] <= whole[1]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_statement_runs_and_leaves_files_out_where_it_can(
    both: tuple[Lab, Lab], shape: str
) -> None:
    conditions = {"a": "a.id < 5", "b": "b.id BETWEEN 3 AND 12", "c": "c.id = 4"}
    sql = shape.format(**conditions)
    pruned, whole = (outcome(lab, sql) for lab in both)
    assert isinstance(whole[0], Counter), whole[0]
    assert pruned[0] == whole[0]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(low=st.integers(-5, 80), width=st.integers(0, 30))
def test_range_of_ids_reads_fewer_files(both: tuple[Lab, Lab], low: int, width: int) -> None:
    sql = f"SELECT id, s FROM u WHERE id BETWEEN {low} AND {low + width}"
    pruned, whole = (outcome(lab, sql) for lab in both)
    assert pruned[0] == whole[0]
    assert pruned[1] < whole[1]
