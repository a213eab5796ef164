"""Which columns get a dictionary, by how many rows there are."""

import numpy as np
import pyarrow as pa
import pytest

from flightlake.lake.dictionaries import repeating


@pytest.mark.parametrize("rows", [5_000, 50_000, 500_000])
def test_values_that_repeat_get_a_dictionary_and_others_none(rows: int) -> None:
    numbers = np.arange(rows)
    table = pa.table(
        {
            "each": numbers,
            "few": numbers * 7 % 100,
            "many": np.random.default_rng(2).permutation(rows),
        }
    )
    assert repeating(table) == ["few"]


def test_all_columns_of_a_few_rows_get_one() -> None:
    assert repeating(pa.table({"a": [1, 2], "s": [{"x": 1}, {"x": 2}]})) == ["a", "s.x"]
