"""NaN is read, compared and taken for the greatest, though footers' statistics leave it out."""

import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.conversions import to_bytes
from pyiceberg.types import DoubleType, FloatType

from tests.fix_catalogs import Lake
from tests.fix_engine import Lab
from tests.fix_hand_made import lab, world
from tests.fix_row_deletes import HandMade, column, entry

__all__ = ["lab", "world"]

CONTENTS: dict[str, list[Any]] = {
    "constant": [1.5, math.nan, 1.5],
    "numbers": [0.5, math.nan, 1.5],
    "only": [math.nan, math.nan],
    "null": [None, math.nan, 1.5],
    "zeros": [0.0, -0.0, math.nan],
    "none": [1.5, 1.5],
}
KNOWN = ["nothing", "bounds", "counts"]


def same(values: list[Any]) -> list[str]:
    return sorted(map(repr, values))


@pytest.fixture(params=["float", "double"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def write(
    world: tuple[Lake, Lab], folder: Path, kind: str, values: list[Any], known: str
) -> HandMade:
    """Make a table of one file, of which the manifest knows more or less."""
    made = HandMade(world[0], folder / "x", [column(1, "id", "long"), column(2, "x", kind)])
    data = pa.table({"id": list(range(len(values))), "x": values}, made.arrow())
    path, size = made.write(data)
    numbers = [value for value in values if value is not None and not math.isnan(value)]
    iceberg = FloatType() if kind == "float" else DoubleType()
    more: dict[str, Any] = {}
    if known != "nothing" and numbers:
        more["lower_bounds"] = {2: to_bytes(iceberg, min(numbers))}
        more["upper_bounds"] = {2: to_bytes(iceberg, max(numbers))}
    if known == "counts":
        nans = [value for value in values if value is not None and math.isnan(value)]
        more["nan_value_counts"] = {2: len(nans)}
    made.commit([entry(path, len(values), size, **more)])
    return made


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("content", CONTENTS)
def test_nan_is_read_whatever_the_manifest_knows(
    world: tuple[Lake, Lab], tmp_path: Path, kind: str, content: str, known: str
) -> None:
    values = CONTENTS[content]
    write(world, tmp_path, kind, values, known)
    lab = world[1]
    assert same([x for (x,) in lab.rows("SELECT x FROM hand")]) == same(values)
    nans = sum(value is not None and math.isnan(value) for value in values)
    for condition in ("isnan(x)", "x = 'NaN'", "x > 1e9", "x >= 1e9 OR x < -1e9"):
        assert lab.rows(f"SELECT count(*) FROM hand WHERE {condition}") == [(nans,)], condition
    numbers = [value for value in values if value is not None]
    greatest = math.nan if nans else max(numbers)
    assert same([x for (x,) in lab.rows("SELECT max(x) FROM hand")]) == same([greatest])


def test_a_column_known_to_have_no_nan_is_scanned_plainly(
    world: tuple[Lake, Lab], tmp_path: Path, kind: str
) -> None:
    write(world, tmp_path, kind, [1.5, 2.5], "counts")
    plan = world[1].plan("SELECT x FROM hand").frame.execution_plan().display_indent()
    assert "nanvl" not in plan
    assert "CAST" not in plan
