"""Files that refreshes left which never were committed: found, fenced off, and deleted.

What is looked at has a name that only this server gives, at a place below the table that only a
refresh uses, and has lain there for long.  None of that is a reason to delete it: what counts is
that no snapshot reaches it, and that none ever will.  For the second, the table is changed
before it is read (``_fence``): a refresh that began before that is refused from then on,
however late it wakes up, and one that begins later writes to a folder that was not there when
the files were listed.
"""

import re
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow.fs as pafs
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import SetPropertiesUpdate

from flightlake.cancellation import Cancellation
from flightlake.errors import Unsupported
from flightlake.lake.blobs import filesystem, translated
from flightlake.lake.commits import Committed, commit, current
from flightlake.lake.deletion import Deleted, delete
from flightlake.lake.materialized import PREFIX
from flightlake.lake.reach import reached, stored_key
from flightlake.lake.stores import StoreSettings
from flightlake.lake.writing import WritableCatalog

FENCE = f"{PREFIX}fence"

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_DATA = re.compile(r"data/(?P<refresh>[0-9a-f]{32})/.+")
_MANIFEST = re.compile(rf"metadata/{_UUID}-(?:list|new|gone-\d+)\.avro")
_METADATA = re.compile(rf"metadata/(?P<number>\d{{5,10}})-{_UUID}\.metadata\.json")
_ENDS = re.compile(r"(?=/((?:data|metadata)/.+))")


@dataclass(frozen=True, slots=True)
class Found:
    """A file: its key in the store, its path below the table's folder, its bytes and its age."""

    key: str
    path: str
    size: int
    changed: datetime


def remove_unreferenced(
    catalog: WritableCatalog, table: Committed, now: datetime, age: timedelta, call: Cancellation
) -> Deleted:
    """Delete what refreshes of *table* left without committing it; return what was deleted.

    Args:
        catalog: Where the table is.
        table: As it is.
        now: The time.
        age: For how long a file must not have been changed, by the store's clock; of the files
            of one refresh, all of them.  Longer than any refresh takes: what belongs to one that
            still runs would be deleted, and its commit refused.
        call: Ends it, between two files at the latest.

    Raises:
        Unsupported: The catalog does not compare all of a table at a commit, so that nothing can
            be fenced off; or keeps more of it than it tells.
        Refused: The table was changed by somebody else meanwhile; nothing is deleted.
        OutcomeUnknown: It is not known whether the table could be fenced; nothing is deleted.
        DamagedData, NotReady: Something of the table cannot be read; nothing is deleted.
        FlightlakeError: The reason of *call*.
    """
    if not catalog.compares_properties():
        raise Unsupported(
            f"files of {table.identifier} that no snapshot reaches are not looked for, as its"
            " catalog may know of more than it tells; use the maintenance of the catalog"
        )
    left = _left(table, now - age)
    if left:  # most of what is old is reached, and nothing has to be fenced off for it
        left = _without(left, _kept(table, call))
    if not left:
        return Deleted()
    call.check()
    # Old metadata files come with every commit; for them alone, none is made.
    if any(not _overtaken(file, table) for file in left):
        _fence(catalog, table)
    now_there = current(catalog, table.identifier)
    if now_there is None or now_there.metadata.table_uuid != table.metadata.table_uuid:
        return Deleted()  # dropped meanwhile: its files are nobody's to judge
    left = _without(left, _kept(now_there, call))
    return delete(table.store, {file.key: file.size for file in left}, call)


def _without(found: Iterable[Found], kept: Collection[str]) -> list[Found]:
    return [file for file in found if file.path not in kept]


def _left(table: Committed, before: datetime) -> list[Found]:
    """Return the files that may be unreferenced: right place, right name, old enough."""
    found = listed(table.store, table.metadata.location, f"the folder of table {table.identifier}")
    newest: dict[str, datetime] = {}
    for file in found:
        inside = _DATA.fullmatch(file.path)
        if inside:
            refresh = inside["refresh"]
            newest[refresh] = max(file.changed, newest.get(refresh, file.changed))
    left = []
    for file in found:
        inside = _DATA.fullmatch(file.path)
        changed = newest[inside["refresh"]] if inside else file.changed
        if is_ours(file.path) and changed < before:
            left.append(file)
    return left


def is_ours(path: str) -> bool:
    """Return whether a file is called as none but this server calls files of views.

    *path* is below the table's folder.
    """
    return any(name.fullmatch(path) for name in (_DATA, _MANIFEST, _METADATA))


def listed(store: StoreSettings, location: str, subject: str) -> list[Found]:
    """Return what is in the folders below *location* that refreshes write to.

    Raises:
        NotReady: The store does not answer.
    """
    start = stored_key(store, location).rstrip("/") + "/"
    found = []
    for folder in ("data", "metadata"):
        selector = pafs.FileSelector(start + folder, allow_not_found=True, recursive=True)
        with translated(subject):
            infos = filesystem(store).get_file_info(selector)
        for info in infos:
            key = str(info.path)
            # A store that does not tell the time of a change has nothing old.
            if info.type != pafs.FileType.File or info.mtime is None or not key.startswith(start):
                continue
            found.append(Found(key, key[len(start) :], int(info.size or 0), info.mtime))
    return found


def _overtaken(file: Found, table: Committed) -> bool:
    """Return whether *file* is a metadata file of a commit that can no longer succeed.

    A commit's metadata file has the number after that of the one it takes the place of.
    """
    theirs, ours = _METADATA.fullmatch(file.path), _number(table.location)
    return theirs is not None and ours is not None and int(theirs["number"]) <= ours


def _number(location: str) -> int | None:
    folder, _, name = location.rpartition("/")
    found = _METADATA.fullmatch(f"{folder.rpartition('/')[2]}/{name}")
    return None if found is None else int(found["number"])


def _fence(catalog: WritableCatalog, table: Committed) -> None:
    """Change *table* in nothing that matters, so that commits planned before fail."""
    mark = uuid.uuid4().hex

    def holds(metadata: TableMetadata) -> bool:
        return metadata.properties.get(FENCE) == mark

    commit(catalog, table, [SetPropertiesUpdate(updates={FENCE: mark})], holds)


def _kept(table: Committed, call: Cancellation) -> set[str]:
    """Return what is reached of *table*, each file by its path below the table's folder.

    Only the end of a path is looked at: a table that was moved, or is known by another name of
    its bucket, has written other beginnings into its manifests.
    """
    metadata, store = table.metadata, table.store
    found = reached(metadata, metadata.snapshots, store, str(table.identifier), call)
    log = [entry.metadata_file for entry in metadata.metadata_log]
    named = [stored_key(store, path) for path in (table.location, *log)]
    kept: set[str] = set()
    for key in (*found.files, *found.manifests, *found.lists, *named):
        kept.update(end[1] for end in _ENDS.finditer(key))
    return kept
