"""Which of several server processes looks after a view.

Each view falls to the process that draws the highest number for it (rendezvous hashing), so that
all agree without asking each other, and few views move when a process comes or goes.  Two that
do not agree for a while both refresh a view; the commit lets one of them win.

A process can tell the others which catalogs it looks after: a view falls to one of those that
know its catalog by that name, or else nobody would refresh it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from flightlake.errors import FlightlakeError
from flightlake.lake.sql_members import LONGEST, SqlMembers
from flightlake.names import TableIdentifier

_MARK = "\t"


class Members(Protocol):
    """The processes that share the work."""

    @property
    def me(self) -> str:
        """What this process is called."""
        ...

    def alive(self) -> Sequence[str]:
        """Return those that live, this one among them; called now and then.

        Raises:
            NotReady: Nobody says.
        """
        ...

    def leave(self) -> None:
        """Tell the others that this process ends; raises nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Peers:
    """Processes that the configuration names; alone, it is just this one."""

    me: str
    others: tuple[str, ...] = ()

    def alive(self) -> Sequence[str]:
        return (self.me, *self.others)

    def leave(self) -> None:
        return


@dataclass(frozen=True, slots=True)
class Meeting:
    """Processes that meet in the database of a catalog; each lives for *life* after a beat."""

    me: str
    rows: SqlMembers
    life: timedelta

    def alive(self) -> Sequence[str]:
        return self.rows.beat(self.me, self.life)

    def leave(self) -> None:
        # Whoever cannot say so is taken for gone when its life is over.
        with suppress(FlightlakeError):
            self.rows.leave(self.me)


def member(name: str, catalogs: Iterable[str]) -> str:
    """Return what a process called *name* is called among those that share the work.

    It says which *catalogs* it looks after, or none where that would be too long: then others
    take it for one that looks after all.
    """
    told = _MARK.join((name, *sorted(catalogs)))
    return told if len(told) <= LONGEST else name


def owner(view: TableIdentifier, members: Sequence[str]) -> str:
    """Return which of *members* looks after *view*; the order of them does not matter."""
    if len(members) == 1:
        return members[0]
    able = [one for one in members if _looks_after(one, view.catalog)] or members
    return max(able, key=lambda one: (_draw(one, view), one))


def _looks_after(one: str, catalog: str) -> bool:
    _, *catalogs = one.split(_MARK)
    return not catalogs or catalog in catalogs


def _draw(one: str, view: TableIdentifier) -> bytes:
    return hashlib.blake2b(f"{one}\0{view}".encode(), digest_size=8).digest()
