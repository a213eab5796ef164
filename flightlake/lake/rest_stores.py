"""The stores of a REST catalog's tables: with the catalog's keys, where it hands out some."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace

from flightlake.clock import Clock
from flightlake.errors import NotReady, Unsupported
from flightlake.lake.stores import StoreSettings
from flightlake.lake.vending import Keys, VendedKeys, keys_in
from flightlake.names import TableIdentifier

_MAX_TABLES = 4_096


class TableStores:
    """What a catalog has handed out to one caller.  Thread-safe; bounded.

    Args:
        catalog: Its name.
        owner: What tells the caller from others; ``""`` for all callers alike.
        clock: The time.
    """

    def __init__(self, catalog: str, owner: str, clock: Clock) -> None:
        self._catalog = catalog
        self._owner = owner
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: OrderedDict[str, VendedKeys] = OrderedDict()

    def of(
        self,
        identifier: TableIdentifier,
        uuid: str,
        store: StoreSettings,
        given: Mapping[str, str],
        again: Callable[[], Mapping[str, str]],
    ) -> StoreSettings:
        """Return how a table's files are reached.

        Args:
            identifier: The table's name.
            uuid: What tells it from others.
            store: As all properties say, the *given* ones among them.
            given: What the catalog has said of the table's store.
            again: Asks the catalog for the same once more; raises what a catalog raises.

        Raises:
            Unsupported: What the catalog has given cannot be used.
        """
        store = replace(store, owner=self._owner)
        if store.scheme != "s3":
            return store
        keys = self._read(given, identifier)
        if keys is None:
            return store
        place = (self._catalog, self._owner, uuid, store.authority, store.endpoint)
        name = hashlib.sha256(repr(place).encode()).hexdigest()

        def renewed() -> Keys:
            found = self._read(again(), identifier)
            if found is None:
                raise NotReady(f"catalog '{self._catalog}' gives no credentials any more")
            return found

        vended = self._kept(
            name, lambda: VendedKeys(name, str(identifier), keys, renewed, self._clock)
        )
        vended.offer(keys)
        return replace(
            store, access_key_id=None, secret_access_key=None, session_token=None, keys=vended
        )

    def _read(self, given: Mapping[str, str], identifier: TableIdentifier) -> Keys | None:
        try:
            return keys_in(given, self._clock.now())
        except ValueError:
            raise Unsupported(
                f"catalog '{self._catalog}' gives credentials for table {identifier} that"
                " cannot be read"
            ) from None

    def _kept(self, name: str, make: Callable[[], VendedKeys]) -> VendedKeys:
        with self._lock:
            found = self._keys.get(name)
            if found is None:
                found = self._keys[name] = make()
            self._keys.move_to_end(name)
            while len(self._keys) > _MAX_TABLES:
                self._keys.popitem(last=False)
            return found
