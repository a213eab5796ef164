"""Whatever happens to its sources, and however a refresh goes about it, a view is its query.

``FLIGHTLAKE_STORIES`` is how many stories are told (5).
"""

import os
import random

import pytest

from flightlake.lake import changes
from tests.fix_incremental_story import HAPPENS, QUERIES, Story, all_partitions
from tests.fix_materialized import Mills, mills

__all__ = ["all_partitions", "mills"]

STORIES = int(os.environ.get("FLIGHTLAKE_STORIES", "5"))

pytestmark = pytest.mark.filterwarnings("ignore:Delete operation did not match any records")


@pytest.mark.usefixtures("all_partitions")
@pytest.mark.parametrize("seed", range(STORIES))
def test_a_view_is_its_query_whichever_way_it_was_refreshed(
    mills: Mills, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    # From how many steps on it is asked first whether files only came.
    monkeypatch.setattr(changes, "_FEW_STEPS", (0, 8)[seed % 2])
    story = Story(mills(), random.Random(seed), list(HAPPENS))  # noqa: S311
    story.begin(story.chance.sample(sorted(QUERIES), 10))
    story.tell(steps=8, at_once=6)
    assert story.ways.keys() & {"META", "APPEND", "PARTITION"}, story.ways
