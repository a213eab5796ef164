"""Azurite, Microsoft's emulator of Azure storage, from npm."""

import functools
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow.fs as pafs

from tests.components import CACHE, Unavailable
from tests.components.processes import Process, free_port, listens, run

NAME = "azurite"
_PACKAGE = "azurite@3.35.0"
_INSTALL_SECONDS = 300
# Azurite's own account, the same everywhere and published in its documentation.
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class Server:
    """A running emulator; ``properties`` are a catalog's for reaching it."""

    port: int
    process: Process

    @property
    def properties(self) -> dict[str, str]:
        here = f"127.0.0.1:{self.port}"
        return {
            "adls.account-name": _ACCOUNT,
            "adls.account-key": _KEY,
            "adls.blob-storage-authority": here,
            "adls.blob-storage-scheme": "http",
            "adls.dfs-storage-authority": here,
            "adls.dfs-storage-scheme": "http",
        }

    def container(self, name: str) -> str:
        """Create a container, if it is not there, and return its name."""
        _create(self.port, name)
        return name


@functools.cache  # the emulator's answer where there is one already is not always whole
def _create(port: int, name: str) -> None:
    here = f"127.0.0.1:{port}"
    pafs.AzureFileSystem(
        _ACCOUNT,
        account_key=_KEY,
        blob_storage_authority=here,
        blob_storage_scheme="http",
        dfs_storage_authority=here,
        dfs_storage_scheme="http",
    ).create_dir(name)


def ensure() -> Path:
    """Return the emulator's program.

    Raises:
        Unavailable: There is no npm, or it cannot be installed.
    """
    folder = CACHE / NAME / _PACKAGE.rpartition("@")[2]
    if not folder.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise Unavailable("there is no npm; install Node.js")
        folder.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix="making-", dir=folder.parent))
        run([npm, "install", "--silent", "--prefix", str(making), _PACKAGE], _INSTALL_SECONDS)
        making.rename(folder)
    return folder / "node_modules" / ".bin" / "azurite-blob"


def launch() -> Server:
    """Start an emulator of its own, without containers.

    Raises:
        Unavailable: It cannot be had.
    """
    program, port = ensure(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="flightlake-azurite-"))
    told = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"]
    process = Process(
        [str(program), *told, "--blobHost", "127.0.0.1", "--blobPort", str(port)], folder
    )
    process.wait_until(lambda: listens(port))
    return Server(port, process)


@functools.cache
def start() -> Server:
    """Return the emulator that all tests share; it runs until the tests end."""
    return launch()
