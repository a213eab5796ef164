"""How a view fares, as a row that statements answer."""

from flightlake.lake.commits import Committed
from flightlake.refresh.dependencies import stale_upstream
from flightlake.refresh.finding import Views, state_word, view_of
from flightlake.refresh.outcomes import Outcome


def as_it_is(views: Views, table: Committed) -> Outcome:
    """Return the view in *table* as its last refresh left it."""
    view = view_of(table)
    told = state_word(view, stale_upstream(view, views))
    state = view.state
    if state is None:
        return Outcome(view.identifier, told, snapshot=view.snapshot_id)
    return Outcome(
        view.identifier, told, state.strategy, state.reason, state.rows, view.snapshot_id,
        state.as_of, state.seconds, state.refresh_id,
    )  # fmt: skip
