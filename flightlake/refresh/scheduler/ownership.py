"""Which of several server processes looks after a view.

Each view falls to the process that draws the highest number for it (rendezvous hashing), so that
all agree without asking each other, and few views move when a process comes or goes.  Two that
do not agree for a while both refresh a view; the commit lets one of them win.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from flightlake.names import TableIdentifier


class Members(Protocol):
    """The processes that share the work."""

    me: str

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


def owner(view: TableIdentifier, members: Sequence[str]) -> str:
    """Return which of *members* looks after *view*; the order of them does not matter."""
    return max(members, key=lambda member: (_draw(member, view), member))


def _draw(member: str, view: TableIdentifier) -> bytes:
    return hashlib.blake2b(f"{member}\0{view}".encode(), digest_size=8).digest()
