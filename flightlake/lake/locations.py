"""Paths of manifests and metadata, taken apart.

Iceberg writes file names into manifests as they are: ``a=x%3Ay`` is a directory of that very
name, and a ``#`` or a ``?`` is part of a name too.  So paths are split by hand, never parsed as
URLs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flightlake.errors import Unsupported

Scheme = Literal["file", "s3", "gs", "abfss"]

_SCHEMES: Mapping[str, Scheme] = {
    "file": "file",
    "s3": "s3",
    "s3a": "s3",
    "s3n": "s3",
    "gs": "gs",
    "gcs": "gs",
    "abfss": "abfss",
    "abfs": "abfss",
    "wasbs": "abfss",
    "wasb": "abfss",
}
# Azure's storage in its public cloud, by either of its two protocols: account.kind.suffix
_AZURE_HOST = re.compile(r"([a-z0-9]+)\.(?:dfs|blob)\.core\.windows\.net")


@dataclass(frozen=True, slots=True)
class Location:
    """A path of a manifest, taken apart: ``s3a://lake/a/b`` is ("s3", "lake", "a/b").

    ``authority`` is the bucket or Azure's container.  ``key`` is the object key, or the
    absolute path of a local file; never encoded.  ``account`` is that of Azure, where the path
    says it: ``abfss://lake@account.dfs.core.windows.net/a/b``.
    """

    scheme: Scheme
    authority: str
    key: str
    account: str = ""


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
        raise Unsupported(f"tables in {shown} are not read; use file://, s3://, gs:// or abfss://")
    if not rest.startswith("//"):
        if known == "file" and rest.startswith("/"):
            return Location("file", "", rest)
        raise Unsupported(f"a '{known}:' location must start with {known}://")
    authority, _, key = rest[2:].partition("/")
    if known == "file":
        if authority not in ("", "localhost"):
            raise Unsupported("files of another host are not read; use file:///path")
        return Location("file", "", "/" + key)
    if known == "abfss":
        return _of_azure(authority, key)
    return Location(known, authority, key)


def _of_azure(authority: str, key: str) -> Location:
    container, at, host = authority.partition("@")
    if not at:
        return Location("abfss", container, key)
    account = _AZURE_HOST.fullmatch(host.lower())
    if account is None:
        raise Unsupported(
            "an Azure location must be abfss://container@account.dfs.core.windows.net/path; "
            "other clouds of Azure are not read"
        )
    return Location("abfss", container, key, account[1])
