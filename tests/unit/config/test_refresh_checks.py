"""Servers that share the work must know how; what has no effect is said."""

import pytest

from flightlake.config.models import Catalog, Refresh
from flightlake.config.refresh_checks import check_refresh

CATALOGS = {
    "lake": Catalog(type="sql", uri="sqlite:////srv/catalog.db", writable=True),
    "annex": Catalog(type="sql", uri="sqlite:////srv/annex.db"),
    "far": Catalog(type="rest", uri="http://localhost/", writable=True),
}


@pytest.mark.parametrize(
    "refresh",
    [
        Refresh(),
        Refresh(instance="a"),
        Refresh(ownership="peers", instance="a", peers=("a", "b")),
        Refresh(ownership="catalog", catalog="lake"),
    ],
)
def test_what_can_be_followed_has_no_problems(refresh: Refresh) -> None:
    assert list(check_refresh(refresh, CATALOGS)) == []


@pytest.mark.parametrize(
    ("refresh", "key", "words"),
    [
        (Refresh(ownership="peers", peers=("a", "b")), "instance", "one of `refresh.peers`"),
        (Refresh(ownership="peers", instance="c", peers=("a", "b")), "instance", "one of"),
        (Refresh(peers=("a", "b")), "peers", "no effect"),
        (Refresh(catalog="lake"), "catalog", "no effect"),
        (Refresh(ownership="catalog"), "catalog", "name one of"),
        (Refresh(ownership="catalog", catalog="lak"), "catalog", "did you mean lake?"),
        (Refresh(ownership="catalog", catalog="far"), "catalog", "has no database"),
        (Refresh(ownership="catalog", catalog="annex"), "catalog", "catalogs.annex.writable"),
    ],
)
def test_what_cannot_be_followed_is_said(refresh: Refresh, key: str, words: str) -> None:
    ((found, text),) = check_refresh(refresh, CATALOGS)
    assert found == f"refresh.{key}"
    assert words in text
