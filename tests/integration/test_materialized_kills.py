"""A statement whose process is killed, wherever it is, leaves the old rows or the new.

That all steps are safe is told by tests/property/test_fault_stories.py; here real processes end by
a real SIGKILL: by their own hand at numbered steps, and from outside at moments that are spread
over the time that a statement takes.  ``FLIGHTLAKE_KILL_STORIES`` is how many stories of 25 kills
are told (13), ``FLIGHTLAKE_SEED`` the seed of the first (0).
"""

import os
from collections import Counter

from tests.fix_kill_story import AT_MOMENTS, AT_STEPS, tell
from tests.fix_proofs import proven
from tests.fix_story_pool import in_processes

STORIES = int(os.environ.get("FLIGHTLAKE_KILL_STORIES", "13"))
FIRST = int(os.environ.get("FLIGHTLAKE_SEED", "0"))


def test_hundreds_of_killed_processes_leave_the_old_rows_or_the_new() -> None:
    told = list(in_processes(tell, range(FIRST, FIRST + STORIES)))
    failures = [story.failure for story in told if story.failure]
    assert not failures, "\n\n".join(failures[:3])
    kills, found = Counter[str](), Counter[str]()
    for story in told:
        kills += story.kills
        found += story.found
    proven(
        f"{kills.total()} processes ended by SIGKILL ({kills['at a step']} at numbered steps,"
        f" {kills['at a moment']} at random moments), seeds {FIRST} to {FIRST + STORIES - 1}:"
        f" the view was {found['the old']} times the old one, {found['the new']} times the new"
        " one, and each next refresh was right"
    )
    assert kills == {"at a step": AT_STEPS * STORIES, "at a moment": AT_MOMENTS * STORIES}
