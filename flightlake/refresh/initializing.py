"""Making a view without its rows, which its first refresh makes (``INITIALIZE = ON_SCHEDULE``).

The table gets no snapshot: whoever reads it through this server is told so, and other engines
see a table that nothing was ever written to.
"""

from collections.abc import Mapping

from flightlake.cancellation import Cancellation
from flightlake.errors import AlreadyExists, Unsupported
from flightlake.lake import materialized
from flightlake.lake.branches import BranchCatalog
from flightlake.lake.commits import Committed
from flightlake.lake.replacement import Replacement
from flightlake.lake.writing import WritableCatalog
from flightlake.names import TableIdentifier
from flightlake.refresh.outcomes import Outcome
from flightlake.refresh.records import Definition, definition_json
from flightlake.refresh.refreshing import Refresher
from flightlake.refresh.status import INITIALIZING
from flightlake.refresh.waiting import Waiting, waiting_json


def begin(
    refresher: Refresher,
    catalog: WritableCatalog,
    view: TableIdentifier,
    base: Committed | None,
    definition: Definition,
    call: Cancellation,
    more: Mapping[str, str],
) -> Outcome:
    """Make *view* as ``Refresher.make`` does, but for its rows; the query is bound, and not run.

    Raises:
        AlreadyExists: There is a view; what it has would not be rows of the new definition.
        Unsupported: It is to be on a branch, which nobody refreshes by a schedule.
        FlightlakeError: The definition is wrong; or it cannot be committed.
    """
    if isinstance(catalog, BranchCatalog):
        raise Unsupported(
            "no schedule refreshes views on a branch, so a view is made there with its rows; leave"
            " INITIALIZE = ON_SCHEDULE out"
        )
    if base is not None:
        raise AlreadyExists(
            f"materialized view {view} is there already, and cannot wait for rows of another"
            " definition; leave INITIALIZE = ON_SCHEDULE out, or drop the view first"
        )
    vector = refresher.bound(view, definition, call)
    terms = definition.partitioned_by
    new = Replacement(catalog, view, None, vector.survey.schema, terms, refresher.encoding)
    waiting = Waiting(refresher.clock.now(), vector.sources)
    properties = {
        **more,
        materialized.UUID: new.table_uuid,
        materialized.VERSION: str(definition.version),
        materialized.DEFINITION: definition_json(definition),
        materialized.STATE: waiting_json(new.table_uuid, waiting),
    }
    call.check()
    new.begin(properties)
    reason = "the view was made, and its first refresh makes its rows"
    return Outcome(view, INITIALIZING, reason=reason)
