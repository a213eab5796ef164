"""Immutable files read whole or in part: metadata, manifests, footers."""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO

import pyarrow as pa
import pyarrow.fs as pafs
from pyiceberg.io import InputFile, InputStream

from flightlake.errors import DamagedData, NotReady, Unsupported
from flightlake.lake.locations import Scheme, locate
from flightlake.lake.stores import StoreSettings

_ABSENT = ("is a directory", "NO_SUCH_KEY", "NO_SUCH_BUCKET", "RESOURCE_NOT_FOUND")
REFUSALS = (
    "ACCESS_DENIED",
    "INVALID_ACCESS_KEY_ID",
    "SIGNATURE_DOES_NOT_MATCH",
    "HTTP status 403",
    "Azure Error: [Auth",
    "http_status_code=401",
    "http_status_code=403",
    "Could not create a OAuth2 access token",
)
"""What is in the words of a store that lets nobody in with these credentials."""


def filesystem(store: StoreSettings) -> pafs.FileSystem:
    """Return a thread-safe file system for *store*; the same one for equal settings.

    Raises:
        NotReady: Its keys have ended, and there are no new ones.
    """
    return _filesystem(store.held())


@functools.lru_cache(maxsize=64)
def _filesystem(store: StoreSettings) -> pafs.FileSystem:
    return _FILESYSTEMS[store.scheme](store)


def _s3(store: StoreSettings) -> pafs.FileSystem:
    scheme, _, endpoint = (store.endpoint or "").rpartition("://")
    return pafs.S3FileSystem(
        access_key=store.access_key_id,
        secret_key=store.secret_access_key,
        session_token=store.session_token,
        region=store.region,
        scheme=scheme or "https",
        endpoint_override=endpoint or None,
        connect_timeout=store.connect_timeout,
        request_timeout=store.request_timeout,
        retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=2),
    )


def _google(store: StoreSettings) -> pafs.FileSystem:
    scheme, _, endpoint = (store.endpoint or "").rpartition("://")
    return pafs.GcsFileSystem(
        anonymous=store.endpoint is not None,  # an emulator
        scheme=scheme or "https",
        endpoint_override=endpoint or None,
        retry_time_limit=timedelta(seconds=max(1, store.request_timeout or 1)),
    )


def _azure(store: StoreSettings) -> pafs.FileSystem:
    login = store.azure
    assert login is not None  # noqa: S101 - stores.settings_for says so
    scheme, _, host = (store.endpoint or "").rpartition("://")
    where = {
        f"{api}_storage_{name}": said
        for api in ("blob", "dfs")
        for name, said in (("authority", host), ("scheme", scheme))
        if said
    }
    return pafs.AzureFileSystem(
        login.account,
        account_key=login.account_key,
        sas_token=None if login.sas_token is None else f"?{login.sas_token}",
        tenant_id=login.tenant_id,
        client_id=login.client_id,
        client_secret=login.client_secret,
        **where,
    )


_FILESYSTEMS: Mapping[Scheme, Callable[[StoreSettings], pafs.FileSystem]] = {
    "file": lambda store: pafs.LocalFileSystem(),
    "s3": _s3,
    "gs": _google,
    "abfss": _azure,
}


def key_in(store: StoreSettings, path: str) -> str:
    """Return what ``filesystem(store)`` calls the file at *path*, which may be in any bucket.

    Raises:
        Unsupported: The path has a scheme that is not read, or not the scheme of *store*.
    """
    location = locate(path)
    if location.scheme != store.scheme:
        raise Unsupported(
            f"a table in a '{store.scheme}:' location that has files in a '{location.scheme}:' one"
            " is not read; keep them in one"
        )
    if not store.reaches(location):
        raise Unsupported("a table with files in several Azure accounts is not read")
    if location.scheme == "file":
        return location.key
    return f"{location.authority}/{location.key}"


@contextmanager
def translated(subject: str) -> Iterator[None]:
    """Turn what a file system raises into our errors; *subject* names the file, not its path.

    Raises:
        DamagedData: The file is not there, or is a directory.
        NotReady: The store does not answer, or refuses the credentials.
    """
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as missing:
        raise DamagedData(f"{subject} is missing") from missing
    except PermissionError as refused:
        raise NotReady(f"{subject} may not be read by this server") from refused
    except (OSError, pa.ArrowException) as failure:
        if any(sign in str(failure) for sign in _ABSENT):
            raise DamagedData(f"{subject} is missing") from failure
        if any(sign in str(failure) for sign in REFUSALS):
            raise NotReady(f"{subject} may not be read by this server") from failure
        raise NotReady(f"{subject} cannot be read: its store does not answer") from failure


def read(store: StoreSettings, path: str, subject: str) -> bytes:
    """Return the whole content of the file at *path*.

    Raises:
        DamagedData: The file is missing.
        NotReady: Its store does not answer.
        Unsupported: *path* has a scheme that is not read.
    """
    key = key_in(store, path)
    with translated(subject), filesystem(store).open_input_file(key) as opened:
        content: bytes = opened.read()
    return content


def read_range(store: StoreSettings, path: str, offset: int, size: int, subject: str) -> bytes:
    """Return *size* bytes from *offset* of the file at *path*, or fewer where it ends before.

    Raises:
        DamagedData: The file is missing.
        NotReady: Its store does not answer.
    """
    key = key_in(store, path)
    with translated(subject), filesystem(store).open_input_file(key) as opened:
        content: bytes = opened.read_at(size, offset)
    return content


class Content(InputFile):
    """Bytes that were read before, as pyiceberg's parsers want them."""

    def __init__(self, location: str, content: bytes) -> None:
        super().__init__(location)
        self._content = content

    def __len__(self) -> int:
        return len(self._content)

    def exists(self) -> bool:
        return True

    def open(self, seekable: bool = True) -> InputStream:
        return BytesIO(self._content)
