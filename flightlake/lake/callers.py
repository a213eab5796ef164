"""Catalogs that each caller reads with a token of his own.

Such a catalog is opened anew for each token, and nothing that was learnt with one token is used
for another: two callers never share metadata, manifests or connections.  A caller without a token
is told so by name.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

from flightlake.errors import NotPermitted
from flightlake.lake.catalogs import Catalog, Catalogs, open_catalog
from flightlake.lake.planning import Planner
from flightlake.lake.rest_catalog import open_personal
from flightlake.lake.table import IcebergTable

OpenFor = Callable[[str, str], Catalog]
"""Opens a catalog for a token, and for what tells its owner from others in caches."""

_MAX_CALLERS = 256


@dataclass(frozen=True, slots=True)
class Configured:
    """A catalog as it is configured: see ``open_catalog``; ``personal``: with callers' tokens."""

    name: str
    type: str
    properties: Mapping[str, str]
    timeout: timedelta
    personal: bool = False


def open_catalogs(configured: Iterable[Configured], metadata_bytes: int) -> "CallerCatalogs":
    """Return all catalogs of a server, without connecting to any; they share one cache.

    Args:
        configured: What they are.
        metadata_bytes: What may be kept of the metadata of their tables.

    Raises:
        Unsupported: A type is not known, or a property cannot be used.
    """
    planner = Planner(metadata_bytes)
    shared: dict[str, Catalog] = {}
    personal: dict[str, OpenFor] = {}
    for one in configured:
        if one.personal:
            personal[one.name] = open_personal(one.name, one.properties, one.timeout, planner)
        else:
            shared[one.name] = open_catalog(
                one.name, one.type, one.properties, one.timeout, planner
            )
    return CallerCatalogs(shared, personal)


class CallerCatalogs:
    """The catalogs of a server, as each caller sees them.  Thread-safe.

    Args:
        shared: Those that all callers see alike.
        personal: How to open the others, by name.
    """

    def __init__(self, shared: Catalogs, personal: Mapping[str, OpenFor]) -> None:
        self._personal = dict(personal)
        self._shared = {**shared, **{name: _Withheld(name) for name in personal}}
        self._lock = threading.Lock()
        self._opened: OrderedDict[str, Catalogs] = OrderedDict()

    def of(self, token: str | None) -> Catalogs:
        """Return the catalogs of a caller with this token of his own; None: he has none."""
        if token is None or not self._personal:
            return self._shared
        owner = hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
        with self._lock:
            found = self._opened.get(owner)
            if found is None:
                own = {name: opener(token, owner) for name, opener in self._personal.items()}
                found = {**self._shared, **own}
                self._opened[owner] = found
                while len(self._opened) > _MAX_CALLERS:
                    self._opened.popitem(last=False)
            self._opened.move_to_end(owner)
        return found


class _Withheld:
    """A catalog to a caller who has no token to read it with."""

    def __init__(self, name: str) -> None:
        self.name = name

    def db_schemas(self) -> list[str]:
        self._refuse()

    def tables(self, db_schema: str) -> list[str]:
        self._refuse()

    def load(self, db_schema: str, table: str) -> IcebergTable:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise NotPermitted(
            f"catalog '{self.name}' is read with the token of whoever asks, and you have shown"
            " none: log in with a token of your identity provider, not with a password or a token"
            " of this server"
        )
