"""Which views were dropped, and where their files are, until these are deleted.

That stands in properties of the table that holds the history of refreshes in the view's catalog:
one for each view that certainly left it.
"""

import json
import logging
from dataclasses import dataclass
from datetime import datetime

from flightlake.clock import Clock
from flightlake.engine.system_tables import REFRESH_HISTORY, STORED, SYSTEM
from flightlake.errors import FlightlakeError
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.commits import Committed
from flightlake.lake.dropped_files import Remains
from flightlake.lake.marks import change_marks, marks_of
from flightlake.lake.pointers import PointedTables
from flightlake.lake.replacement import Replacement
from flightlake.lake.schema_making import ensure_schema
from flightlake.lake.snapshots import appended
from flightlake.lake.writing import WritableCatalog
from flightlake.names import TableIdentifier
from flightlake.refresh.history_upkeep import TABLE, TERMS, ours
from flightlake.refresh.records import NOT_OURS, moment

_LOG = logging.getLogger(__name__)
PREFIX = "flightlake.dropped."


@dataclass(frozen=True, slots=True)
class DroppedView:
    """A view that was dropped ``at`` a time; ``uuid`` is that of its table."""

    uuid: str
    at: datetime
    remains: Remains


def remember(catalogs: Catalogs, view: Committed, clock: Clock) -> bool:
    """Write down that *view*, which certainly is in its catalog no more, left files.

    Returns False if it cannot be: then they stay.
    """
    name = view.identifier
    catalog: object = catalogs.get(name.catalog)
    # Other catalogs may know of more than they tell; and on a branch only the branch went.
    if not isinstance(catalog, PointedTables) or not isinstance(catalog, WritableCatalog):
        return False
    told = {
        "name": [name.catalog, name.db_schema, name.table],
        "at": clock.now().isoformat(),
        "metadata": view.location,
        "folder": view.metadata.location,
    }
    mark = {f"{PREFIX}{view.metadata.table_uuid}": json.dumps(told)}
    table = history_of(name.catalog)
    try:
        if ours(catalog, table) is not None:
            return change_marks(catalog, table, mark)
        ensure_schema(catalogs[name.catalog], SYSTEM)
        new = Replacement(catalog, table, None, REFRESH_HISTORY, TERMS)
        new.commit(({STORED: TABLE, **mark}, {}), clock.now(), lambda: None, appended)
    except Exception as failure:  # noqa: BLE001 - the view is dropped, whatever becomes of this
        known = isinstance(failure, FlightlakeError)
        reason = failure.message if isinstance(failure, FlightlakeError) else "a defect"
        detail = None if known else failure
        _LOG.warning("the files of dropped view %s stay: %s", name, reason, exc_info=detail)
        return False
    return True


def dropped_views(name: str, catalog: WritableCatalog) -> list[DroppedView]:
    """Return the views that were dropped in the catalog called *name*, oldest first.

    Raises:
        FlightlakeError: The catalog does not answer, or the table cannot be read.
    """
    if not isinstance(catalog, PointedTables) or ours(catalog, history_of(name)) is None:
        return []
    marks = marks_of(catalog, history_of(name), PREFIX) or {}
    found = [
        one for uuid, text in marks.items() if (one := _read(name, uuid, text, catalog)) is not None
    ]
    return sorted(found, key=lambda one: one.at)


def forget(catalog: WritableCatalog, dropped: DroppedView) -> None:
    """Take away what was written down of *dropped*.

    Raises:
        FlightlakeError: That is not done, or not known.
    """
    name = dropped.remains.name
    change_marks(catalog, history_of(name.catalog), {}, [f"{PREFIX}{dropped.uuid}"])


def history_of(catalog: str) -> TableIdentifier:
    return TableIdentifier(catalog, SYSTEM, TABLE)


def _read(catalog: str, uuid: str, text: str, there: PointedTables) -> DroppedView | None:
    """Return what *text* says; None if it is not what was written, or of another catalog."""
    try:
        found = json.loads(text)
        named, db_schema, table = map(str, found["name"])
        metadata, folder = str(found["metadata"]), str(found["folder"])
        if named != catalog or not metadata.startswith(f"{folder.rstrip('/')}/metadata/"):
            return None
        name = TableIdentifier(named, db_schema, table)
        remains = Remains(name, metadata, folder, there.store(folder))
        return DroppedView(uuid, moment(found["at"]), remains)
    except NOT_OURS:
        return None
