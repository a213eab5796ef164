"""Lengths of time are read as people write them, and written so that they are read again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlake.errors import InvalidSql
from flightlake.refresh.durations import parse_duration, written


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1 second", 1),
        ("90 s", 90),
        ("1.5 hours", 5400),
        ("1 hour 30 minutes", 5400),
        (" 2 DAYS ", 172800),
        ("1w", 604800),
        ("1 h 1 m 1 s", 3661),
    ],
)
def test_a_number_and_a_unit_are_a_length_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text, "TARGET_LAG") == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["", "5", "minutes", "5 lightyears", "-1 m", "1 m,", "0 s", "0.5 s", "4000 days", "1e9 s"],
)
def test_what_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidSql, match="TARGET_LAG"):
        parse_duration(text, "TARGET_LAG")


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=3660)))
def test_what_is_written_is_read_as_the_same(duration: timedelta) -> None:
    assert parse_duration(written(duration), "it") == duration
