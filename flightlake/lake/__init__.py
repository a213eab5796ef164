"""Iceberg: catalogs, tables pinned to a snapshot, and which files a statement needs.

pyiceberg reads ``~/.pyiceberg.yaml``, ``./.pyiceberg.yaml`` and ``PYICEBERG_*`` variables while
it is imported.  A file that happens to lie in a home directory must not change what a server
serves, nor stop it, so both sources are emptied here, before any other module of pyiceberg
is loaded.  Everything a catalog needs is in flightlake's own configuration.
"""

from pyiceberg.typedef import RecursiveDict
from pyiceberg.utils.config import Config


def _no_files() -> RecursiveDict | None:
    return None


def _no_environment(config: RecursiveDict) -> RecursiveDict:
    return config


Config._from_configuration_files = staticmethod(_no_files)  # type: ignore[method-assign]
Config._from_environment_variables = staticmethod(_no_environment)  # type: ignore[method-assign]
