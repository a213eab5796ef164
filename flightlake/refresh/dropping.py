"""The files of dropped views go, once no reader can need them, and no catalog knows them."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from flightlake.cancellation import Cancellation
from flightlake.errors import FlightlakeError
from flightlake.lake.catalogs import Catalogs
from flightlake.lake.deletion import Deleted
from flightlake.lake.dropped_files import Begun, begin, finish, undo
from flightlake.lake.registered import Registered, place_of, registered
from flightlake.lake.writing import WritableCatalog
from flightlake.names import TableIdentifier
from flightlake.refresh.dropped_views import DroppedView, dropped_views, forget
from flightlake.refresh.kept_views import writable_catalogs

_LOG = logging.getLogger(__name__)
_AT_ONCE = 100
"""So many views' files go at a time."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of the files of a dropped view: they were deleted, or why not all were."""

    view: TableIdentifier
    deleted: Deleted = field(default_factory=Deleted)
    failure: FlightlakeError | None = None


def remove_dropped(
    catalogs: Catalogs,
    writable: frozenset[str],
    before: datetime,
    mine: Callable[[TableIdentifier], bool],
    call: Cancellation,
) -> Iterator[Removed]:
    """Delete the files of views that were dropped *before* a time; yield what was done.

    Nothing of a view is deleted if any catalog of the server knows a table of its UUID, or one
    that has files in its folder, or if one cannot be asked.  All are asked twice: before anything
    is touched, and again once the metadata file is away, without which no catalog can be told of
    the table as it was last.

    Raises:
        FlightlakeError: The reason of *call*.
    """
    due = [
        (catalog, one)
        for name, catalog in writable_catalogs(catalogs, writable)
        for one in _listed(name, catalog, call)
        if one.at < before and mine(one.remains.name)
    ][:_AT_ONCE]
    try:
        yield from _removed(catalogs, due, call)
    except FlightlakeError as failure:  # then nothing was deleted
        call.check()
        for _, one in due:
            yield Removed(one.remains.name, failure=failure)


def _removed(
    catalogs: Catalogs, due: Sequence[tuple[WritableCatalog, DroppedView]], call: Cancellation
) -> list[Removed]:
    """Delete what is left of the views *due*.

    Raises:
        FlightlakeError: A catalog cannot be asked, so that nothing was deleted; or the reason of
            *call*.
    """
    known = registered(catalogs, call) if due else Registered(frozenset(), frozenset())
    left = [(catalog, one) for catalog, one in due if not _is_known(known, one)]
    for catalog, one in due:
        if _is_known(known, one):  # it was registered again, and its next drop is another
            forget(catalog, one)
    begun: list[Begun | FlightlakeError] = []
    try:
        for _, one in left:
            begun.append(_begun(one, call))
        known = registered(catalogs, call) if begun else known
    except BaseException:
        for some in begun:
            if isinstance(some, Begun):
                with suppress(FlightlakeError):  # the others want theirs back, too
                    undo(some)
        raise
    return [
        _finished(catalog, one, some, known, call)
        for (catalog, one), some in zip(left, begun, strict=True)
    ]


def _finished(
    catalog: WritableCatalog,
    dropped: DroppedView,
    begun: Begun | FlightlakeError,
    known: Registered,
    call: Cancellation,
) -> Removed:
    name, deleted = dropped.remains.name, Deleted()
    try:
        if isinstance(begun, FlightlakeError):
            raise begun
        if _is_known(known, dropped):
            undo(begun)
            return Removed(name)
        deleted = finish(begun, call)
        if not deleted.failed:
            forget(catalog, dropped)
    except FlightlakeError as failure:  # the next time does what is left
        return Removed(name, deleted, failure)
    return Removed(name, deleted)


def _listed(name: str, catalog: WritableCatalog, call: Cancellation) -> list[DroppedView]:
    try:
        return dropped_views(name, catalog)
    except FlightlakeError as failure:
        call.check()
        _LOG.warning("it is not known which views were dropped in %s: %s", name, failure.message)
        return []


def _begun(dropped: DroppedView, call: Cancellation) -> Begun | FlightlakeError:
    try:
        return begin(dropped.remains, call)
    except FlightlakeError as failure:
        call.check()
        return failure


def _is_known(known: Registered, dropped: DroppedView) -> bool:
    remains = dropped.remains
    return known.knows(dropped.uuid, place_of(remains.store, remains.folder))
