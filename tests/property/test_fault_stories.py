"""Whatever happens at whichever step of a statement, a view is what it was before or what it is
after: never a part of it, never doubled; and the next refresh brings it up to date.

Every step of a statement is struck by several faults, drawn by a seed; `make view-stories` has
all of them strike everywhere, and tells longer stories.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fix_faults import FAULTS
from tests.fix_materialized import Mills, mills
from tests.fix_proofs import counted
from tests.fix_siege import STATEMENTS, Siege, besieged

__all__ = ["mills"]

STORIES = int(os.environ.get("FLIGHTLAKE_VIEW_STORIES", "1"))
"""How many times as much is tried as in `make test`."""
FIRST = int(os.environ.get("FLIGHTLAKE_SEED", "0"))
_EACH = 2
"""Faults that are tried at each step of a statement in `make test`."""
_STRUCK = "faults at steps of statements, no row wrong and each next refresh right"


@pytest.fixture
def siege(mills: Mills, tmp_path: Path) -> Iterator[Siege]:
    with besieged(mills) as made:
        yield made


@pytest.mark.parametrize("kind", STATEMENTS)
def test_whatever_happens_at_any_step_the_view_is_as_before_or_as_after(
    siege: Siege, kind: str
) -> None:
    chance = random.Random(f"{kind} {FIRST}")  # noqa: S311 - a story that can be told again
    siege.ready(kind)
    steps = siege.steps(kind)
    assert steps > 3
    tried = 0
    for at in range(steps):
        for fault in chance.sample(FAULTS, min(len(FAULTS), _EACH * STORIES)):
            siege.ready(kind)
            tried += siege.attempt(kind, at, fault)
            if chance.random() < 0.2:
                siege.recover(kind)
    siege.recover(kind)
    siege.audit()
    counted(_STRUCK, {kind: tried})
    assert tried > steps


@pytest.mark.parametrize("seed", range(FIRST, FIRST + STORIES))
def test_after_any_story_of_faults_every_snapshot_is_its_query_at_what_it_records(
    siege: Siege, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - a story that can be told again
    struck = 0
    for _ in range(60):
        kind = chance.choice(list(STATEMENTS))
        siege.ready(kind)
        struck += siege.attempt(kind, chance.randrange(60), chance.choice(FAULTS))
        if chance.random() < 0.5:
            siege.recover(kind)
    siege.recover("refresh")
    siege.audit()
    counted(_STRUCK, {"in stories": struck})
