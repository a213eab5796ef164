"""Writing down that a refresh failed, where all who look at the view see it."""

from collections.abc import Mapping
from contextlib import suppress

from flightlake.errors import FlightlakeError
from flightlake.lake.commits import Committed
from flightlake.lake.decided_properties import change_properties
from flightlake.refresh.finding import Views
from flightlake.refresh.policy import policy_of
from flightlake.refresh.runs import Ended
from flightlake.refresh.status import STATUS, Status, failed, is_permanent, status_json, status_of


def write_down(
    views: Views, ended: Ended, before: Status, suspend_after: int, seen: str
) -> Status | None:
    """Add a failure to the status of a view; return what was not written.

    Failures that may pass are written when there are 1, 2, 4, 8, … in a row: each is a commit.

    Args:
        views: Finds the view.
        ended: The refresh, with its failure.
        before: The status, as far as it is known without asking.
        suspend_after: After how many permanent failures, if the view does not say.
        seen: Stands for what the refresh saw.
    """
    view, failure, began = ended.run.wanted.view, ended.failure, ended.run.started
    if failure is None:
        return None
    told = failed(before, failure, began, suspend_after, seen)
    if not is_permanent(failure) and told.failures & (told.failures - 1):
        return told

    def now(table: Committed) -> Mapping[str, str]:
        properties, after = table.metadata.properties, suspend_after
        with suppress(FlightlakeError):
            after = policy_of(properties, view).suspend_after or after
        known = status_of(properties)
        if not known.suspended:  # some failures before this one may not be written
            known = max(known, before, key=lambda one: one.failures)
        return {STATUS: status_json(failed(known, failure, began, after, seen))}

    try:
        change_properties(views.writable_catalog(view), view, now)
    except FlightlakeError:
        return told
    return None
