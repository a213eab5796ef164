"""A text has the same tokens each time, however far it was looked at before."""

from itertools import islice

import pytest

from flightlake.engine.sql_tokens import tokens
from flightlake.errors import InvalidSql


def test_tokens_are_the_same_each_time() -> None:
    sql = "SELECT 'a;b', $1 -- no more\n FROM \"t\" /* of /* two */ */ WHERE x >= 3"
    begun = list(islice(tokens(sql), 2))
    first, second = list(tokens(sql)), list(tokens(sql))
    assert [one.text for one in first] == [
        "SELECT", "'a;b'", ",", "$1", "FROM", '"t"', "WHERE", "x", ">=", "3",
    ]  # fmt: skip
    assert second == first
    assert first[:2] == begun


def test_a_text_without_an_end_is_refused_each_time() -> None:
    for _ in range(2):
        found = tokens("SELECT 'a")
        assert next(found).text == "SELECT"
        with pytest.raises(InvalidSql, match="no end"):
            next(found)
