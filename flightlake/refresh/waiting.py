"""Views whose rows are yet to be made (``INITIALIZE = ON_SCHEDULE``), as their tables tell it.

It stands where the state of the rows will, so that the commit of the first refresh takes it away.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flightlake.lake.materialized import STATE, UNMADE
from flightlake.refresh.records import NOT_OURS, Source, moment, read_source, source_json


@dataclass(frozen=True, slots=True)
class Waiting:
    """A view that was made ``since`` then, without rows; ``sources`` are what it will read.

    They are as they were at that time, and nothing was read of them.
    """

    since: datetime
    sources: tuple[Source, ...]


def waiting_json(table_uuid: str, waiting: Waiting) -> str:
    """Return *waiting* as it is kept in ``flightlake.mv.state``."""
    told = {
        "initialized": False,  # first: that is by what ``lake.materialized`` knows it
        "view-uuid": table_uuid,
        "since": waiting.since.isoformat(),
        "sources": [source_json(source) for source in waiting.sources],
    }
    return json.dumps(told)


def waiting_of(properties: Mapping[str, str], table_uuid: str) -> Waiting | None:
    """Return for what the view of *properties* waits; None if it does not, or that is not ours."""
    text = properties.get(STATE, "")
    if not text.startswith(UNMADE):
        return None
    try:
        found = json.loads(text)
        if found["view-uuid"] != table_uuid:
            return None
        return Waiting(moment(found["since"]), tuple(map(read_source, found["sources"])))
    except NOT_OURS:
        return None
