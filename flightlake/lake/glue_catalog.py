"""The ``glue`` catalog: Iceberg tables in AWS Glue's data catalog."""

from collections.abc import Mapping
from datetime import timedelta

from flightlake.errors import Unsupported
from flightlake.lake.metastore import MetastoreCatalog
from flightlake.lake.planning import Planner
from flightlake.lake.properties import problems


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
    for wrong, text in problems("glue", properties):
        raise Unsupported(f"{wrong} of catalog '{name}': {text}")
    try:
        from flightlake.lake.glue_client import GlueMetastore
    except ImportError as missing:
        raise Unsupported(
            f"catalog '{name}' is of type glue, for which a package is not installed; "
            "install flightlake[glue]"
        ) from missing
    metastore = GlueMetastore(properties, timeout.total_seconds())
    return MetastoreCatalog(name, lambda: metastore, properties, timeout, planner)
