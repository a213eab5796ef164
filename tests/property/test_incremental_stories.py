"""Whatever happens to its sources, and however a refresh goes about it, a view is its query.

``FLIGHTLAKE_STORIES`` is how many stories are told (30), ``FLIGHTLAKE_SEED`` the seed of the first
(0).  A story is told in any process in the same way, so a failure is seen again by its seed alone.
"""

import os
from collections import Counter

import pytest

from tests.fix_proofs import listed, proven
from tests.fix_story_changes import CHANGES
from tests.fix_story_pool import Told, in_processes, tell

STORIES = int(os.environ.get("FLIGHTLAKE_STORIES", "30"))
FIRST = int(os.environ.get("FLIGHTLAKE_SEED", "0"))

WAYS = {"FULL": 25, "PARTITION": 10, "APPEND": 4, "NOOP": 4, "META": 1}
"""How many refreshes of each kind each story has at least, on average."""

_ENOUGH = 20
"""Stories that are enough for an average."""


@pytest.fixture(scope="module")
def told() -> list[Told]:
    return list(in_processes(tell, range(FIRST, FIRST + STORIES)))


def test_a_view_is_its_query_after_each_of_thousands_of_refreshes(told: list[Told]) -> None:
    failures = [story.failure for story in told if story.failure]
    assert not failures, "\n\n".join(failures[:3])


def test_the_stories_have_every_way_to_refresh_and_every_change_often(told: list[Told]) -> None:
    ways, happened = Counter[str](), Counter[str]()
    for story in told:
        ways += story.ways
        happened += story.happened
    proven(
        f"{ways.total()} refreshes of changed sources compared with their queries in"
        f" {len(told)} stories of seeds {FIRST} to {FIRST + STORIES - 1}: {listed(ways)};"
        f" changes: {listed(happened)}; {sum(story.idle for story in told)} refreshes with"
        f" nothing to do; {sum(story.refused for story in told)} that had to fail"
    )
    if len(told) < _ENOUGH:
        return  # an average of a few stories says nothing
    assert {way for way, least in WAYS.items() if ways[way] < least * len(told)} == set()
    assert {kind for kind in CHANGES if happened[kind] < len(told) / 4} == set()
    assert ways.total() >= 70 * len(told)
