"""Lakes in every store that flightlake reads."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from tests.components import azurite, fake_gcs
from tests.fix_catalogs import Lake, s3_lake, sqlite_lake, started


def azure_lake(folder: Path) -> Lake:
    """Return a lake in SQLite whose files are in Azurite."""
    server: azurite.Server = started(azurite)
    server.container("lake")
    told = {**server.properties, "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO"}
    return sqlite_lake(folder, told, f"abfss://lake/{folder.name}")


def google_lake(folder: Path) -> Lake:
    """Return a lake in SQLite whose files are in fake-gcs-server."""
    server: fake_gcs.Server = started(fake_gcs)
    server.bucket("lake")
    # pyiceberg, which writes, would look for credentials.
    token = {"gcs.oauth2.token": "any", "gcs.oauth2.token-expires-at": "4102444800000"}
    made = sqlite_lake(folder, {**server.properties, **token}, f"gs://lake/{folder.name}")
    ours = {name: value for name, value in made.properties.items() if name not in token}
    return replace(made, properties=ours)


STORES: Mapping[str, Callable[[Path], Lake]] = {
    "local": sqlite_lake,
    "s3": s3_lake,
    "google": google_lake,
    "azure": azure_lake,
}
"""How to make a lake in each kind of store, its catalog in SQLite in the given folder."""
