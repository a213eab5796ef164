"""moto's server, from PyPI: it answers as AWS Glue does, and keeps nothing when it ends."""

import fcntl
import functools
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.components import CACHE
from tests.components.processes import Process, free_port, listens, run

NAME = "moto"
_PACKAGE = "moto[server,glue]==5.2.5"
_INSTALL_SECONDS = 300


@dataclass(frozen=True)
class Server:
    """A running server without databases."""

    port: int
    process: Process

    @property
    def properties(self) -> dict[str, str]:
        """What a catalog is configured with."""
        return {
            "glue.endpoint": f"http://127.0.0.1:{self.port}",
            "glue.region": "us-east-1",
            "glue.access-key-id": "tester",
            "glue.secret-access-key": "a-secret-of-tests",
        }


def ensure() -> Path:
    """Return moto's server, in a virtual environment of its own: it needs much, and other boto3.

    Raises:
        Unavailable: It cannot be installed.
    """
    environment = CACHE / NAME / _PACKAGE.rpartition("=")[2]
    program = environment / "bin" / "moto_server"
    (CACHE / NAME).mkdir(parents=True, exist_ok=True)
    with (CACHE / NAME / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed = environment / ".installed"
        if not installed.exists():
            run([sys.executable, "-m", "venv", "--clear", str(environment)], _INSTALL_SECONDS)
            install = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
            run([*install, "--disable-pip-version-check", _PACKAGE], _INSTALL_SECONDS)
            installed.touch()
    return program


def launch() -> Server:
    """Start a server of its own, on a free port.

    Raises:
        Unavailable: It cannot be had.
    """
    program, port = ensure(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="flightlake-moto-"))
    process = Process([str(program), "--host", "127.0.0.1", "--port", str(port)], folder)
    process.wait_until(lambda: listens(port))
    return Server(port, process)


@functools.cache
def start() -> Server:
    """Return the server that all tests share; it runs until the tests end."""
    return launch()
