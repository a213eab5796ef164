"""Handles that only this server can have made, and that say all there is to know.

A sealed handle is a ``SealedHandle`` message (proto/handles.proto) followed by an HMAC-SHA256
over it.  Every process that has the signing keys can open it; nothing is kept in memory.
"""

import hashlib
import hmac
from datetime import datetime
from typing import Protocol

from google.protobuf.message import DecodeError

from flightlake._proto.handles_pb2 import SealedHandle
from flightlake.clock import Clock
from flightlake.errors import NotFound

_SIGNATURE_BYTES = hashlib.sha256().digest_size
_CONTEXT = b"flightlake sealed handle 1"
"""Makes the key for handles differ from any other use of the same secret."""


class Key(Protocol):
    """A signing key: at least 32 random bytes, and what they are called."""

    @property
    def id(self) -> str: ...

    @property
    def secret(self) -> bytes: ...


class KeyRing(Protocol):
    """The signing keys, shared by all processes of the server.  Thread-safe."""

    def signing_key(self, until: datetime) -> Key:
        """Return the key to sign something with that expires at *until*."""
        ...

    def by_id(self, key_id: str, /) -> Key | None:
        """Return a key that may still verify, or None."""
        ...


class Sealer:
    """Seals payloads into handles, and opens them.  Thread-safe."""

    def __init__(self, keys: KeyRing, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def seal(self, purpose: str, payload: bytes, expires_at: datetime) -> bytes:
        """Return *payload* as a handle that holds until *expires_at* (to the millisecond).

        *purpose* is what a client calls such a handle (``statement ticket``); a handle opens
        for the purpose it was sealed for, and for no other.
        """
        key = self._keys.signing_key(expires_at)
        body = SealedHandle(
            key_id=key.id,
            purpose=purpose,
            expires_at_ms=_milliseconds(expires_at),
            payload=payload,
        ).SerializeToString()
        return body + _signature(key, body)

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """Return the payload of *sealed*.

        Raises:
            NotFound: Not made by this server, changed since, made for another purpose, signed
                with a key that is gone, or expired.
        """
        body, signature = sealed[:-_SIGNATURE_BYTES], sealed[-_SIGNATURE_BYTES:]
        handle = SealedHandle()
        try:
            handle.ParseFromString(body)
        except DecodeError:
            raise _foreign(purpose) from None
        key = self._keys.by_id(handle.key_id)
        if key is None or not hmac.compare_digest(signature, _signature(key, body)):
            raise _foreign(purpose)
        if handle.purpose != purpose:
            raise _foreign(purpose)
        if handle.expires_at_ms <= _milliseconds(self._clock.now()):
            raise NotFound(f"the {purpose} has expired; run the statement again")
        return handle.payload


def _signature(key: Key, body: bytes) -> bytes:
    derived = hmac.digest(key.secret, _CONTEXT, "sha256")
    return hmac.digest(derived, body, "sha256")


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _foreign(purpose: str) -> NotFound:
    return NotFound(f"the {purpose} is not one this server issued; run the statement again")
