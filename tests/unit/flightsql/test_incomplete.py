"""The header that says something is missing."""

from flightlake.flightsql.incomplete import incomplete


def test_nothing_missing_makes_no_header() -> None:
    assert incomplete([]) == []


def test_names_are_encoded_so_that_a_comma_separates() -> None:
    assert incomplete(["bronze", 'a,"ü"\n']) == [
        ("flightlake-incomplete", "bronze,a%2C%22%C3%BC%22%0A")
    ]


def test_a_long_list_is_cut_short_and_says_so() -> None:
    ((_, value),) = incomplete(f"catalog{number}" for number in range(10_000))
    assert value.endswith(",...")
    assert len(value) < 2100
