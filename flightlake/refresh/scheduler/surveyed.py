"""How the views of this process stand, as a fact for metrics."""

from collections.abc import Callable
from datetime import datetime, timedelta

from flightlake.names import TableIdentifier
from flightlake.refresh.scheduler.board import Board
from flightlake.telemetry import ViewsSurveyed


def surveyed(
    board: Board, is_mine: Callable[[TableIdentifier], bool], now: datetime
) -> ViewsSurveyed:
    """Return how the views on *board* stand that this process looks after."""
    mine = [facts for facts in board.facts.values() if is_mine(facts.view)]
    lags: dict[TableIdentifier, timedelta] = {}
    for facts in mine:
        lag, _ = board.standing(facts.view, now)
        if lag is not None:
            lags[facts.view] = lag
    return ViewsSurveyed(lags, sum(bool(facts.status.suspended) for facts in mine))
