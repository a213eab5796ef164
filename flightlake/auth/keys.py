"""The keys flightlake signs with: files that every process of the server shares.

One file per key, ``<moment of creation>-<random>.key``, so the newest name is the newest key
and nothing else needs to be stored.  A key signs until ``rotation`` has passed and is kept
until everything it signed has expired.  Removing a key file revokes what it signed, at once.
"""

import logging
import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flightlake.auth.files import locked, signature, write_private
from flightlake.clock import Clock
from flightlake.errors import NotReady

_log = logging.getLogger(__name__)

_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{16}")
_MOMENT = "%Y%m%dT%H%M%SZ"
_SECRET_BYTES = 32  # as long as the output of SHA-256 (RFC 7518, 3.2)
_REREAD_INTERVAL = 0.5  # seconds: how often made-up key ids may make us read the directory
_RETRY_INTERVAL = 60.0  # seconds between attempts to rotate where that fails
_SKEW = timedelta(minutes=5)  # how far the clocks of processes may differ


@dataclass(frozen=True, slots=True)
class Key:
    """A symmetric signing key; *id* is public and sorts by age."""

    id: str
    secret: bytes = field(repr=False)


class KeyRing:
    """The signing keys in a directory.  Thread-safe, and safe among processes.

    Args:
        directory: Made with mode 0700 if it is missing; may be read-only if it holds a key.
        rotation: A key signs for this long.
        retention: The longest life of anything signed without a word to ``signing_key``.

    Raises:
        NotReady: There is no key, and none can be made.  For the operator: it names the
            directory.
    """

    def __init__(
        self, directory: Path, *, rotation: timedelta, retention: timedelta, clock: Clock
    ) -> None:
        self._directory = directory
        self._rotation = rotation
        self._retention = retention
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Mapping[str, Key] = {}
        self._kept: dict[str, datetime] = {}
        self._seen: tuple[int, int, int] | None = None
        self._read_at = 0.0
        self._rotate_after = clock.monotonic()
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._read()
            if self._is_due():
                self._rotate()
        except OSError as error:
            if not self._keys:
                raise NotReady(
                    f"the signing keys in {directory} cannot be read or made: {error.strerror}"
                ) from error

    def current(self) -> Key:
        """Return the key to sign with."""
        with self._lock:
            self._follow()
            if self._is_due() and self._clock.monotonic() >= self._rotate_after:
                self._try_to_rotate()
            if not self._keys:
                raise NotReady("the server has no signing key; ask its operator")
            return self._keys[max(self._keys)]

    def signing_key(self, until: datetime) -> Key:
        """Return the key to sign something with that expires at *until*, and keep it so long."""
        key = self.current()
        with self._lock:
            if until > self._retired_at(key.id):
                try:
                    write_private(self._directory / f"{key.id}.keep", until.isoformat())
                    self._kept[key.id] = until
                except OSError:
                    _log.warning("cannot note how long a signing key is needed", exc_info=True)
        return key

    def by_id(self, id: str) -> Key | None:  # noqa: A002 - the word for it
        """Return the key called *id*, from whichever process, or None."""
        with self._lock:
            self._follow()
            key = self._keys.get(id)
            stale = self._clock.monotonic() - self._read_at >= _REREAD_INTERVAL
            if key is None and stale and _ID.fullmatch(id):
                # Two changes within one tick of the file system's clock look like one.
                self._read()
                key = self._keys.get(id)
            return key

    def _follow(self) -> None:
        """Read the directory again if somebody changed it."""
        if signature(self._directory) != self._seen:
            self._read()

    def _read(self) -> None:
        self._seen = signature(self._directory)
        self._read_at = self._clock.monotonic()
        keys: dict[str, Key] = {}
        kept: dict[str, datetime] = {}
        try:
            paths = list(self._directory.iterdir())
        except OSError:
            _log.warning("the signing keys cannot be listed; going on with those known")
            return
        for path in paths:
            if not _ID.fullmatch(path.stem):
                continue
            try:
                if path.suffix == ".key":
                    secret = bytes.fromhex(path.read_text("ascii"))
                    if len(secret) >= _SECRET_BYTES:
                        keys[path.stem] = Key(path.stem, secret)
                elif path.suffix == ".keep":
                    kept[path.stem] = datetime.fromisoformat(path.read_text("ascii"))
            except (OSError, ValueError):
                _log.warning("ignoring the unreadable signing key file %s", path.name)
        self._keys, self._kept = keys, kept

    def _is_due(self) -> bool:
        if not self._keys:
            return True
        return self._clock.now() - _created_at(max(self._keys)) >= self._rotation

    def _try_to_rotate(self) -> None:
        self._rotate_after = self._clock.monotonic() + _RETRY_INTERVAL
        try:
            self._rotate()
        except OSError:
            _log.warning("cannot rotate the signing keys; going on with the newest")

    def _rotate(self) -> None:
        with locked(self._directory / ".lock"):
            self._read()
            if not self._is_due():
                return  # another process was first
            now = self._clock.now()
            new = f"{now.astimezone(UTC).strftime(_MOMENT)}-{secrets.token_hex(8)}"
            text = secrets.token_hex(_SECRET_BYTES)
            write_private(self._directory / f"{new}.key", text, exclusive=True)
            self._read()
            for old in list(self._keys):
                if now > self._retired_at(old):
                    (self._directory / f"{old}.key").unlink(missing_ok=True)
                    (self._directory / f"{old}.keep").unlink(missing_ok=True)
            self._read()

    def _retired_at(self, key_id: str) -> datetime:
        """Return when nothing that the key *key_id* has signed can still be valid."""
        successors = [_created_at(other) for other in self._keys if other > key_id]
        # Every process stops signing with a key when it is due and another one exists.
        replaced = max(
            _created_at(key_id) + self._rotation, min(successors, default=self._clock.now())
        )
        kept = self._kept.get(key_id, replaced)
        return max(replaced + self._retention, kept) + _SKEW


def _created_at(key_id: str) -> datetime:
    try:
        return datetime.strptime(key_id.partition("-")[0], _MOMENT).replace(tzinfo=UTC)
    except ValueError:  # digits, but no date: as old as can be
        return datetime.min.replace(tzinfo=UTC)
