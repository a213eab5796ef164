"""fake-gcs-server, an emulator of Google Cloud Storage, built with Go."""

import functools
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow.fs as pafs

from tests.components import CACHE, Unavailable
from tests.components.processes import Process, free_port, listens, run

NAME = "fake-gcs-server"
_MODULE = "github.com/fsouza/fake-gcs-server@v1.56.1"
_BUILD_SECONDS = 600


@dataclass(frozen=True)
class Server:
    """A running emulator; ``properties`` are a catalog's for reaching it."""

    port: int
    process: Process

    @property
    def properties(self) -> dict[str, str]:
        return {"gcs.service.host": f"http://127.0.0.1:{self.port}"}

    def bucket(self, name: str) -> str:
        """Create a bucket, if it is not there, and return its name."""
        pafs.GcsFileSystem(
            anonymous=True,
            scheme="http",
            endpoint_override=f"127.0.0.1:{self.port}",
            project_id="tests",
        ).create_dir(name)
        return name


def ensure() -> Path:
    """Return the emulator's program, building it if it was not built before.

    Raises:
        Unavailable: There is no Go, or it does not build.
    """
    folder = CACHE / NAME / _MODULE.rpartition("@")[2]
    if not folder.exists():
        go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
        if go is None:
            raise Unavailable("there is no go to build fake-gcs-server with")
        folder.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix="making-", dir=folder.parent))
        run(["env", f"GOBIN={making}", go, "install", _MODULE], _BUILD_SECONDS)
        making.rename(folder)
    return folder / "fake-gcs-server"


def launch() -> Server:
    """Start an emulator of its own, without buckets.

    Raises:
        Unavailable: It cannot be had.
    """
    program, port = ensure(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="flightlake-gcs-"))
    here = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port)]
    process = Process(
        [str(program), *here, "-public-host", f"127.0.0.1:{port}", "-backend", "memory"], folder
    )
    process.wait_until(lambda: listens(port))
    return Server(port, process)


@functools.cache
def start() -> Server:
    """Return the emulator that all tests share; it runs until the tests end."""
    return launch()
