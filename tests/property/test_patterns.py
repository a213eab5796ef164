"""Search patterns against a regular expression that says the same."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from flightlake.flightsql.patterns import literal, matcher

ALPHABET = "ab%_\\.*"
PATTERNS = st.text(alphabet=ALPHABET, max_size=8)
NAMES = st.text(alphabet=ALPHABET, max_size=10)


def _oracle(pattern: str, name: str) -> bool:
    parts = re.findall(r"\\[\\%_]|.", pattern, flags=re.DOTALL)
    wild = {"%": ".*", "_": "."}
    expression = "".join(
        wild.get(part) or re.escape(part[1:] if len(part) == 2 else part) for part in parts
    )
    return re.fullmatch(expression, name, flags=re.DOTALL) is not None


@given(pattern=PATTERNS, name=NAMES)
@example(pattern="%a%b", name="aab")
@example(pattern="\\", name="\\")
@example(pattern="\\\\%", name="\\x")
def test_a_pattern_means_what_the_regular_expression_means(pattern: str, name: str) -> None:
    assert matcher(pattern)(name) == _oracle(pattern, name)


@given(name=st.text(max_size=20))
def test_an_escaped_name_matches_only_itself(name: str) -> None:
    pattern = re.sub(r"([\\%_])", r"\\\1", name)
    assert matcher(pattern)(name)
    assert not matcher(pattern)(name + "x")
    assert literal(pattern) == name


@given(pattern=PATTERNS)
def test_the_name_a_pattern_means_is_matched_by_it(pattern: str) -> None:
    meant = literal(pattern)
    assert meant is None or matcher(pattern)(meant)
