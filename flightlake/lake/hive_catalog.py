"""The ``hive`` catalog: Iceberg tables in a Hive Metastore, of version 2, 3 or 4."""

from collections.abc import Mapping
from datetime import timedelta

from flightlake.errors import Unsupported
from flightlake.lake.metastore import MetastoreCatalog
from flightlake.lake.planning import Planner
from flightlake.lake.properties import hive_addresses, problems


def open_hive_catalog(
    name: str, properties: Mapping[str, str], timeout: timedelta, planner: Planner
) -> MetastoreCatalog:
    """Return the catalog in the metastore at ``uri``, without connecting.

    Properties: ``uri``; ``ugi``, the user and groups to say, with colons between; those of
    stores (``stores.settings_for``).

    Raises:
        Unsupported: A property cannot be used, or Thrift is not installed.
    """
    for wrong, text in problems("hive", properties):
        raise Unsupported(f"{wrong} of catalog '{name}': {text}")
    try:
        from flightlake.lake.hive_client import HiveMetastore
    except ImportError as missing:
        raise Unsupported(
            f"catalog '{name}' is of type hive, for which a package is not installed; "
            "install flightlake[hive]"
        ) from missing
    user = [part for part in properties.get("ugi", "").split(":") if part]
    addresses = hive_addresses(properties["uri"])
    metastore = HiveMetastore(addresses, timeout.total_seconds(), user)
    return MetastoreCatalog(name, lambda: metastore, properties, timeout, planner)
