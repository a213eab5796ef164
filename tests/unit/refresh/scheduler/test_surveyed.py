"""How views stand, for metrics: those of this process, where anybody has looked."""

from datetime import UTC, datetime, timedelta

from flightlake.clock import ManualClock
from flightlake.names import TableIdentifier
from flightlake.refresh.policy import Policy
from flightlake.refresh.scheduler.board import Board
from flightlake.refresh.scheduler.deadlines import outlook
from flightlake.refresh.scheduler.due import Facts, Since
from flightlake.refresh.scheduler.surveyed import surveyed
from flightlake.refresh.scheduler.watching import Watch
from flightlake.refresh.status import Status, suspended
from flightlake.telemetry import ViewsSurveyed

NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)


def view(name: str) -> TableIdentifier:
    return TableIdentifier("lake", "shop", name)


def test_lags_and_suspensions_of_ones_own_views_are_told() -> None:
    board = Board(Watch({}, frozenset(), ManualClock(NOW)), frozenset(), "1", Since(NOW), print)
    policy = Policy(target_lag=timedelta(minutes=5))
    behind = NOW - timedelta(seconds=42)
    for facts in (
        Facts(view("behind"), policy, NOW, oldest=behind),
        Facts(view("fresh"), policy, NOW),
        Facts(view("idle"), policy, NOW, status=suspended(Status())),
        Facts(view("another's"), policy, NOW, status=suspended(Status()), oldest=behind),
    ):
        board.facts[facts.view] = facts
    board.seen = outlook(board.facts, board.since)
    found = surveyed(board, lambda name: name != view("another's"), NOW)
    assert found == ViewsSurveyed(
        {
            view("behind"): timedelta(seconds=42),
            view("fresh"): timedelta(),
            view("idle"): timedelta(),
        },
        1,
    )
