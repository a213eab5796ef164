"""Processes that share work, as rows with heartbeats beside the tables of an ``sql`` catalog.

Only the database's clock is asked, so that the processes' own may differ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar, runtime_checkable

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

T = TypeVar("T")

LONGEST = 255
"""Characters of the longest name of a member."""

_NAME = "flightlake_members"
_ROWS = sa.Table(
    _NAME,
    sa.MetaData(),
    sa.Column("catalog_name", sa.String(255), primary_key=True),
    sa.Column("member", sa.String(LONGEST), primary_key=True),
    sa.Column("beat", sa.Float(53), nullable=False),
)
_FORGOTTEN = 100  # lives after which a row is deleted


@dataclass(frozen=True, slots=True)
class SqlMembers:
    """The members that share the catalog called *written_as* in the database of *engine*.

    *run* makes errors of the database those of the catalog.
    """

    engine: sa.Engine
    written_as: str
    run: Callable[[Callable[[], list[str]]], list[str]]

    def beat(self, me: str, life: timedelta) -> list[str]:
        """Say that *me* lives; return all whose last beat is at most *life* ago, sorted.

        Makes the table the first time.

        Raises:
            NotReady: The database does not answer.
        """
        return self.run(lambda: self._beat(me, life.total_seconds()))

    def leave(self, me: str) -> None:
        """Say that *me* does not live any more; raises as ``beat`` does."""
        self.run(lambda: self._leave(me))

    def _beat(self, me: str, life: float) -> list[str]:
        now = self._now()
        mine = (_ROWS.c.catalog_name == self.written_as, _ROWS.c.member == me)
        _ROWS.create(self.engine, checkfirst=True)
        with self.engine.begin() as connection:
            known = connection.execute(sa.update(_ROWS).where(*mine).values(beat=now)).rowcount
        if not known:
            values = {"catalog_name": self.written_as, "member": me, "beat": now}
            try:
                with self.engine.begin() as connection:
                    connection.execute(sa.insert(_ROWS).values(values))
            except IntegrityError:  # a request that was thought lost
                pass
        of_ours = _ROWS.c.catalog_name == self.written_as
        with self.engine.begin() as connection:
            gone = _ROWS.c.beat < now - life * _FORGOTTEN
            connection.execute(sa.delete(_ROWS).where(of_ours, gone))
            alive = sa.select(_ROWS.c.member).where(of_ours, _ROWS.c.beat >= now - life)
            found = [str(row[0]) for row in connection.execute(alive)]
        return sorted({me, *found})

    def _leave(self, me: str) -> list[str]:
        mine = (_ROWS.c.catalog_name == self.written_as, _ROWS.c.member == me)
        with self.engine.begin() as connection:
            connection.execute(sa.delete(_ROWS).where(*mine))
        return []

    def _now(self) -> sa.ColumnElement[float]:
        if self.engine.dialect.name == "sqlite":
            return sa.literal_column("(julianday('now') * 86400.0)", sa.Float(53))
        return sa.literal_column("extract(epoch from clock_timestamp())", sa.Float(53))


@runtime_checkable
class HoldsMembers(Protocol):
    """A catalog in whose database processes may meet."""

    def members(self) -> SqlMembers:
        """Return where they meet; nothing is asked."""
        ...
