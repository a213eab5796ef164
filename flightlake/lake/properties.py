"""Which properties of catalogs and stores are followed, and what is wrong with given ones.

Light to import: the configuration is checked with it.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from urllib.parse import urlsplit

from flightlake.lake import stores
from flightlake.names import nearest

Problems = Iterator[tuple[str, str]]
"""Names of properties, and a sentence on each."""

_HIVE_PORT = 9083
_RETRY_MODES = ("standard", "adaptive", "legacy")
_OFF = ("", "false", "0", "no", "off")
_FAMILIES = ("s3.", "gcs.", "adls.", "client.", "glue.", "hive.")
_BY_ACCOUNT = ("adls.account-key.", "adls.sas-token.")
FOLLOWED = stores.HONOURED | {
    "client.profile-name",
    "hive.kerberos-authentication",
    *(
        f"glue.{name}"
        for name in (
            "access-key-id",
            "endpoint",
            "id",
            "max-retries",
            "profile-name",
            "region",
            "retry-mode",
            "secret-access-key",
            "session-token",
        )
    ),
}
_HARMLESS = {  # of writers, or what is done anyhow
    "gcs.default-bucket-location",
    "glue.skip-archive",
    "hive.hive2-compatible",
    "s3.path-style-access",
    "s3.server-side-encryption",
    "s3.sse-kms-key-id",
}


def problems(type_: str, properties: Mapping[str, str]) -> Problems:
    """Yield what is wrong with the values of *properties* for a catalog of *type_*."""
    check = _CHECKS.get(type_)
    if check is not None:
        yield from check(properties)


def of_stores(properties: Mapping[str, str], files: Collection[str]) -> Problems:
    """Yield what of *properties*, and of those given in *files*, would not be followed."""
    for name in [*properties, *files]:
        if str(properties.get(name, "given")).lower() in _OFF:
            continue
        if name in stores.REFUSED:
            yield name, f"{stores.REFUSED[name]} is not supported"
        elif (
            name.startswith(_FAMILIES)
            and not name.startswith(_BY_ACCOUNT)
            and name not in FOLLOWED | _HARMLESS
        ):
            similar = nearest(name, FOLLOWED)
            hint = f"did you mean `{similar}`?" if similar else "remove it"
            yield name, f"this property is not followed; {hint}"


def hive_addresses(uri: str) -> list[tuple[str, int]]:
    """Return the hosts and ports of ``thrift://one:9083,thrift://two:9083``.

    Raises:
        ValueError: It is not of that form; says what is.
    """
    found = []
    for part in uri.split(","):
        try:
            parts = urlsplit(part.strip())
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host or parts.scheme != "thrift" or parts.path.strip("/"):
            raise ValueError(
                "this must be thrift://host:port, or several of them with commas between"
            )
        found.append((host, port or _HIVE_PORT))
    return found


def _hive(properties: Mapping[str, str]) -> Problems:
    try:
        hive_addresses(properties.get("uri", ""))
    except ValueError as wrong:
        yield "uri", str(wrong)
    if properties.get("hive.kerberos-authentication", "").lower() not in _OFF:
        yield "hive.kerberos-authentication", "Kerberos is not supported; remove this property"


def _glue(properties: Mapping[str, str]) -> Problems:
    if properties.get("uri"):
        yield "uri", "Glue has none; for an endpoint other than AWS's own, set glue.endpoint"
    if not _glue_region_is_known(properties):
        yield "glue.region", "Glue needs a region"
    retries = properties.get("glue.max-retries") or "1"
    if not (retries.isascii() and retries.isdecimal() and int(retries) <= 10):
        yield "glue.max-retries", "this must be a whole number from 0 to 10"
    if (properties.get("glue.retry-mode") or "standard") not in _RETRY_MODES:
        yield "glue.retry-mode", f"this must be one of {', '.join(_RETRY_MODES)}"
    endpoint = properties.get("glue.endpoint")
    if endpoint and not endpoint.startswith(("http://", "https://")):
        yield "glue.endpoint", "this must start with http:// or https://"


def _glue_region_is_known(properties: Mapping[str, str]) -> bool:
    """Whether the region is said: by a property, the environment, or a profile that may."""
    names = ("glue.region", "client.region", "glue.profile-name", "client.profile-name")
    variables = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_CONFIG_FILE")
    return any(properties.get(name) for name in names) or any(map(os.environ.get, variables))


_CHECKS: Mapping[str, Callable[[Mapping[str, str]], Problems]] = {"hive": _hive, "glue": _glue}
