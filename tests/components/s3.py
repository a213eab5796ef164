"""An S3 server: versitygw, built with Go, over a folder."""

import functools
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow.fs as pafs

from tests.components import CACHE, Unavailable
from tests.components.processes import Process, free_port, listens

NAME = "s3"
_MODULE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
_BUILD_SECONDS = 600
_REGION = "us-east-1"


@dataclass(frozen=True)
class Server:
    """A running S3 server; ``properties`` are a catalog's for reaching it."""

    port: int
    process: Process
    access_key: str = "tester"
    secret_key: str = "a-secret-of-tests"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def properties(self) -> dict[str, str]:
        return {
            "s3.endpoint": self.endpoint,
            "s3.region": _REGION,
            "s3.access-key-id": self.access_key,
            "s3.secret-access-key": self.secret_key,
        }

    def files(self) -> pafs.S3FileSystem:
        """Return a file system with all buckets."""
        return pafs.S3FileSystem(
            access_key=self.access_key,
            secret_key=self.secret_key,
            endpoint_override=f"127.0.0.1:{self.port}",
            scheme="http",
            region=_REGION,
            allow_bucket_creation=True,
            allow_bucket_deletion=True,
        )

    def bucket(self, name: str) -> str:
        """Create a bucket, if it is not there, and return its name."""
        self.files().create_dir(name)
        return name


def ensure() -> Path:
    """Return the server's program, building it if it was not built before.

    Raises:
        Unavailable: There is no Go, or it does not build.
    """
    folder = CACHE / NAME
    program = folder / _MODULE.rpartition("@")[2] / "versitygw"
    if program.exists():
        return program
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise Unavailable("there is no go to build versitygw with")
    folder.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=folder))
    try:
        built = subprocess.run(
            ["env", f"GOBIN={making}", go, "install", _MODULE],
            capture_output=True,
            text=True,
            timeout=_BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise Unavailable("building versitygw took too long") from late
    if built.returncode != 0:
        raise Unavailable(f"versitygw does not build: {built.stderr[-500:]}")
    making.rename(program.parent)
    return program


def launch() -> Server:
    """Start a server of its own, without buckets.

    Raises:
        Unavailable: It cannot be had.
    """
    program = ensure()
    folder = Path(tempfile.mkdtemp(prefix="flightlake-s3-"))
    (folder / "data").mkdir()
    (folder / "attributes").mkdir()
    port = free_port()
    keys = {
        "ROOT_ACCESS_KEY": Server.access_key,
        "ROOT_SECRET_KEY": Server.secret_key,
    }
    where = ["--sidecar", str(folder / "attributes"), str(folder / "data")]
    arguments = [str(program), "--quiet", "--port", f"127.0.0.1:{port}", "posix", *where]
    process = Process(arguments, folder, keys)
    process.wait_until(lambda: listens(port))
    return Server(port, process)


@functools.cache
def start() -> Server:
    """Return the server that all tests share; it runs until the tests end."""
    return launch()
