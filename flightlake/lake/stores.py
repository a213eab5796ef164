"""Where a table's files are, and how the engine and flightlake itself reach them.

Iceberg writes file names into manifests as they are: ``a=x%3Ay`` is a directory of that very
name, and a ``#`` or a ``?`` is part of a name too.  So paths are split by hand, never parsed as
URLs, and are percent-encoded only where the engine wants a URL (``engine_url``).
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from flightlake.errors import Unsupported

Scheme = Literal["file", "s3"]

_SCHEMES: Mapping[str, Scheme] = {"file": "file", "s3": "s3", "s3a": "s3", "s3n": "s3"}
_UNSAFE = re.compile(r"[^A-Za-z0-9/._~-]+")
# The engine's object store refuses these, or (".", "..") reads another object.
_ODD = re.compile(r"(?:^|/)\.{0,2}(?=/|$)|[\x00-\x1f\x7f]")
_SLASHES = re.compile("/{2,}")  # one slash to a file system, though not to S3
_REFUSED_OPTIONS = {
    "s3.remote-signing-enabled": "remote signing of S3 requests",
    "s3.anonymous": "anonymous S3 access",
    "s3.role-arn": "assuming an AWS role by property",
    "client.role-arn": "assuming an AWS role by property",
    "s3.proxy-uri": "a proxy for S3",
}
_OFF = ("", "false", "0", "no", "off")


@dataclass(frozen=True, slots=True)
class Location:
    """A path of a manifest, taken apart: ``s3a://lake/a/b`` is ("s3", "lake", "a/b").

    ``key`` is the object key, or the absolute path of a local file; never encoded.
    """

    scheme: Scheme
    authority: str
    key: str


def locate(path: str) -> Location:
    """Take *path* apart.

    Local files may be written as ``/a/b``, ``file:/a/b`` or ``file:///a/b``.

    Raises:
        Unsupported: Another scheme, named in the message.
    """
    if path.startswith("/"):
        return Location("file", "", path)
    scheme, colon, rest = path.partition(":")
    known = _SCHEMES.get(scheme.lower()) if colon else None
    if known is None:
        shown = f"'{scheme.lower()}:' locations" if colon else "relative locations"
        raise Unsupported(f"tables in {shown} are not read; use file:// or s3://")
    if not rest.startswith("//"):
        if known == "file" and rest.startswith("/"):
            return Location("file", "", rest)
        raise Unsupported(f"a '{known}:' location must start with {known}://")
    authority, _, key = rest[2:].partition("/")
    if known == "file":
        if authority not in ("", "localhost"):
            raise Unsupported("files of another host are not read; use file:///path")
        return Location("file", "", "/" + key)
    return Location(known, authority, key)


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """How the files of a table are reached; a value that may be a key in caches.

    ``authority`` is the bucket, or empty for local files.  ``endpoint`` is a URL, or None for
    AWS itself.  Without an access key the environment's own credentials are used (instance
    profile, web identity, ``AWS_*``).  Requests are path-style.  Never shows its secrets.
    """

    scheme: Scheme
    authority: str = ""
    endpoint: str | None = None
    region: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    connect_timeout: float | None = None
    request_timeout: float | None = None

    @property
    def allow_http(self) -> bool:
        """Whether the endpoint is plain HTTP."""
        return self.endpoint is not None and self.endpoint.lower().startswith("http://")

    @property
    def host(self) -> str:
        """The name the engine registers this store under; empty for local files.

        Two settings for one bucket (other credentials, other endpoints) get two hosts.
        """
        if self.scheme == "file":
            return ""
        secrets = (self.access_key_id, self.secret_access_key, self.session_token)
        told_apart = repr((self.authority, self.endpoint, self.region, *secrets))
        return f"{self.authority}-{hashlib.sha256(told_apart.encode()).hexdigest()[:16]}"

    @property
    def place(self) -> tuple[str, str, str]:
        """What tells this store's content from another's: the key of shared caches."""
        return (self.scheme, self.endpoint or "", self.authority)

    def holds(self, location: Location) -> bool:
        """Whether a file at *location* is in this store."""
        return location.scheme == self.scheme and location.authority == self.authority

    def engine_url(self, path: str) -> str:
        """Return the percent-encoded URL by which the engine reads a manifest's *path*.

        Unencoded, DataFusion reads another file or none at all, and says nothing.

        Raises:
            Unsupported: The file is not in this store.
        """
        return self.engine_urls((path,))[0]

    def engine_urls(self, paths: Iterable[str]) -> list[str]:
        """Return ``engine_url`` of each of *paths*, in about two microseconds each."""
        start = "file:///" if self.scheme == "file" else f"s3://{self.host}/"
        return [start + _UNSAFE.sub(_escape, key) for key in self.engine_keys(paths)]

    def engine_keys(self, paths: Iterable[str]) -> list[str]:
        """Return what the engine calls the files at *paths* in its store, not encoded."""
        ours = f"{self.scheme}://{self.authority}/"
        keys = (path[len(ours) :] if path.startswith(ours) else self._key(path) for path in paths)
        return [self._nameable(key) if _ODD.search(key) else key for key in keys]

    def _key(self, path: str) -> str:
        location = locate(path)
        if not self.holds(location):
            raise Unsupported(
                "a table whose files lie in several buckets is not read; keep them in one"
            )
        return location.key[1:] if self.scheme == "file" else location.key

    def _nameable(self, key: str) -> str:
        if self.scheme == "file":
            key = _SLASHES.sub("/", key).lstrip("/")
        if _ODD.search(key):
            raise Unsupported(
                "a file whose path has an empty part, '.', '..' or a control character in it "
                "cannot be named to the engine; rewrite the table's data files"
            )
        return key


def _escape(unsafe: re.Match[str]) -> str:
    return quote(unsafe[0], safe="")


def settings_for(path: str, properties: Mapping[str, str], timeout: float) -> StoreSettings:
    """Return the settings that reach *path*.

    Args:
        path: The location of a table, or of any of its files.
        properties: Catalog properties by pyiceberg's names (``s3.endpoint``, ``s3.region``,
            ``s3.access-key-id``, ``s3.secret-access-key``, ``s3.session-token``,
            ``s3.connect-timeout``, ``s3.request-timeout``; ``client.*`` as their fallback).
            A table's own properties must not be among them: who may write a table may not
            choose where the server's credentials are sent.
        timeout: Seconds for connecting and for one request, where no property says it.

    Raises:
        Unsupported: The scheme or one of the options is not supported.
    """
    location = locate(path)
    if location.scheme == "file":
        return StoreSettings("file")
    for refused, meaning in _REFUSED_OPTIONS.items():
        if str(properties.get(refused, "")).lower() not in _OFF:
            raise Unsupported(f"{meaning} ({refused}) is not supported; configure access keys")

    def option(name: str) -> str | None:
        return properties.get(f"s3.{name}") or properties.get(f"client.{name}") or None

    endpoint = option("endpoint")
    region = option("region") or os.environ.get("AWS_REGION")
    return StoreSettings(
        scheme="s3",
        authority=location.authority,
        endpoint=endpoint.rstrip("/") if endpoint else None,
        region=region or ("us-east-1" if endpoint else None),
        access_key_id=option("access-key-id"),
        secret_access_key=option("secret-access-key"),
        session_token=option("session-token"),
        connect_timeout=float(option("connect-timeout") or timeout),
        request_timeout=float(option("request-timeout") or timeout),
    )
