"""Where a table's files are, and how the engine and flightlake itself reach them.

Paths (``locations``) are percent-encoded only where the engine wants a URL (``engine_url``).
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from urllib.parse import quote

from flightlake.errors import Unsupported
from flightlake.lake import azure
from flightlake.lake.azure import AzureLogin, azure_login
from flightlake.lake.locations import Location, Scheme, locate
from flightlake.lake.vending import VendedKeys

_UNSAFE = re.compile(r"[^A-Za-z0-9/._~-]+")
# The engine's object store refuses these, or (".", "..") reads another object.
_ODD = re.compile(r"(?:^|/)\.{0,2}(?=/|$)|[\x00-\x1f\x7f]")
_SLASHES = re.compile("/{2,}")  # one slash to a file system, though not to S3
REFUSED: Mapping[str, str] = {
    "s3.remote-signing-enabled": "remote signing of S3 requests",
    "s3.anonymous": "anonymous S3 access",
    "s3.role-arn": "assuming an AWS role by property",
    "client.role-arn": "assuming an AWS role by property",
    "s3.proxy-uri": "a proxy for S3",
    "gcs.oauth2.token": "a token for Google storage",
    **azure.REFUSED,
}
"""Properties that would change what is read or as whom, and are not followed."""
HONOURED = frozenset(
    {
        *(
            f"{family}.{name}"
            for family in ("s3", "client")
            for name in ("endpoint", "region", "access-key-id", "secret-access-key")
        ),
        *("s3.session-token", "client.session-token", "s3.connect-timeout", "s3.request-timeout"),
        *("gcs.service.host", "gcs.project-id"),
        *("adls.account-name", "adls.account-key", "adls.sas-token", "adls.tenant-id"),
        *("adls.client-id", "adls.client-secret"),
        *("adls.blob-storage-authority", "adls.blob-storage-scheme"),
        *("adls.dfs-storage-authority", "adls.dfs-storage-scheme"),
    }
)
"""Properties of stores that are followed, or mean nothing to a reader."""
_OFF = ("", "false", "0", "no", "off")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """How the files of a table are reached; a value that may be a key in caches.

    ``authority`` is the bucket or container, or empty for local files.  ``endpoint`` is a URL,
    or None for AWS, Google or Azure itself; for the latter two, that of an emulator.  Without
    keys the environment's own credentials are used (on AWS: instance profile, web identity,
    ``AWS_*``).  Requests to S3 are path-style.  ``keys`` stand instead of keys that end, and
    ``owner`` tells a caller, whose tables nobody else may see, from others.  Never shows its
    secrets.
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
    azure: AzureLogin | None = None
    keys: VendedKeys | None = field(default=None, repr=False)
    owner: str = ""

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
        secrets = [self.access_key_id, self.secret_access_key, self.session_token]
        if self.azure is not None:
            secrets += [getattr(self.azure, item.name) for item in fields(self.azure)]
        if self.keys is not None:
            secrets.append(self.keys.name)
        told_apart = repr((self.authority, self.endpoint, self.region, self.owner, *secrets))
        return f"{self.authority}-{hashlib.sha256(told_apart.encode()).hexdigest()[:16]}"

    def held(self) -> "StoreSettings":
        """Return settings with the keys of this moment, if these have keys that end.

        Raises:
            NotReady: They have ended, and there are no new ones.
        """
        if self.keys is None:
            return self
        now = self.keys.current()
        return replace(
            self,
            access_key_id=now.access_key_id,
            secret_access_key=now.secret_access_key,
            session_token=now.session_token,
            keys=None,
        )

    @property
    def engine_store(self) -> str:
        """What the engine calls this store: ``s3://`` and the host, or ``file:``."""
        return "file:" if self.scheme == "file" else f"{self.scheme}://{self.host}"

    @property
    def place(self) -> tuple[str, str, str]:
        """What tells this store's content from another's: the key of shared caches."""
        account = "" if self.azure is None else self.azure.account
        return (self.scheme, f"{self.endpoint or ''}{account}{self.owner}", self.authority)

    def reaches(self, location: Location) -> bool:
        """Whether a file at *location* is where these settings lead, in whatever bucket."""
        ours = "" if self.azure is None else self.azure.account
        return location.scheme == self.scheme and location.account in ("", ours)

    def holds(self, location: Location) -> bool:
        """Whether a file at *location* is in this store."""
        return self.reaches(location) and location.authority == self.authority

    def engine_url(self, path: str) -> str:
        """Return the percent-encoded URL by which the engine reads a manifest's *path*.

        Unencoded, DataFusion reads another file or none at all, and says nothing.

        Raises:
            Unsupported: The file is not in this store.
        """
        return self.engine_urls((path,))[0]

    def engine_urls(self, paths: Iterable[str]) -> list[str]:
        """Return ``engine_url`` of each of *paths*, in about two microseconds each."""
        start = "file:///" if self.scheme == "file" else f"{self.engine_store}/"
        return [start + _UNSAFE.sub(_escape, key) for key in self.engine_keys(paths)]

    def engine_keys(self, paths: Iterable[str]) -> list[str]:
        """Return what the engine calls the files at *paths* in its store, not encoded."""
        at = "" if self.azure is None else f"@{self.azure.account}.dfs.core.windows.net"
        ours = f"{self.scheme}://{self.authority}{at}/"
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
        properties: Catalog properties by pyiceberg's names (``HONOURED``; of S3 with
            ``client.*`` as their fallback).  A table's own properties must not be among them:
            who may write a table may not choose where the server's credentials are sent.
        timeout: Seconds for connecting and for one request, where no property says it.

    Raises:
        Unsupported: The scheme or one of the options is not supported.
    """
    location = locate(path)
    if location.scheme == "file":
        return StoreSettings("file")
    for refused, meaning in REFUSED.items():
        if str(properties.get(refused, "")).lower() not in _OFF:
            raise Unsupported(f"{meaning} ({refused}) is not supported; configure keys")
    return _SETTINGS[location.scheme](location, properties, timeout)


def _of_s3(location: Location, properties: Mapping[str, str], timeout: float) -> StoreSettings:
    def option(name: str) -> str | None:
        return properties.get(f"s3.{name}") or properties.get(f"client.{name}") or None

    endpoint = option("endpoint")
    said = (option("region"), os.environ.get("AWS_REGION"), os.environ.get("AWS_DEFAULT_REGION"))
    region = next(filter(None, said), None)
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


def _of_google(location: Location, properties: Mapping[str, str], timeout: float) -> StoreSettings:
    endpoint = _endpoint("gcs.service.host", properties.get("gcs.service.host", ""))
    return StoreSettings("gs", location.authority, endpoint, request_timeout=timeout)


def _of_azure(location: Location, properties: Mapping[str, str], timeout: float) -> StoreSettings:
    authority = properties.get("adls.blob-storage-authority", "")
    if authority.endswith(".blob.core.windows.net"):  # Azure's own, said in full
        authority = ""
    scheme = properties.get("adls.blob-storage-scheme") or "https"
    endpoint = f"{scheme}://{authority}" if authority else ""
    return StoreSettings(
        scheme="abfss",
        authority=location.authority,
        endpoint=_endpoint("adls.blob-storage-authority", endpoint),
        request_timeout=timeout,
        azure=azure_login(location.account, properties),
    )


def _endpoint(name: str, url: str) -> str | None:
    if url and not re.fullmatch(r"https?://[^/@?#\s]+/?", url, re.IGNORECASE):
        raise Unsupported(f"{name} cannot be used; it must name a host and a port")
    return url.rstrip("/") or None


_SETTINGS: Mapping[Scheme, Callable[[Location, Mapping[str, str], float], StoreSettings]] = {
    "s3": _of_s3,
    "gs": _of_google,
    "abfss": _of_azure,
}
