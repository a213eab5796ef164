"""What must hold for a catalog that is read with the callers' own tokens."""

import pytest

from tests.fix_config import Problems


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("type = 'rest'", "nobody could have a token: add [[auth.jwt]]"),
        ("type = 'sql'", 'only catalogs of type "rest" are read with a token'),
        (
            "type = 'rest'\nproperties = { credential = 'a:b' }",
            "`credential` is the server's own login: leave out one of them",
        ),
    ],
)
def test_a_catalog_cannot_be_read_with_tokens_that_nobody_has_or_it_does_not_take(
    problems: Problems, text: str, words: str
) -> None:
    found = problems(f"[catalogs.lake]\nuri = 'http://x'\ncaller_token = true\n{text}")
    assert f"catalogs.lake.caller_token: {words}" in found
