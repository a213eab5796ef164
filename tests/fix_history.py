"""Refreshes that have ended, and histories of them in lakes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flightlake.clock import ManualClock
from flightlake.engine.system_tables import SYSTEM
from flightlake.lake.catalogs import Catalog
from flightlake.names import TableIdentifier
from flightlake.refresh.history import RefreshHistory
from flightlake.refresh.history_store import HistoryStore
from flightlake.refresh.history_upkeep import HistoryUpkeep
from flightlake.telemetry import RefreshFinished
from tests.fix_catalogs import Lake

BEGIN = datetime(2131, 3, 1, 12, tzinfo=UTC)
"""Later than the time of the machine, which a table that is made takes for its beginning."""
UPKEEP = HistoryUpkeep(timedelta(days=30), timedelta(hours=2))


def ended(refresh_id: str, catalog: str = "lake", **changes: Any) -> RefreshFinished:
    """Return the end of a refresh of ``shop.v``."""
    told: dict[str, Any] = {
        "refresh_id": refresh_id,
        "view": TableIdentifier(catalog, "shop", "v"),
        "trigger": "lag",
        "subject": "",
        "status": "OK",
        "started": BEGIN,
        "duration": timedelta(seconds=1.5),
        "strategy": "FULL",
        "reason": "orders moved",
        "rows": 7,
        "sources": (("lake.shop.orders", 1, 2),),
        "candidates": (("APPEND", "no"), ("FULL", "yes")),
    }
    return RefreshFinished(**{**told, **changes})


@dataclass
class Teller:
    """A process that tells of refreshes, and stores what it was told when it is asked to."""

    lake: Lake
    server: str
    catalog: Catalog | None = None
    clock: ManualClock = field(default_factory=lambda: ManualClock(BEGIN))
    upkeep: HistoryUpkeep = UPKEEP

    def __post_init__(self) -> None:
        name = self.lake.name
        catalogs = {name: self.catalog or self.lake.open()}
        self.history = RefreshHistory(self.clock, self.server, [name])
        self.store = HistoryStore(
            self.history, catalogs, frozenset({name}), self.upkeep, self.clock
        )

    def tell(self, *ids: str, **changes: Any) -> None:
        for one in ids:
            self.history.observe(ended(one, self.lake.name, **changes))

    def tell_and_store(self, *ids: str, **changes: Any) -> None:
        self.tell(*ids, **changes)
        self.clock.advance(timedelta(minutes=10))
        self.store.store()

    @property
    def waiting(self) -> set[str]:
        return {fact.refresh_id for fact, _ in self.history.waiting(self.lake.name)}


def stored(lake: Lake) -> list[dict[str, Any]]:
    """Return what pyiceberg reads of a lake's history, by id."""
    rows = lake.writer.load_table((SYSTEM, "refresh_history")).scan().to_arrow().to_pylist()
    return sorted(rows, key=lambda row: str(row["refresh_id"]))


def stored_ids(lake: Lake) -> list[str]:
    return [row["refresh_id"] for row in stored(lake)]
