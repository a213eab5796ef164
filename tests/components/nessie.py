"""Nessie, with its Iceberg REST catalog, from Maven Central; its files on S3."""

import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.components import CACHE, Unavailable, s3
from tests.components.processes import Process, free_port, run

NAME = "nessie"
_VERSION = "0.99.0"
_JAR = f"nessie-quarkus-{_VERSION}-runner.jar"
_JAVA = 21
_INSTALL_SECONDS = 600
_READY_SECONDS = 300
_BUCKET = "nessie"
_S3 = "nessie.catalog.service.s3.default-options"


@dataclass(frozen=True)
class Server:
    """A running catalog without tables, over a bucket of *store*."""

    port: int
    store: s3.Server
    process: Process

    @property
    def uri(self) -> str:
        """Where its Iceberg REST catalog is."""
        return f"http://127.0.0.1:{self.port}/iceberg"

    @property
    def properties(self) -> dict[str, str]:
        """What a client is configured with."""
        return {"uri": self.uri, **self.store.properties}

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return requests.get(f"{self.uri}/v1/config", timeout=_READY_SECONDS).ok
        except requests.RequestException:
            return False


def ensure() -> Path:
    """Return the server's jar.

    Raises:
        Unavailable: There is no Maven, or the download fails.
    """
    folder = CACHE / NAME / _VERSION
    if not folder.exists():
        if shutil.which("mvn") is None:
            raise Unavailable("there is no mvn; install Maven")
        folder.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix="making-", dir=folder.parent))
        what = f"-Dartifact=org.projectnessie.nessie:nessie-quarkus:{_VERSION}:jar:runner"
        command = ["mvn", "-q", "-B", "dependency:copy", what, f"-DoutputDirectory={making}"]
        run(command, _INSTALL_SECONDS)
        making.rename(folder)
    return folder / _JAR


@functools.cache
def java() -> Path:
    """Return a Java that runs the server, which needs a newer one than the others do.

    Raises:
        Unavailable: There is none.
    """
    for candidate in _javas():
        asked = subprocess.run([candidate, "-version"], capture_output=True, text=True, check=False)
        version = re.search(r'version "(\d+)', asked.stderr)
        if version is not None and int(version.group(1)) >= _JAVA:
            return candidate
    raise Unavailable(f"there is no Java {_JAVA} or newer")


def _javas() -> Iterator[Path]:
    if "JAVA_HOME" in os.environ:
        yield Path(os.environ["JAVA_HOME"], "bin", "java")
    found = shutil.which("java")
    if found is not None:
        yield Path(found)
    yield from sorted(Path("/usr/lib/jvm").glob("*/bin/java"), reverse=True)


def _settings(port: int, folder: Path, store: s3.Server) -> Mapping[str, object]:
    return {
        "quarkus.http.host": "127.0.0.1",
        "quarkus.http.port": port,
        "quarkus.management.host": "127.0.0.1",
        "quarkus.management.port": free_port(),
        "quarkus.log.level": "WARN",
        "quarkus.http.access-log.enabled": "false",
        "nessie.version.store.type": "ROCKSDB",
        "nessie.version.store.persist.rocks.database-path": folder / "store",
        "nessie.catalog.default-warehouse": "lake",
        "nessie.catalog.warehouses.lake.location": f"s3://{_BUCKET}/lake",
        f"{_S3}.endpoint": store.endpoint,
        f"{_S3}.path-style-access": "true",
        f"{_S3}.region": "us-east-1",
        # Else clients are told to have each request signed by the catalog.
        f"{_S3}.request-signing-enabled": "false",
        f"{_S3}.access-key": "urn:nessie-secret:quarkus:tests",
        "tests.name": store.access_key,
        "tests.secret": store.secret_key,
    }


def launch() -> Server:
    """Start a catalog of its own; what is in it outlives ``Process.end``.

    Raises:
        Unavailable: It cannot be had.
    """
    jar, program, store = ensure(), java(), s3.start()
    store.bucket(_BUCKET)
    folder = Path(tempfile.mkdtemp(prefix="flightlake-nessie-"))
    port = free_port()
    settings = [f"-D{key}={value}" for key, value in _settings(port, folder, store).items()]
    # Little memory, and no more compiling than a short life is worth.
    lean = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    process = Process([str(program), *lean, *settings, "-jar", str(jar)], folder)
    server = Server(port, store, process)
    process.wait_until(server.answers, _READY_SECONDS)
    return server


@functools.cache
def start() -> Server:
    """Return the catalog that all tests share; it runs until the tests end."""
    return launch()
