"""The files of a view that was dropped, deleted once nobody can need them any more.

What goes is below the table's own folder: what its last metadata reaches, and what has a name
that only this server gives.  The metadata file goes first: from then on the table cannot be
registered again as it was last, so that what is asked after that stays true.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import pyarrow.fs as pafs
from pyiceberg.table.metadata import TableMetadata

from flightlake.cancellation import Cancellation
from flightlake.errors import DamagedData, NotReady, Unsupported
from flightlake.lake.blobs import filesystem, read
from flightlake.lake.deletion import Deleted, below, delete
from flightlake.lake.new_files import put
from flightlake.lake.pointers import parsed_metadata
from flightlake.lake.reach import reached, stored_key
from flightlake.lake.stores import StoreSettings
from flightlake.lake.unreferenced import is_ours, listed
from flightlake.names import TableIdentifier


@dataclass(frozen=True, slots=True)
class Remains:
    """What a dropped table left: its last metadata file, and its folder."""

    name: TableIdentifier
    metadata: str
    folder: str
    store: StoreSettings


@dataclass(frozen=True, slots=True)
class Begun:
    """A deletion that has begun: of ``content``, the metadata; ``sizes`` are files to go by key."""

    remains: Remains
    content: bytes | None
    sizes: Mapping[str, int]


def begin(remains: Remains, call: Cancellation) -> Begun:
    """Find what a table left, and delete its last metadata file.

    Raises:
        NotReady: The store does not answer, or the file cannot be deleted.
        FlightlakeError: The reason of *call*.
    """
    store = remains.store
    content, sizes = _known(remains, call)
    for file in listed(store, remains.folder, f"the folder of dropped view {remains.name}"):
        if is_ours(file.path):
            sizes[file.key] = file.size
    last = stored_key(store, remains.metadata)
    ours = {key: sizes[key] for key in below(store, remains.folder, sizes) if key != last}
    if content is not None and delete(store, {last: len(content)}, call).failed:
        raise NotReady(f"files of the dropped view {remains.name} cannot be deleted")
    return Begun(remains, content, ours)


def undo(begun: Begun) -> None:
    """Put the metadata file back.

    Raises:
        NotReady: The store cannot be written.
    """
    remains = begun.remains
    if begun.content is not None:
        subject = f"the folder of dropped view {remains.name}"
        put(remains.store, remains.metadata, begun.content, subject)


def finish(begun: Begun, call: Cancellation) -> Deleted:
    """Delete the rest; what is left by whoever dies meanwhile is found by its names.

    Raises:
        FlightlakeError: The reason of *call*.
    """
    store = begun.remains.store
    rest = delete(store, begun.sizes, call)
    if isinstance(filesystem(store), pafs.LocalFileSystem):
        folder = stored_key(store, begun.remains.folder).rstrip("/")
        for empty in (f"{folder}/data", f"{folder}/metadata", folder):
            with suppress(OSError):  # which is not empty, or is not there
                os.rmdir(empty)
    content = begun.content or b""
    return Deleted(rest.files + bool(content), rest.bytes + len(content), rest.failed)


def _known(remains: Remains, call: Cancellation) -> tuple[bytes | None, dict[str, int]]:
    """Return the last metadata, if it is there still, and what it reaches, if that can be told.

    What cannot be told stays, unless it has a name of ours.
    """
    store, table = remains.store, str(remains.name)
    try:
        content = read(store, remains.metadata, f"the metadata of dropped table {table}")
    except DamagedData:  # a deletion that ended in the midst has begun with it
        return None, {}
    try:
        metadata: TableMetadata = parsed_metadata(content, remains.name)
        found = reached(metadata, metadata.snapshots, store, table, call)
    except (DamagedData, Unsupported):
        return content, {}
    return content, {**found.files, **found.manifests, **found.lists}
