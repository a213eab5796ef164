"""Search patterns of the metadata commands."""

import time

import pytest

from flightlake.flightsql.patterns import literal, matcher


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("orders", "orders", True),
        ("orders", "Orders", False),
        ("orders", "orders2", False),
        ("%", "", True),
        ("%", "anything", True),
        ("ord%", "orders", True),
        ("%ers", "orders", True),
        ("%d%e%", "orders", True),
        ("%e%d%", "orders", False),
        ("order_", "orders", True),
        ("order_", "order", False),
        ("a_b", "a_b", True),
        ("a_b", "axb", True),
        (r"a\_b", "a_b", True),
        (r"a\_b", "axb", False),
        (r"50\%", "50%", True),
        (r"50\%", "50 percent", False),
        (r"a\\b", r"a\b", True),
        (r"a\b", r"a\b", True),
        ("a\\", "a\\", True),
        ("", "", True),
        ("", "x", False),
        ("a.b[c]*", "a.b[c]*", True),
        ("a%", "a\nb", True),
    ],
)
def test_a_pattern_matches(pattern: str, name: str, matches: bool) -> None:
    assert matcher(pattern)(name) is matches


def test_no_pattern_lets_every_name_pass() -> None:
    assert matcher(None)("anything")


def test_a_hostile_pattern_takes_no_time() -> None:
    matches = matcher("%a" * 500 + "%b")
    started = time.thread_time()
    assert not matches("a" * 2000)
    assert time.thread_time() - started < 5


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        (None, None),
        ("%", None),
        ("ord%", None),
        ("orders", "orders"),
        ("my_table", "my_table"),
        (r"my\_table", "my_table"),
        (r"100\%", "100%"),
    ],
)
def test_a_pattern_that_means_one_name_is_recognised(
    pattern: str | None, meant: str | None
) -> None:
    assert literal(pattern) == meant
