"""An Iceberg REST catalog: the adapter that Iceberg's own tests use, in a small Java server."""

import functools
import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.components import CACHE, Unavailable
from tests.components.processes import Process, free_port, listens, run

NAME = "iceberg-rest"
_SOURCE = Path(__file__).with_name("iceberg_rest_server")
_INSTALL_SECONDS = 300


@dataclass(frozen=True)
class Server:
    """A running catalog without tables, over a local warehouse of its own."""

    port: int
    warehouse: str
    process: Process

    @property
    def uri(self) -> str:
        """What a client is configured with."""
        return f"http://127.0.0.1:{self.port}"


def ensure() -> Path:
    """Return the folder with the server's class and all it needs.

    Raises:
        Unavailable: There is no JDK or Maven, or the download fails.
    """
    for program in ("java", "javac", "mvn"):
        if shutil.which(program) is None:
            raise Unavailable(f"there is no {program}; install a JDK (17 or newer) and Maven")
    sources = [(_SOURCE / name).read_bytes() for name in ("pom.xml", "Server.java")]
    folder = CACHE / NAME / hashlib.sha256(b"".join(sources)).hexdigest()[:12]
    if not folder.exists():
        making = Path(tempfile.mkdtemp(prefix="making-", dir=_made(CACHE / NAME)))
        pom, jars = str(_SOURCE / "pom.xml"), f"-DoutputDirectory={making}"
        run(["mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies", jars], _INSTALL_SECONDS)
        source = str(_SOURCE / "Server.java")
        run(["javac", "-cp", f"{making}/*", "-d", str(making), source], _INSTALL_SECONDS)
        making.rename(folder)
    return folder


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def launch(port: int | None = None) -> Server:
    """Start a catalog of its own, on a free port where none is said.

    Raises:
        Unavailable: It cannot be had.
    """
    jars = ensure()
    folder = Path(tempfile.mkdtemp(prefix="flightlake-rest-"))
    port, warehouse = port or free_port(), f"file://{folder}/warehouse"
    java = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-cp", f"{jars}/*:{jars}", "RestServer"]
    process = Process([*java, str(port), str(folder / "catalog.db"), warehouse], folder)
    server = Server(port, warehouse, process)
    process.wait_until(lambda: listens(server.port))
    return server


@functools.cache
def start() -> Server:
    """Return the catalog that all tests share; it runs until the tests end."""
    return launch()
