"""Which tables all catalogs of a server know: by identity, and by the folders of their files."""

import gzip
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from flightlake.cancellation import Cancellation
from flightlake.errors import DamagedData, NotFound
from flightlake.lake import blobs
from flightlake.lake.catalogs import Catalog, Catalogs
from flightlake.lake.pointers import PointedTables
from flightlake.lake.reach import stored_key
from flightlake.lake.stores import StoreSettings
from flightlake.lake.writing import WritableCatalog
from flightlake.names import TableIdentifier

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of a store, as the store calls it; ``store`` is its kind, and the bucket.

    Two catalogs may reach one bucket by other addresses, or with keys of their own.  Two buckets
    of one name are taken for one: the folders of views have random names.
    """

    store: str
    folder: str

    def meets(self, other: "Place") -> bool:
        """Return whether one of both is in the other, or is the other."""
        mine, theirs = f"{self.folder}/", f"{other.folder}/"
        return self.store == other.store and (mine.startswith(theirs) or theirs.startswith(mine))


def place_of(store: StoreSettings, location: str) -> Place:
    """Return the folder *location* of *store*."""
    return Place(f"{store.scheme}://{store.authority}", stored_key(store, location).rstrip("/"))


@dataclass(frozen=True, slots=True)
class Registered:
    """All tables of a server: their UUIDs, and the places of their files and metadata."""

    uuids: frozenset[str]
    places: frozenset[Place]

    def knows(self, uuid: str, place: Place) -> bool:
        """Return whether a table has this *uuid*, or files in *place*."""
        return uuid in self.uuids or any(place.meets(one) for one in self.places)


def registered(catalogs: Catalogs, call: Cancellation) -> Registered:
    """Return all tables of *catalogs*, each of which is looked at now.

    Catalogs that are read with the tokens of callers are not: nobody may.

    Raises:
        FlightlakeError: A catalog or a table cannot be asked; or the reason of *call*.
    """
    uuids: set[str] = set()
    places: set[Place] = set()
    for name, catalog in sorted(catalogs.items()):
        if not isinstance(catalog, WritableCatalog):
            continue
        look: Callable[[TableIdentifier], _Seen] = (
            _by_pointer(catalog) if isinstance(catalog, PointedTables) else _by_loading(catalog)
        )

        def one(table: TableIdentifier, look: Callable[[TableIdentifier], "_Seen"] = look) -> _Seen:
            call.check()
            return look(table)

        for db_schema in catalog.db_schemas():
            try:
                tables = catalog.tables(db_schema)
            except NotFound:  # dropped since it was listed
                continue
            names = [TableIdentifier(name, db_schema, table) for table in tables]
            with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="registered") as threads:
                for uuid, found in threads.map(one, names):
                    uuids |= {uuid}
                    places |= found
    return Registered(frozenset(uuids - {""}), frozenset(places))


_Seen = tuple[str, frozenset[Place]]
_NOTHING: _Seen = ("", frozenset())


def _by_pointer(catalog: PointedTables) -> Callable[[TableIdentifier], _Seen]:
    """Return what looks at the metadata file, whatever of it can be understood."""

    def look(table: TableIdentifier) -> _Seen:
        location = catalog.pointer(table.db_schema, table.table)
        if location is None:  # dropped since it was listed
            return _NOTHING
        store = catalog.store(location)
        around = place_of(store, location.rpartition("/metadata/")[0] or location)
        try:
            document = _parsed(blobs.read(store, location, f"the metadata of table {table}"))
        except DamagedData:  # nobody can read such a table; but where it is, it is
            return "", frozenset({around})
        told = document.get("location")
        where = place_of(catalog.store(told), told) if isinstance(told, str) else around
        return str(document.get("table-uuid", "")), frozenset({around, where})

    return look


def _by_loading(catalog: Catalog) -> Callable[[TableIdentifier], _Seen]:
    def look(table: TableIdentifier) -> _Seen:
        try:
            found = catalog.load(table.db_schema, table.table)
        except NotFound:  # dropped since it was listed
            return _NOTHING
        return found.uuid, frozenset({place_of(found.store, found.metadata.location)})

    return look


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    except (OSError, ValueError, RecursionError, EOFError) as broken:
        raise DamagedData("the metadata of a table is broken") from broken
    return found if isinstance(found, dict) else {}
