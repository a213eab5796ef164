"""Rows come in the types that were announced for them, or not at all."""

import pytest

from tests.fix_engine import Labs, labs, small_lake

__all__ = ["labs"]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT CASE id WHEN 1 THEN '' ELSE CAST(id AS VARCHAR) END FROM few WHERE id < 2", 2),
        ("SELECT CASE id WHEN 1 THEN name ELSE CAST(id AS VARCHAR) END FROM few", 6),
    ],
)
def test_texts_of_a_case_are_texts_however_the_engine_holds_them(
    labs: Labs, tmp_path, sql: str, rows: int
) -> None:
    lab = labs(small_lake(tmp_path))
    found = lab.rows(sql)
    assert len(found) == rows
    assert ("0",) in found
