"""Durations, sizes, memory."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlake.config.values import (
    Memory,
    format_duration,
    format_size,
    parse_duration,
    parse_memory,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("30s", 30), ("5m", 300), ("1h", 3600), ("7d", 604800), (" 1.5 h ", 5400)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "30", "s", "-1s", "1w", "1h30m", "1e3s", "nan s", "99999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|ten years"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("1000", 1000), ("1B", 1), ("2MiB", 2**21), ("1.5 KiB", 1536), ("3GB", 3 * 10**9)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1mb", "1 PiB", "0x10"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        parse_size(text)


def test_memory_is_a_share_or_a_size() -> None:
    assert parse_memory("60%").of(1000) == 600
    assert parse_memory("8GiB") == Memory(size=2**33)
    assert parse_memory("8GiB").of(1000) == 2**33
    assert [str(parse_memory(text)) for text in ("60%", "12.5%", "8GiB")] == [
        "60%",
        "12.5%",
        "8GiB",
    ]


@pytest.mark.parametrize("text", ["0%", "101%", "-1%", "half"])
def test_what_is_no_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"share"):
        parse_memory(text)


@given(st.integers(0, 3660 * 86400 * 1000))
def test_durations_come_back_as_they_were_written(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(duration)) == duration


@given(st.integers(0, 2**50))
def test_sizes_come_back_as_they_were_written(size: int) -> None:
    assert parse_size(format_size(size)) == size
