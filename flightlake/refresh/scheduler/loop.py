"""The thread that begins refreshes when they are due."""

import logging
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue

from flightlake.clock import Clock
from flightlake.errors import FlightlakeError, NotReady
from flightlake.names import TableIdentifier
from flightlake.refresh.jobs import Job, Jobs
from flightlake.refresh.runs import Ended, Wanted
from flightlake.refresh.scheduler.aside import Aside
from flightlake.refresh.scheduler.board import Board
from flightlake.refresh.scheduler.deadlines import held_up
from flightlake.refresh.scheduler.due import Due, Since
from flightlake.refresh.scheduler.failing import write_down
from flightlake.refresh.scheduler.knowledge import Vector
from flightlake.refresh.scheduler.ownership import Members, owner
from flightlake.refresh.scheduler.rounds import Rounds
from flightlake.refresh.scheduler.surveyed import surveyed
from flightlake.refresh.scheduler.watching import Watch
from flightlake.refresh.status import Status, failed
from flightlake.telemetry import InternalFailure, Observer

_LOG = logging.getLogger(__name__)
_LONGEST_WAIT = timedelta(seconds=30)
_LOOK_AGAIN = timedelta(milliseconds=500)
_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Rules:
    """The server's settings.

    Unless ``enabled``, nothing is begun.  ``suspend_after`` so many permanent failures in a row;
    ``heartbeat`` is how often members are counted; ``version`` is the server's.
    """

    version: str
    suspend_after: int = 5
    heartbeat: timedelta = timedelta(seconds=5)
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class _Begun:
    """What was known when a refresh was begun."""

    shown: Vector
    oldest: datetime | None
    seen: str


