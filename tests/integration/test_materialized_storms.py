"""Materialized views in an object store whose requests fail, are cut, get lost or stall: the view
is the old or the new snapshot in full, and once the store is well again the next refresh succeeds.
"""

import os
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from flightlake.errors import FlightlakeError
from flightlake.lake.catalogs import open_catalog
from flightlake.lake.commits import OutcomeUnknown
from tests.components import s3
from tests.fix_catalogs import s3_lake, started
from tests.fix_faults import Weather
from tests.fix_materialized import Mills
from tests.fix_siege import STATEMENTS, Siege
from tests.fix_storms import STORMS, Storm, proxied

TRIALS = 12 * int(os.environ.get("FLIGHTLAKE_VIEW_STORIES", "1"))
_TIMEOUT = timedelta(seconds=1)
_KINDS = ("create", "refresh", "full", "replace", "restore")


@pytest.fixture
def storm() -> Storm:
    return Storm()


@pytest.fixture
def siege(mills: Mills, tmp_path: Path, storm: Storm) -> Iterator[Siege]:
    lake = s3_lake(tmp_path)
    with proxied(started(s3).port, storm) as endpoint:
        behind = {**lake.properties, "s3.endpoint": endpoint}
        victim = mills(lambda _: open_catalog(lake.name, "sql", behind, _TIMEOUT), lake=lake)
        made = Siege(victim, mills(), Weather())
        made.news()
        yield made


@pytest.mark.component("s3")
def test_requests_that_go_wrong_make_no_row_wrong(siege: Siege, storm: Storm) -> None:
    chance = random.Random(4)  # noqa: S311 - to be told again
    struck = failed = 0
    for _ in range(TRIALS):
        kind, what = chance.choice(_KINDS), chance.choice(STORMS)
        siege.ready(kind)
        if kind == "refresh":
            siege.news()
        before = siege.pointer()
        # The engine waits for each answer for half a minute, and asks for minutes again.
        at, lasting = chance.randrange(30), what != "stalled" and chance.random() < 0.5
        storm.begin(at, what, lasting)
        failure: FlightlakeError | None = None
        try:
            siege.victim.run(STATEMENTS[kind])
        except FlightlakeError as raised:
            failure = raised
        story = (kind, at, what, lasting, storm.seen[at : at + 1], failure)
        struck += bool(storm.struck)
        failed += failure is not None
        storm.end()
        if failure is None:
            assert siege.pointer() != before, story
        else:
            assert "s3:" not in failure.message, story
            assert "http" not in failure.message, story
            assert isinstance(failure, OutcomeUnknown) or siege.pointer() == before, story
        siege.check(story)
        if chance.random() < 0.3:
            siege.recover(kind)
    siege.recover("refresh")
    siege.audit()
    assert struck > TRIALS / 3
    assert failed
