"""EXPLAIN shows plans, and no paths of the server."""

from pathlib import Path

import pytest

from tests.fix_engine import Lab


@pytest.mark.parametrize("table", ["few", "big"])
@pytest.mark.parametrize(
    "how",
    ["", "ANALYZE", "VERBOSE", "ANALYZE VERBOSE", "FORMAT TREE", "FORMAT INDENT",
     "FORMAT PGJSON", "FORMAT GRAPHVIZ"],
)  # fmt: skip
def test_no_form_of_explain_shows_a_path(lab: Lab, folder: Path, how: str, table: str) -> None:
    plan = str(lab.rows(f"EXPLAIN {how} SELECT * FROM {table} a JOIN {table} b USING (id)"))
    assert "Scan" in plan or "DataSource" in plan
    for part in (*folder.parts[1:], "warehouse", ".parquet"):
        assert part not in plan.replace("file_type=parquet", "") or part == "tmp"
    assert "warehouse" not in plan
