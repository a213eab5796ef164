"""Keys to a table's files that its catalog hands out for a while, and hands out anew.

A statement may take longer than its keys hold.  So the settings of a store do not hold the keys
but who has them: whoever reads a file asks, and gets keys that hold.  The engine asks, too
(``engine/key_server``).

Source: Iceberg REST catalog OpenAPI specification, ``LoadTableResult``, ``StorageCredential``.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from flightlake.clock import Clock
from flightlake.errors import FlightlakeError, NotReady

_TOKEN = "s3.session-token"  # noqa: S105 - a property's name
_ENDS = "s3.session-token-expires-at-ms"
_LEAST = timedelta(minutes=15)
"""The life of keys that come without an end: AWS gives out none that end sooner."""
_MARGIN = timedelta(minutes=5)
_SHARE = 3
"""Keys are renewed five minutes before their end, or when a third of their life is left."""
_PATIENCE = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys to S3, from when on they should be renewed, and when they end."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    renew_at: datetime
    ends_at: datetime


def keys_in(given: Mapping[str, str], now: datetime) -> Keys | None:
    """Return the keys in what a catalog has *given* for a table, or None if they do not end.

    Raises:
        ValueError: They are incomplete, or end at no moment.
    """
    if not given.get(_TOKEN):
        return None
    try:
        key, secret = given["s3.access-key-id"], given["s3.secret-access-key"]
    except KeyError as missing:
        raise ValueError("the keys are incomplete") from missing
    said = given.get(_ENDS)
    ends = now + _LEAST if said is None else _EPOCH + timedelta(milliseconds=int(said))
    margin = min(_MARGIN, (ends - now) / _SHARE)
    return Keys(key, secret, given[_TOKEN], ends - margin, ends)


class VendedKeys:
    """The keys to one table's files for one caller.  Thread-safe; equal by ``name``.

    Args:
        name: What tells them from others; holds no secret.
        table: The table's name for messages.
        keys: Those that came first.
        renew: Asks the catalog for new ones; raises what a catalog raises.
        clock: The time.
    """

    def __init__(
        self, name: str, table: str, keys: Keys, renew: Callable[[], Keys], clock: Clock
    ) -> None:
        self.name = name
        self._table = table
        self._keys = keys
        self._renew = renew
        self._clock = clock
        self._renewing = threading.Lock()
        self._not_before = _EPOCH

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VendedKeys) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def offer(self, keys: Keys) -> None:
        """Take *keys*, which came with the table, if they hold longer than those here."""
        if keys.ends_at > self._keys.ends_at:
            self._keys = keys

    def current(self) -> Keys:
        """Return keys that hold, asking the catalog for new ones before the old end.

        Raises:
            NotReady: The old ones have ended, and the catalog gives no new ones.
        """
        keys, now = self._keys, self._clock.now()
        if now < keys.renew_at:
            return keys
        holds = now < keys.ends_at
        if holds and (now < self._not_before or not self._renewing.acquire(blocking=False)):
            return keys
        if not holds:
            self._renewing.acquire()
        try:
            return self._renewed(keys)
        finally:
            self._renewing.release()

    def _renewed(self, old: Keys) -> Keys:
        if self._keys is not old:  # by whoever was here first
            return self._keys
        try:
            self.offer(self._renew())
        except FlightlakeError as failure:
            now = self._clock.now()
            self._not_before = now + _PATIENCE
            if now < old.ends_at:
                return old
            raise NotReady(
                f"the credentials for the files of table {self._table} have expired, and its"
                " catalog gives no new ones"
            ) from failure
        if self._clock.now() >= self._keys.ends_at:
            raise NotReady(
                f"the catalog of table {self._table} gives out credentials that have expired"
            )
        return self._keys
