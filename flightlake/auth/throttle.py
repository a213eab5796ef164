"""How guessing passwords is slowed down, without locking out the person guessed at.

Failures are counted per address, per user, and per pair of both.  From the fifth failure on,
each one doubles the time until the next attempt is looked at: 1 s, 2 s, … up to 15 min.

* An address that fails, with whatever names, has to wait.
* A user at whom many addresses guess: addresses that have already failed for this user have to
  wait for each other.  An address that has not is heard at once, so the user logs in from
  their own, however hard others try.
* An address from which the user has logged in within a day answers for its own failures with
  this user alone: neither guesses from elsewhere nor a neighbour behind the same gateway
  matter to it.

Who has to wait is refused at once.  Making the caller sleep would hold a thread, which
is worth more than the attacker's time, and reveal no less.
"""

import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

from flightlake.clock import Clock
from flightlake.errors import NotAuthenticated

_FREE = 5  # failures before anybody has to wait
_LONGEST = 15 * 60.0  # seconds
_KNOWN = 24 * 3600.0  # seconds for which an address stays known for a user
_ENTRIES = 10_000  # per table; the least recently used are forgotten

WAIT = "too many failed logins; try again later"


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last: float = 0.0

    def wait_until(self) -> float:
        if self.count < _FREE:
            return 0.0
        return self.last + min(2.0 ** min(self.count - _FREE, 30), _LONGEST)

    def is_over(self, now: float) -> bool:
        """Return whether it is as long quiet as the longest wait: then all is forgiven."""
        return now > max(self.wait_until(), self.last) + _LONGEST


@dataclass(slots=True)
class _Table:
    """Counts per key, of bounded size."""

    entries: OrderedDict[Hashable, _Failures] = field(default_factory=OrderedDict)

    def get(self, key: Hashable, now: float) -> _Failures:
        failures = self.entries.get(key)
        if failures is not None and failures.is_over(now):
            del self.entries[key]
            failures = None
        return failures or _Failures()

    def add(self, key: Hashable, now: float) -> None:
        failures = self.get(key, now)
        self.entries[key] = _Failures(failures.count + 1, now)
        self.entries.move_to_end(key)
        while len(self.entries) > _ENTRIES:
            self.entries.popitem(last=False)


class Throttle:
    """Counts failed logins and says who has to wait.  Thread-safe, bounded in memory."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._addresses = _Table()
        self._users = _Table()
        self._pairs = _Table()
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()

    def check(self, user: str, address: str) -> None:
        """Pass, or refuse an attempt that comes too early.

        Raises:
            NotAuthenticated: It has to wait.
        """
        now, network = self._clock.monotonic(), _network(address)
        with self._lock:
            pair = self._pairs.get((user, network), now)
            until = pair.wait_until()
            if not self._is_known(user, network, now):
                until = max(until, self._addresses.get(network, now).wait_until())
                if pair.count:
                    until = max(until, self._users.get(user, now).wait_until())
        if now < until:
            raise NotAuthenticated(WAIT)

    def failed(self, user: str, address: str) -> None:
        """Count a failure of *user* at *address*."""
        now, network = self._clock.monotonic(), _network(address)
        with self._lock:
            self._pairs.add((user, network), now)
            if not self._is_known(user, network, now):
                self._addresses.add(network, now)
                self._users.add(user, now)

    def succeeded(self, user: str, address: str) -> None:
        """Forgive the pair, and remember that this address is the user's own."""
        now, network = self._clock.monotonic(), _network(address)
        with self._lock:
            self._pairs.entries.pop((user, network), None)
            self._known[(user, network)] = now
            self._known.move_to_end((user, network))
            while len(self._known) > _ENTRIES:
                self._known.popitem(last=False)

    def _is_known(self, user: str, network: str, now: float) -> bool:
        since = self._known.get((user, network))
        return since is not None and now - since < _KNOWN


def _network(address: str) -> str:
    """Return what one attacker holds: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return address
