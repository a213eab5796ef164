"""Asking catalogs what has changed, each when it is time, side by side.

A catalog that hangs holds up what is known of its own tables, and nothing else.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from flightlake.clock import Clock
from flightlake.errors import FlightlakeError
from flightlake.names import TableIdentifier
from flightlake.refresh.scheduler.aside import Aside
from flightlake.refresh.scheduler.board import Board

_LOG = logging.getLogger(__name__)
_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass
class _Asking:
    """When a catalog is asked next, and how often it did not answer in a row."""

    at: datetime
    failures: int = 0


class Rounds:
    """Asks catalogs when it is time; used by one thread.

    Args:
        board: Is kept up to date.
        clock: The time.
        woken: Is set when a catalog answers late.
        tell: Is told of defects.
    """

    def __init__(
        self,
        board: Board,
        clock: Clock,
        woken: threading.Event,
        tell: Callable[[Exception], object],
    ) -> None:
        self._board = board
        self._tell = tell
        self._aside: Aside[set[TableIdentifier]] = Aside(clock, woken)
        self._asking: dict[str, _Asking] = {}
        self._told: set[TableIdentifier] = set()

    @property
    def next(self) -> datetime:
        """When a catalog is asked next, but for those that have yet to answer."""
        free = (one.at for name, one in self._asking.items() if not self._aside.busy(name))
        return min(free, default=_NEVER)

    def soon(self, catalog: str, now: datetime) -> None:
        """Ask *catalog* again in the next round, as something has changed."""
        if catalog in self._asking:
            self._asking[catalog].at = now

    def silent(self, catalog: str) -> bool:
        """Return whether *catalog* did not answer the last time, or has yet to answer."""
        asking = self._asking.get(catalog)
        return self._aside.busy(catalog) or (asking is not None and asking.failures > 0)

    def go(self, now: datetime, changed: set[TableIdentifier]) -> None:
        """Ask those whose time has come, and update the board, by *changed*, too."""
        intervals = self._board.intervals()
        for gone in self._asking.keys() - intervals.keys():
            del self._asking[gone]
        for name, interval in intervals.items():
            asking = self._asking.setdefault(name, _Asking(now))
            # An interval that has become shorter holds at once, and so does a clock set back.
            longest = interval if asking.failures == 0 else _MINUTE
            asking.at = min(asking.at, now + longest)
        self._told |= changed
        due = [name for name, asking in self._asking.items() if asking.at <= now]
        changed |= self._asked(due, now)
        if not changed:
            return
        self._board.update(changed)
        while self._board.unseen:
            # Views that were not known before read what nobody has looked at.
            names = {one.catalog for one in self._board.unseen}
            for name in names:
                self._asking.setdefault(name, _Asking(now)).at = now
            more = self._asked(names, now)
            if not more:
                break
            self._board.update(more)

    def _asked(self, names: Iterable[str], now: datetime) -> set[TableIdentifier]:
        """Ask *names*; return what has changed by all answers that are there by now."""
        intervals = self._board.intervals()
        for name in names:
            if self._aside.busy(name):  # asked again when it has answered
                continue
            told = {one for one in self._told if one.catalog == name}
            wanted = self._board.read_of(name) | told
            self._aside.begin(name, partial(self._board.watch.ask, name, wanted))
            self._told -= told
            self._asking[name].at = now + intervals.get(name, _MINUTE)
        changed: set[TableIdentifier] = set()
        for call in self._aside.take():
            asking = self._asking.get(call.name, _Asking(now))
            if call.error is None:
                asking.failures = 0
                changed |= call.result or set()
                continue
            if not isinstance(call.error, FlightlakeError):
                self._tell(call.error)
            elif asking.failures == 0:
                _LOG.warning("changes in a catalog are not seen: %s", call.error.message)
            asking.failures += 1
            asking.at = now + min(_SECOND * 2.0 ** min(asking.failures - 1, 6), _MINUTE)
        return changed
