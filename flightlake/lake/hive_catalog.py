"""The ``hive`` catalog: Iceberg tables in a Hive Metastore, of version 2, 3 or 4, read only."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from flightlake.errors import Unsupported
from flightlake.lake.metastore import MetastoreCatalog
from flightlake.lake.planning import Planner

_PORT = 9083
_OFF = ("", "false", "0", "no", "off")


def addresses(uri: str) -> list[tuple[str, int]]:
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
            raise ValueError("must be thrift://host:port, or several of them with commas between")
        found.append((host, port or _PORT))
    return found


def open_hive_catalog(
    name: str, properties: Mapping[str, str], timeout: timedelta, planner: Planner
) -> MetastoreCatalog:
    """Return the catalog in the metastore at ``uri``, without connecting.

    Properties: ``uri``; ``ugi``, the user and groups to say, with colons between; those of
    stores (``stores.settings_for``).

    Raises:
        Unsupported: The URI cannot be used, Kerberos is asked for, or Thrift is not installed.
    """
    try:
        where = addresses(properties.get("uri", ""))
    except ValueError as wrong:
        raise Unsupported(f"the uri of catalog '{name}' {wrong}") from None
    if properties.get("hive.kerberos-authentication", "").lower() not in _OFF:
        raise Unsupported(
            f"catalog '{name}' asks for Kerberos, which is not supported; "
            "remove hive.kerberos-authentication"
        )
    try:
        from flightlake.lake.hive_client import HiveMetastore
    except ImportError as missing:
        raise Unsupported(
            f"catalog '{name}' is of type hive, for which a package is not installed; "
            "install flightlake[hive]"
        ) from missing
    user = [part for part in properties.get("ugi", "").split(":") if part]
    metastore = HiveMetastore(where, timeout.total_seconds(), user)
    return MetastoreCatalog(name, lambda: metastore, properties, timeout, planner)
