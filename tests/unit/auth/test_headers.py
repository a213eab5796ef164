"""Reading credentials and cookies from headers."""

import pytest

from flightlake.auth.headers import Basic, Bearer, parse_authorization, read_cookie
from flightlake.errors import NotAuthenticated
from tests.fix_auth import basic


@pytest.mark.parametrize("padded", [True, False], ids=["padded", "unpadded"])
@pytest.mark.parametrize("password", ["a", "ab", "abc", "abcd", "p:w", "", "grüße"])
def test_basic_is_read_with_and_without_padding(password: str, padded: bool) -> None:
    header = basic("alice", password, padded=padded)["authorization"]
    assert parse_authorization(header) == Basic("alice", password)


@pytest.mark.parametrize("header", ["Bearer a.b-c_d", "bearer a.b-c_d", " BEARER  a.b-c_d "])
def test_bearer_is_read_in_all_spellings(header: str) -> None:
    assert parse_authorization(header) == Bearer("a.b-c_d")


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic YWxpY2U",  # no colon
        "Basic YQ==YQ==",
        "Basic /w==",  # not UTF-8
        "Basic OgA=",  # holds a NUL
        "Bearer",
        "Bearer a b",
        "Bearer ä",
        "Digest x",
        "x",
        "Bearer " + "a" * 40_000,
    ],
)
def test_anything_else_is_refused_with_what_to_send(header: str) -> None:
    with pytest.raises(NotAuthenticated, match="send `Basic`"):
        parse_authorization(header)


def test_secrets_do_not_show() -> None:
    assert "sesame" not in repr(Basic("alice", "sesame"))
    assert "sesame" not in repr(Bearer("sesame"))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("s=1", "1"),
        ("a=b; s=1; c=d", "1"),
        ('s="1"; $Path="/"', "1"),
        ("s=1;s=2", "1"),
        ("s=a=b", "a=b"),
        ("xs=1; s", None),
        ("s=", None),
        ("", None),
    ],
)
def test_a_cookie_is_found_among_others(header: str, value: str | None) -> None:
    assert read_cookie(header, "s") == value
