"""The published keys of an identity provider (RFC 7517), fetched and remembered."""

import ipaddress
import logging
import threading
import urllib.request
from datetime import timedelta
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import urlsplit

from flightlake.auth.files import signature
from flightlake.auth.jwt import VerificationKey, parse_keys
from flightlake.clock import Clock
from flightlake.errors import NotReady

_log = logging.getLogger(__name__)

_MAX_BYTES = 1024 * 1024
_FRESH = timedelta(minutes=5)
_RETRY = timedelta(seconds=30)  # between two fetches, whatever strangers send
_USABLE = timedelta(hours=24)  # how long keys serve while the provider does not answer
_TIMEOUT = timedelta(seconds=5)


class KeySource(Protocol):
    """Where the keys of an issuer come from.  Thread-safe."""

    def find(self, key_id: str | None) -> tuple[VerificationKey, ...]:
        """Return the keys that may have signed a token with this ``kid`` (None: without one).

        Raises:
            NotReady: The keys are not known and cannot be fetched now.
        """
        ...


class FileKeys:
    """Keys in a file, PEM or JWK set; read again when it changes.

    Raises:
        ValueError: The file holds no usable key.
        OSError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = signature(path)
        self._keys = parse_keys(path.read_bytes())

    def find(self, key_id: str | None) -> tuple[VerificationKey, ...]:
        seen = signature(self._path)
        if seen != self._seen:
            self._seen = seen
            try:
                self._keys = parse_keys(self._path.read_bytes())
            except (OSError, ValueError) as error:
                _log.warning("keeping the earlier keys of %s: %s", self._path.name, error)
        return candidates(self._keys, key_id)


class RemoteKeys:
    """Keys behind a URL.

    They are fetched when first needed, again after five minutes, and when a token names a key
    that is not among them, but never twice within 30 s: tokens with made-up key ids must
    not turn us against the provider.  While it does not answer, keys fetched within the last
    day go on being used.

    Raises:
        ValueError: The URL is neither https nor on loopback.
    """

    def __init__(self, url: str, *, clock: Clock, timeout: timedelta = _TIMEOUT) -> None:
        check_url(url)
        self._url = url
        self._clock = clock
        self._timeout = timeout.total_seconds()
        self._opener = urllib.request.build_opener(_CarefulRedirects())
        if urlsplit(url).scheme == "http":  # on loopback, where no proxy leads
            no_proxy = urllib.request.ProxyHandler({})
            self._opener = urllib.request.build_opener(no_proxy, _CarefulRedirects())
        self._fetching = threading.Lock()
        self._keys: tuple[VerificationKey, ...] = ()
        self._fetched_at: float | None = None
        self._tried_at: float | None = None

    def find(self, key_id: str | None) -> tuple[VerificationKey, ...]:
        age = self._age()
        if age is None or age > _FRESH.total_seconds():
            # Whoever has usable keys does not wait for another's fetch.
            self._fetch(wait=age is None or age > _USABLE.total_seconds())
        found = candidates(self._keys, key_id)
        if not found and key_id is not None and self._fetch(wait=True):
            found = candidates(self._keys, key_id)
        age = self._age()
        if age is None or age > _USABLE.total_seconds():
            raise NotReady("the identity provider does not answer; try again later")
        return found

    def _age(self) -> float | None:
        fetched_at = self._fetched_at
        return None if fetched_at is None else self._clock.monotonic() - fetched_at

    def _fetch(self, *, wait: bool) -> bool:
        """Fetch the keys unless that was tried just now; return whether they may be newer."""
        before = self._fetched_at
        if not self._fetching.acquire(blocking=wait):
            return False
        try:
            if self._fetched_at != before:
                return True  # another thread has fetched them while we waited
            now = self._clock.monotonic()
            if self._tried_at is not None and now - self._tried_at < _RETRY.total_seconds():
                return False
            self._tried_at = now
            try:
                self._keys = parse_keys(self._download())
            except (OSError, ValueError, HTTPException, RecursionError) as error:
                _log.warning("the keys at %s cannot be fetched: %s", self._url, error)
                return False
            self._fetched_at = self._clock.monotonic()
            return True
        finally:
            self._fetching.release()

    def _download(self) -> bytes:
        headers = {"accept": "application/jwk-set+json, application/json"}
        request = urllib.request.Request(self._url, headers=headers)  # noqa: S310 (check_url)
        with self._opener.open(request, timeout=self._timeout) as response:
            body: bytes = response.read(_MAX_BYTES + 1)
        if len(body) > _MAX_BYTES:
            raise ValueError("the answer is larger than 1 MiB")
        return body


def check_url(url: str) -> None:
    """Refuse a URL from which keys cannot be fetched safely.

    Raises:
        ValueError: It is neither https nor http on loopback.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname and _is_loopback(parts.hostname):
        return
    raise ValueError("keys may only be fetched over https, or http from this machine")


def candidates(
    keys: tuple[VerificationKey, ...], key_id: str | None
) -> tuple[VerificationKey, ...]:
    """Return the keys with this id; failing that, those without one; for no id, all."""
    if key_id is None:
        return keys
    return tuple(k for k in keys if k.id == key_id) or tuple(k for k in keys if k.id is None)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _CarefulRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        check_url(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