class Scheduler:
    """Begins what is due, in the background.  ``standing`` may be called from any thread.

    Args:
        jobs: Does it.
        members: Who shares the work.
        rules: The settings.
        clock: The time.
        observer: Is told of defects.
    """

    def __init__(
        self,
        jobs: Jobs,
        members: Members,
        rules: Rules,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._jobs = jobs
        self._members = members
        self._rules = rules
        self._clock = clock
        self._observer = observer
        self._woken = threading.Event()
        self._stopping = self._listening = self._unsure = False
        self._thread: threading.Thread | None = None
        self._news: SimpleQueue[tuple[Ended, Status | None] | TableIdentifier] = SimpleQueue()
        self._begun: dict[TableIdentifier, _Begun] = {}
        self._alive: tuple[str, ...] = (members.me,)
        now = clock.now()
        self._next_beat = now
        views = jobs.views
        watch = Watch(views.catalogs, views.writable, clock)
        self._board = Board(watch, views.writable, rules.version, Since(now), self._failed)
        self._rounds = Rounds(self._board, clock, self._woken, self._failed)
        self._meeting: Aside[Sequence[str] | None] = Aside(clock, self._woken)

    def start(self) -> None:
        """Begin to begin, if there may be views, and they are to be refreshed."""
        if not (self._rules.enabled and self._jobs.views.writable):
            return
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Begin nothing any more; others may take over."""
        self._stopping = True
        self._woken.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
            self._meeting.begin("leaving", self._members.leave)
            self._meeting.take()

    def stop(self, patience: timedelta) -> None:
        """Let what runs end within *patience*, then cancel it."""
        self.leave()
        deadline = self._clock.monotonic() + patience.total_seconds()
        runs, never = self._jobs.runs, threading.Event()
        while runs.under_way() and self._clock.monotonic() < deadline:
            self._clock.wait(never, timedelta(milliseconds=50))
        for run in runs.under_way():
            run.call.cancel(NotReady("the server is stopping; the refresh was given up"))
        self._jobs.background.stop(timedelta(seconds=3))

    def standing(self, view: TableIdentifier) -> tuple[timedelta | None, Due | None]:
        """Return how far *view* is behind its sources, None if that is not known; and when it is
        due next.
        """
        return self._board.standing(view, self._clock.now())

    def is_mine(self, view: TableIdentifier) -> bool:
        """Return whether *view* is this process's to look after, as far as it knows."""
        return owner(view, self._alive) == self._members.me

    def step(self) -> timedelta:
        """Do all there is to do now; return how long there is nothing to do."""
        if not self._listening:  # whoever never begins must not gather news
            self._listening = True
            self._jobs.runs.listen(self._ended)
            self._jobs.runs.watch(self._changed)
            self._jobs.background.listen(self._woken.set)
        now = self._clock.now()
        changed = self._take_news(now)
        self._beat(now)
        self._rounds.go(now, changed)
        pauses = [self._begin(now), self._next_beat - now, self._rounds.next - now]
        return min(max(min(pauses), timedelta()), _LONGEST_WAIT)

    def _run(self) -> None:
        while not self._stopping:
            try:
                pause = self.step()
            except Exception as defect:  # noqa: BLE001 - views must be refreshed tomorrow, too
                self._failed(defect)
                pause = _SECOND
            if not self._stopping and self._clock.wait(self._woken, pause):
                self._woken.clear()

    def _failed(self, defect: Exception) -> None:
        detail = "".join(traceback.format_exception(defect))
        self._observer.observe(InternalFailure("scheduler", None, detail))

    def _changed(self, view: TableIdentifier) -> None:
        self._news.put(view)
        self._woken.set()

    def _ended(self, ended: Ended) -> None:
        status, failure = None, ended.failure
        if not ended.run.wanted.subject and failure is not None and not self._stopping:
            view = ended.run.wanted.view
            begun, facts = self._begun.get(view), self._board.facts.get(view)
            before = Status() if facts is None else facts.status
            seen = "" if begun is None else begun.seen
            after = self._rules.suspend_after
            try:
                status = write_down(self._jobs.views, ended, before, after, seen)
            except Exception as defect:  # noqa: BLE001 - else nobody knows that it failed, nor ended
                self._failed(defect)
                status = failed(before, failure, ended.run.started, after, seen)
        self._news.put((ended, status))
        self._woken.set()

    def _take_news(self, now: datetime) -> set[TableIdentifier]:
        changed: set[TableIdentifier] = set()
        with suppress(Empty):
            while True:
                news = self._news.get_nowait()
                if isinstance(news, TableIdentifier):
                    view = news
                    self._board.forgive(view)
                else:
                    ended, status = news
                    view = ended.run.wanted.view
                    begun = None
                    if not ended.run.wanted.subject:
                        begun = self._begun.pop(view, None)
                    if begun is None:
                        self._board.ended(ended, None, None, status)
                    else:
                        self._board.ended(ended, begun.shown, begun.oldest, status)
                changed.add(view)
                self._rounds.soon(view.catalog, now)
        return changed

    def _beat(self, now: datetime) -> None:
        due = not now < self._next_beat <= now + self._rules.heartbeat
        if due:
            self._next_beat = now + self._rules.heartbeat
            self._meeting.begin("members", self._members.alive)
        for call in self._meeting.take():
            if call.error is None:
                self._alive = tuple(sorted(call.result or self._alive))
            elif not isinstance(call.error, FlightlakeError):
                self._failed(call.error)
            elif not self._unsure:
                _LOG.warning("it is not known which servers share the views: %s", call.error)
            # Whoever is not told goes on with those who were there; its catalog is down as well.
            self._unsure = call.error is not None
        if due:
            self._observer.observe(surveyed(self._board, self.is_mine, now))

    def _begin(self, now: datetime) -> timedelta:
        """Begin what is due; return how long nothing else is."""
        board, pause = self._board, _LONGEST_WAIT
        busy = {run.wanted.view for run in self._jobs.runs.under_way()}
        # What needs a catalog that does not answer comes last, as it holds a slot until it fails.
        for wish in sorted(board.seen.dues, key=lambda one: self._unanswered(one.view)):
            if wish.view in busy or wish.view in self._begun:
                continue
            if wish.at > now:
                pause = min(pause, wish.at - now)
            elif not self.is_mine(wish.view):
                continue
            elif held_up(wish, board.facts, board.seen, busy, now):
                pause = min(pause, _LOOK_AGAIN)
            elif self._jobs.background.free and not self._stopping:
                self._start(wish, now)
                busy.add(wish.view)
        return pause

    def _unanswered(self, view: TableIdentifier) -> bool:
        names = (view, *self._board.facts[view].reads)
        return any(self._rounds.silent(name.catalog) for name in names)

    def _start(self, wish: Due, now: datetime) -> None:
        facts = self._board.facts[wish.view]
        oldest = self._board.seen.oldest.get(wish.view)
        lag = None if oldest is None else max(now - oldest, timedelta())
        target = facts.policy.target_lag
        late = lag is not None and target is not None and lag > target
        self._begun[wish.view] = _Begun(self._board.vector(wish.view), oldest, facts.seen)
        wanted = Wanted(wish.view, wish.trigger, "", facts.status.failures + 1, lag, late)
        self._jobs.later([Job(wanted)])
