"""Whatever happens at whichever step while small files are put together, each row is there once,
and refreshes go on where they were.

Steps and faults are those of `test_fault_stories`; `make view-stories` has more of them strike.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pytest

from flightlake.cancellation import Cancellation
from flightlake.clock import SystemClock
from flightlake.errors import FlightlakeError
from flightlake.lake.commits import OutcomeUnknown, current
from flightlake.lake.compaction import Compacted
from flightlake.lake.small_files import Smallness
from flightlake.names import TableIdentifier
from flightlake.refresh.compacting import Compactor
from tests.fix_faults import FAULTS, Death
from tests.fix_materialized import Mill, Mills, mills
from tests.fix_siege import SOURCE, STATEMENTS, Siege, bag, besieged

__all__ = ["mills"]

STORIES = int(os.environ.get("FLIGHTLAKE_VIEW_STORIES", "1"))
"""How many times as much is tried as in `make test`."""
_LONG = 15


@pytest.fixture
def siege(mills: Mills) -> Iterator[Siege]:
    with besieged(mills) as made:
        made.other.run(STATEMENTS["create"])
        yield made


def _compact(mill: Mill) -> Compacted:
    clock, small = SystemClock(), Smallness(least=3)
    catalogs = mill.views.jobs.refresher.catalogs
    view = current(mill.catalog, TableIdentifier(mill.lake.name, mill.lake.root, "v"))
    assert view is not None
    return Compactor(mill.engine, catalogs, clock, small).compact(mill.catalog, view, mill.call)


def _ready(siege: Siege) -> None:
    """Let a partition of the view have small files enough, which come by refreshes."""
    view = siege.table()
    assert view is not None
    if len(view.snapshots()) > _LONG:
        siege.audit()
        siege.ready("create")
        siege.other.run(STATEMENTS["create"])
    elif "c" in view.schema().column_names:  # a rival has replaced it
        siege.other.run(STATEMENTS["restore"])
    for _ in range(100):
        view = siege.table()
        assert view is not None
        partitions = Counter(str(task.file.partition) for task in view.scan().plan_files())
        if max(partitions.values(), default=0) > 3:
            return
        siege.news()
        siege.other.run(STATEMENTS["refresh"])
    pytest.fail("the view never has small files")


def _attempt(siege: Siege, at: int, fault: str) -> bool:
    """Put files together while *fault* strikes at step *at*, and judge; return if it struck."""
    _ready(siege)
    before, kept, rows = siege.pointer(), siege.files(), bag(siege.victim.stored("v"))
    siege.victim.call = Cancellation()
    siege.weather.cancel = siege.victim.call.cancel
    siege.weather.rival = siege._rival
    siege.weather.begin(at, fault)
    failure: BaseException | None = None
    done = Compacted()
    try:
        done = _compact(siege.victim)
    except (FlightlakeError, Death) as raised:
        failure = raised
    finally:
        siege.weather.end()
    story = (at, fault, siege.weather.seen[at : at + 1], failure)
    now = siege.files()
    assert not {path for path, what in kept.items() if now.get(path) != what}, story
    rival = siege.weather.struck and fault == "has a rival"
    siege.check(story)
    if not rival:
        assert bag(siege.victim.stored("v")) == rows, story
        if failure is None:
            assert (siege.pointer() != before) == (done.snapshot is not None), story
        elif isinstance(failure, FlightlakeError):
            assert "/" not in failure.message, story
            if not isinstance(failure, OutcomeUnknown):
                assert siege.pointer() == before, story
                if fault.startswith("fails") and "delete" not in story[2]:
                    assert now.keys() == kept.keys(), story
    return siege.weather.struck


def test_whatever_happens_at_any_step_the_rows_are_those_of_before(siege: Siege) -> None:
    chance = random.Random("compaction")  # noqa: S311 - a story that can be told again
    _ready(siege)
    siege.weather.begin()
    assert _compact(siege.victim).files > 2
    siege.weather.end()
    names = siege.weather.seen
    # Reading is most of it; each commit is struck in any case.
    steps = [at for at, name in enumerate(names) if name == "swap" or at % 4 < STORIES]
    tried = 0
    for at in steps:
        for fault in chance.sample(FAULTS, min(len(FAULTS), STORIES)):
            tried += _attempt(siege, at, fault)
            if chance.random() < 0.2:
                siege.recover("refresh")
    siege.recover("refresh")
    siege.audit()
    assert tried > len(steps) / 2


@pytest.mark.parametrize("way", ["refresh", "full"])
def test_a_refresh_that_was_faster_wins(siege: Siege, way: str) -> None:
    siege.weather.rival = lambda: siege.other.run(STATEMENTS[way])
    _ready(siege)
    siege.weather.begin()
    assert _compact(siege.victim).snapshot is not None
    swap = siege.weather.seen.index("swap")
    siege.weather.end()
    _ready(siege)
    _only_came(siege)
    before = siege.files().keys()
    siege.weather.begin(swap, "has a rival")
    done = _compact(siege.victim)
    siege.weather.end()
    assert siege.weather.struck
    siege.check(way, fresh=True)
    siege.audit()
    # What only came leaves all files that were put together; a FULL refresh leaves none.
    assert (done.snapshot is None) == (way == "full")
    if way == "full":
        named = siege.victim.named("v")
        assert siege.victim.files("v") == named
        assert before <= siege.files().keys()


def _only_came(siege: Siege) -> None:
    siege.victim.table("source").append(pa.table({"k": [1], "n": [7]}, SOURCE))
    source = siege.victim.table("source")
    head = source.current_snapshot()
    assert head is not None
    siege._at[head.snapshot_id] = source.scan().to_arrow().to_pylist()
