"""Stories of processes that refresh a view and are killed by SIGKILL, wherever they are."""

import atexit
import random
import signal
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.fix_catalogs import sqlite_lake
from tests.fix_faults import Weather
from tests.fix_kill_server import Killed, KillServer
from tests.fix_materialized import Mill, mill_on
from tests.fix_siege import STATEMENTS, Siege
from tests.fix_view_process import COUNTS, order

AT_STEPS, AT_MOMENTS = 15, 10
"""Kills of a story at numbered steps, and at moments."""
_STRUCK = ("refresh", "refresh", "full", "restore", "replace", "create")
_CYCLES = (
    ("refresh", "full", "replace", "restore"),
    ("restore", "refresh", "full", "full"),
    ("full", "drop", "create", "refresh"),
)
_SURVIVED = (0, 1, 1, 2, 2, 3)
"""How many statements come to their end before a process is killed at a moment."""


@dataclass(frozen=True)
class Told:
    """What became of a story: kills by where they struck, and how the view was found after them.

    ``failure`` is empty if it was always the old or the new one.
    """

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    failure: str = ""


@cache
def _server() -> KillServer:
    """Return the server of this process."""
    server = KillServer()
    atexit.register(server.close)
    return server


def tell(seed: int) -> Told:
    """Tell the story of *seed* in a lake of its own."""
    chance = random.Random(seed)  # noqa: S311 - what is chosen is chosen again
    kills, found = Counter[str](), Counter[str]()
    failure = ""
    with tempfile.TemporaryDirectory() as folder, _besieged(Path(folder)) as siege:
        story = _Story(siege, chance, Path(folder) / "killed", kills, found)
        try:
            story.at_steps()
            story.at_moments()
            siege.recover("refresh")
            siege.audit()
        except Exception:  # noqa: BLE001 - it travels to the test as a text
            failure = f"seed {seed}, {story.now}: {traceback.format_exc()}"
    return Told(seed, kills, found, failure)


@contextmanager
def _besieged(folder: Path) -> Iterator[Siege]:
    lake = sqlite_lake(folder)
    mills: list[Mill] = [mill_on(lake, lake.open(), folder / "spill") for _ in range(2)]
    try:
        siege = Siege(mills[0], mills[1], Weather())
        siege.news()
        yield siege
    finally:
        for mill in mills:
            mill.engine.close()


@dataclass
class _Story:
    siege: Siege
    chance: random.Random
    spill: Path
    kills: Counter[str]
    found: Counter[str]
    now: str = ""

    def at_steps(self) -> None:
        """Kill processes right before, within or after what they do to files and the catalog."""
        steps: dict[str, int] = {}
        while self.kills.total() < AT_STEPS:
            kind = self.chance.choice(_STRUCK)
            self.siege.ready(kind)
            if kind not in steps:
                counted = self._ordered(STATEMENTS[kind], fault=COUNTS)
                assert counted.code == 0, counted.errors
                steps[kind] = counted.told[-1]
                continue
            at = self.chance.randrange(steps[kind])
            when = self.chance.choice(["dies before", "dies within", "dies after"])
            self.now = f"{kind} {when} step {at}"
            before = self.siege.pointer()
            ended = self._ordered(STATEMENTS[kind], at=at, fault=when)
            if ended.code == 0:  # it had fewer steps than the first of its kind
                assert self.siege.pointer() != before
            else:
                assert (ended.code, ended.told) == (-signal.SIGKILL, []), ended
                self._killed("at a step", before)
            self._judge(kind)

    def at_moments(self) -> None:
        """Kill processes at some moment of a statement, wherever that is."""
        fair = self._cycle(_CYCLES[0])
        kinds = [STATEMENTS[kind] for kind in fair] * 2
        times = self._ordered(*kinds).times
        # How long the first statement of a process takes, and each of the next ones.
        lasts = [after - before for before, after in pairwise(times)]
        for _ in range(AT_MOMENTS):
            cycle = self._cycle(self.chance.choice(_CYCLES))
            after = self.chance.choice(_SURVIVED)
            delay = lasts[after] * self.chance.random() * 1.3
            self.now = f"{cycle} after {after} and {delay:.3f} s of {lasts[after]:.3f}"
            before = self.siege.pointer()
            orders = [STATEMENTS[kind] for kind in cycle]
            ended = self._ordered(*orders, endless=True, after=after, delay=delay)
            assert ended.code == -signal.SIGKILL, ended
            assert len(ended.told) >= after
            self.now += f", told {ended.told}"
            self._killed("at a moment", before)
            self._judge("refresh")

    def _cycle(self, kinds: tuple[str, ...]) -> tuple[str, ...]:
        self.siege.ready("refresh")
        if kinds[0] == "refresh":
            self.siege.news()
        return kinds

    def _ordered(self, *statements: str, after: int = -1, delay: float = 0, **more: Any) -> Killed:
        lake = self.siege.victim.lake
        return _server().run(order(lake, self.spill, *statements, **more), after, delay)

    def _killed(self, where: str, before: str | None) -> None:
        self.kills[where] += 1
        self.found["the new" if self.siege.pointer() != before else "the old"] += 1

    def _judge(self, kind: str) -> None:
        self.siege.check(self.now)
        self.siege.recover(kind)
