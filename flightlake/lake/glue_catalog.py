"""The ``glue`` catalog: Iceberg tables in AWS Glue's data catalog, read only."""

import os
from collections.abc import Mapping
from datetime import timedelta

from flightlake.errors import Unsupported
from flightlake.lake.metastore import MetastoreCatalog
from flightlake.lake.planning import Planner

RETRY_MODES = ("standard", "adaptive", "legacy")


def region_is_known(properties: Mapping[str, str]) -> bool:
    """Whether Glue's region is said: by a property, the environment, or a profile that may."""
    names = ("glue.region", "client.region", "glue.profile-name", "client.profile-name")
    variables = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_CONFIG_FILE")
    return any(properties.get(name) for name in names) or any(map(os.environ.get, variables))


def open_glue_catalog(
    name: str, properties: Mapping[str, str], timeout: timedelta, planner: Planner
) -> MetastoreCatalog:
    """Return the catalog, without connecting.

    Properties, each of those with ``client.`` also for the store: ``glue.region``
    (``client.region``), ``glue.access-key-id``, ``glue.secret-access-key``,
    ``glue.session-token``, ``glue.profile-name``; without them the environment's own
    credentials are used.  ``glue.endpoint``, a URL, and ``glue.id``, the account whose catalog
    it is, are of Glue alone, as are ``glue.max-retries`` (1) and ``glue.retry-mode``.

    Raises:
        Unsupported: A property cannot be used, or boto3 is not installed.
    """
    if not region_is_known(properties):
        raise Unsupported(f"catalog '{name}' needs a region; set glue.region")
    retries = properties.get("glue.max-retries") or "1"
    if not retries.isdecimal() or int(retries) > 10:
        raise Unsupported(f"glue.max-retries of catalog '{name}' must be a number from 0 to 10")
    if (properties.get("glue.retry-mode") or "standard") not in RETRY_MODES:
        modes = ", ".join(RETRY_MODES)
        raise Unsupported(f"glue.retry-mode of catalog '{name}' must be one of {modes}")
    endpoint = properties.get("glue.endpoint")
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise Unsupported(f"glue.endpoint of catalog '{name}' must be a http:// or https:// URL")
    try:
        from flightlake.lake.glue_client import GlueMetastore
    except ImportError as missing:
        raise Unsupported(
            f"catalog '{name}' is of type glue, for which a package is not installed; "
            "install flightlake[glue]"
        ) from missing
    metastore = GlueMetastore(properties, timeout.total_seconds())
    return MetastoreCatalog(name, lambda: metastore, properties, timeout, planner)
