"""Stories of views told by several processes at once; each is the same by its seed, whoever tells
it and whatever else goes on."""

import multiprocessing
import os
import random
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import Engine

from flightlake.lake import changes
from flightlake.refresh import choosing
from tests.fix_catalogs import sqlite_lake
from tests.fix_incremental_story import Story
from tests.fix_materialized import mill_on
from tests.fix_story_changes import HAPPENS
from tests.fix_story_queries import QUERIES

T = TypeVar("T")

STEPS, AT_ONCE = 14, 8
"""Times that something happens in a story, and views that are refreshed after each."""


@dataclass(frozen=True)
class Told:
    """What became of one story; ``failure`` is empty if all of its views were right."""

    seed: int
    ways: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    idle: int = 0
    refused: int = 0
    failure: str = ""


def in_processes(work: Callable[[Any], T], orders: Iterable[Any]) -> Iterator[T]:
    """Do *work* for each of *orders* in as many processes as there are cores, at most four."""
    count = max(2, min(4, os.cpu_count() or 2))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, spawn, in_a_hurry) as pool:
        yield from pool.map(work, orders)


def in_a_hurry() -> None:
    """These lakes need not outlive the machine: no commit waits for the disk."""
    event.listen(Engine, "connect", _without_waiting)


def _without_waiting(connection: Any, record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


def tell(seed: int) -> Told:
    """Tell the story of *seed* in a lake of its own, in a process that is for stories alone."""
    warnings.filterwarnings("ignore", "Delete operation did not match any records")
    choosing.MOST_SHARE = 1.0  # partitions of small views are nearly all that there is
    # From how many steps on it is asked first whether files only came.
    changes._FEW_STEPS = (0, 8)[seed % 2]
    with tempfile.TemporaryDirectory() as folder:
        lake = sqlite_lake(Path(folder))
        mill = mill_on(lake, lake.open(), Path(folder) / "spill")
        story = Story(mill, random.Random(seed), list(HAPPENS))  # noqa: S311
        failure = ""
        try:
            names = ["rare", *story.chance.sample(sorted(set(QUERIES) - {"rare"}), 5)]
            story.begin(names, random_ones=6, above=True)
            story.tell(STEPS, AT_ONCE)
        except Exception:  # noqa: BLE001 - it travels to the test as a text
            failure = f"{traceback.format_exc()}\nseed {seed}:\n" + "\n".join(story.told)
        finally:
            mill.engine.close()
    return Told(seed, story.ways, story.happened, story.idle, story.refused, failure)
