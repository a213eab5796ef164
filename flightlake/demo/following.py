"""New orders come in while the demo runs, and gold follows by itself."""

from collections.abc import Callable
from dataclasses import dataclass, field

from flightlake.clock import Clock
from flightlake.demo import lakehouse
from flightlake.demo.lakehouse import Lakehouse
from flightlake.errors import NotReady
from flightlake.project.server import Server

TARGET_LAG = 5
"""Seconds that gold may be behind, as its file says."""
_GIVE_UP = 60.0
_COUNTS = """\
SELECT (SELECT count(*) FROM lake."bronze.inventory".orders) AS bronze,
       (SELECT sum(orders) FROM lake."gold.inventory".monthly_ordered_weight) AS gold"""


@dataclass(slots=True)
class Following:
    """Writes *count* orders, one after the other, and tells when gold has each.

    Args:
        built: Where they are written, past the server.
        server: Who answers.
        clock: The time.
        count: How many orders.
        pause: Seconds from when gold has one to the next.
    """

    built: Lakehouse
    server: Server
    clock: Clock
    count: int = 3
    pause: float = 5.0
    _order: int | None = field(default=None, init=False)
    _since: float = field(default=0.0, init=False)

    def step(self) -> str | None:
        """Go on as far as that is possible at once; return what there is to tell, or None.

        Raises:
            NotReady: Gold did not follow within a minute.
            FlightlakeError: The server did not answer.
        """
        now = self.clock.monotonic()
        if self._order is None:
            if self.count and now >= self._since:
                day = self.clock.now().date()
                (self._order,) = lakehouse.add_orders(self.built, 1, day)
                self._since = self.clock.monotonic()
            return None
        (counts,) = self.server.query(_COUNTS)
        seconds = self.clock.monotonic() - self._since
        if counts["bronze"] == counts["gold"]:
            told = f"order {self._order} is in gold after {seconds:.1f} s"
            self.count -= 1
            self._order, self._since = None, self.clock.monotonic() + self.pause
            return told
        if seconds > _GIVE_UP:
            raise NotReady(f"order {self._order} is not in gold after {_GIVE_UP:.0f} s")
        return None

    @property
    def over(self) -> bool:
        """Whether all orders were written and are in gold."""
        return self.count == 0

    def through(self, wait: Callable[[], object]) -> list[str]:
        """Go on until it is over, calling *wait* in between; return all there is to tell."""
        told = []
        while not self.over:
            line = self.step()
            if line is not None:
                told.append(line)
            else:
                wait()
        return told
