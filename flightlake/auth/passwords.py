"""Passwords: hashed with argon2id (RFC 9106), verified slowly and never by many at once."""

import base64
import hashlib
import hmac
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, HashingError, InvalidHashError, VerifyMismatchError

from flightlake.auth.throttle import Throttle
from flightlake.auth.users import User, UsersFile
from flightlake.clock import Clock
from flightlake.errors import InvalidRequest, NotAuthenticated, Overloaded

_log = logging.getLogger(__name__)

REFUSED = "the user name or the password is wrong"

_REMEMBERED = timedelta(minutes=5)
_ENTRIES = 1000
_MAX_PASSWORD = 1024  # bytes
_QUEUE = 16  # how many may wait for a verification: each one holds a thread


@dataclass(frozen=True, slots=True)
class HashCost:
    """What one verification costs; the defaults are those RFC 9106 has for little memory."""

    passes: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 4


def hash_password(password: str, cost: HashCost | None = None) -> str:
    """Return the argon2id hash of *password*, to be kept in the users file.

    Raises:
        InvalidRequest: It is empty, longer than 1,024 bytes, or no Unicode text.
    """
    if not password or not _is_possible(password):
        raise InvalidRequest(f"a password has 1 to {_MAX_PASSWORD} bytes of UTF-8")
    return _hasher(cost or HashCost()).hash(password)


class Passwords:
    """Verifies the passwords of a users file.  Thread-safe.

    Args:
        users: Who may log in.
        throttle: Slows down guessing.
        cost: What verifying the password of an unknown user costs: as much as that of a known
            one, so use what ``hash_password`` was given.
        at_once: Verifications at one time; each takes 64 MiB and a core.
        patience: How long a login may wait for its turn.
    """

    def __init__(
        self,
        users: UsersFile,
        throttle: Throttle,
        *,
        clock: Clock,
        cost: HashCost | None = None,
        at_once: int = 2,
        patience: timedelta = timedelta(seconds=10),
    ) -> None:
        self._users = users
        self._throttle = throttle
        self._hasher = _hasher(cost or HashCost())
        self._nobody = _hash_of_nothing(cost or HashCost())
        self._slots = threading.BoundedSemaphore(at_once)
        self._queue = threading.BoundedSemaphore(at_once + _QUEUE)
        self._patience = patience.total_seconds()
        self._verified = _Verified(clock)

    def verify(self, name: str, password: str, address: str) -> User:
        """Return the user who logs in from *address*.

        A password that was right within the last five minutes is not hashed again, as long as
        the users file has the same hash: tools that log in for each query are cheap.

        Raises:
            NotAuthenticated: Wrong, or too many failures; an unknown user takes as long.
            Overloaded: Too many logins at this moment.
        """
        if not _is_possible(password):
            raise NotAuthenticated(REFUSED)
        user = self._users.get(name)
        if user is not None and self._verified.holds(user, password):
            return user
        self._throttle.check(name, address)
        with self._turn():
            # Meanwhile the same password may have been verified, or have failed, for others.
            user = self._users.get(name)
            if user is not None and self._verified.holds(user, password):
                return user
            self._throttle.check(name, address)
            if user is None or not self._matches(user.password_hash, password):
                if user is None:
                    self._matches(self._nobody, password)
                self._throttle.failed(name, address)
                raise NotAuthenticated(REFUSED)
            self._throttle.succeeded(name, address)
            self._verified.add(user, password)
            return user

    def user(self, name: str) -> User | None:
        """Return the user called *name* as the file has it now, or None."""
        return self._users.get(name)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        busy = Overloaded("too many logins at once; try again in a moment")
        if not self._queue.acquire(blocking=False):
            raise busy
        try:
            if not self._slots.acquire(timeout=self._patience):
                raise busy
            try:
                yield
            finally:
                self._slots.release()
        finally:
            self._queue.release()

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except VerifyMismatchError:
            return False
        except HashingError:
            raise Overloaded("no memory to verify the password; try again later") from None
        except (Argon2Error, InvalidHashError):
            _log.error("a password hash in the users file cannot be used")
            return False


def fingerprint(user: User) -> str:
    """Return a short text that changes with the user's password, to be put in tokens."""
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]


class _Verified:
    """Remembers, for a while, that a password belongs to a hash; never the password itself."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._secret = secrets.token_bytes(32)
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def holds(self, user: User, password: str) -> bool:
        until = self._until.get(self._mark(user, password))
        return until is not None and self._clock.monotonic() < until

    def add(self, user: User, password: str) -> None:
        mark = self._mark(user, password)
        with self._lock:
            self._until[mark] = self._clock.monotonic() + _REMEMBERED.total_seconds()
            self._until.move_to_end(mark)
            while len(self._until) > _ENTRIES:
                self._until.popitem(last=False)

    def _mark(self, user: User, password: str) -> bytes:
        # The hash is part of it: a changed users file makes what was remembered worthless.
        text = "\0".join((user.name, user.password_hash, password))
        return hmac.digest(self._secret, text.encode(), "sha256")


def _is_possible(password: str) -> bool:
    try:
        return len(password) <= _MAX_PASSWORD and len(password.encode()) <= _MAX_PASSWORD
    except UnicodeEncodeError:  # half a surrogate pair: no text
        return False


def _hasher(cost: HashCost) -> PasswordHasher:
    return PasswordHasher(cost.passes, cost.memory_kib, cost.lanes)


def _hash_of_nothing(cost: HashCost) -> str:
    """Return a hash that costs as much as any and that no password has."""

    def text(size: int) -> str:
        return base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")

    parameters = f"m={cost.memory_kib},t={cost.passes},p={cost.lanes}"
    return f"$argon2id$v=19${parameters}${text(16)}${text(32)}"
