"""A cache of immutable things, bounded by the bytes they take."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """Keeps what was used last.  Thread-safe.

    Two threads that miss the same key at once both make it: the things kept here are
    immutable and equal, so that costs time, never truth, and nobody waits for a stranger.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """The bytes taken now, as told by those who filled the cache."""
        return self._bytes

    def get(self, key: K) -> V | None:
        """Return what is kept under *key*, or None."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Keep *value*, which takes *size* bytes; what is larger than the cache is not kept."""
        with self._lock:
            before = self._kept.pop(key, None)
            if before is not None:
                self._bytes -= before[1]
            if size > self._max_bytes:
                return
            self._kept[key] = (value, size)
            self._bytes += size
            while self._bytes > self._max_bytes:
                _, (_, freed) = self._kept.popitem(last=False)
                self._bytes -= freed

    def get_or_make(self, key: K, make: Callable[[], tuple[V, int]]) -> V:
        """Return what is kept under *key*, or make it; *make* returns the value and its size."""
        found = self.get(key)
        if found is not None:
            return found
        value, size = make()
        self.put(key, value, size)
        return value
