"""Hive's metastore, from Maven Central, over Derby: of version 3 and of version 4."""

import functools
import hashlib
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.components import CACHE, Unavailable
from tests.components.processes import Process, free_port, listens, run

NAME = "hive-metastore"
_SOURCE = Path(__file__).with_name("hive_metastore_server")
_INSTALL_SECONDS = 600
_SCHEMA_SECONDS = 300
_PACKAGE = "org.apache.hadoop.hive.metastore"


@dataclass(frozen=True)
class Version:
    """What differs between versions: the artifact, and the class that makes the tables."""

    version: str
    artifact: str
    schema_tool: str


VERSIONS: Mapping[str, Version] = {
    "3": Version("3.1.3", "hive-standalone-metastore", f"{_PACKAGE}.tools.MetastoreSchemaTool"),
    "4": Version(
        "4.0.1",
        "hive-standalone-metastore-server",
        f"{_PACKAGE}.tools.schematool.MetastoreSchemaTool",
    ),
}


@dataclass(frozen=True)
class Server:
    """A running metastore without tables, whose warehouse is a local folder of its own."""

    port: int
    process: Process

    @property
    def uri(self) -> str:
        """What a client is configured with."""
        return f"thrift://127.0.0.1:{self.port}"


def ensure(version: str) -> Path:
    """Return a folder with the programs, ``jars``, and an empty metastore's database, ``db``.

    Raises:
        Unavailable: There is no JDK or Maven, or the download fails.
    """
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise Unavailable(f"there is no {program}; install a JDK (17 or newer) and Maven")
    which = VERSIONS[version]
    pom = _SOURCE / "pom.xml"
    key = hashlib.sha256(pom.read_bytes() + repr((which, _settings(Path()))).encode())
    folder = CACHE / NAME / f"{which.version}-{key.hexdigest()[:12]}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix="making-", dir=folder.parent))
        _make(making, pom, which)
        making.rename(folder)
    return folder


def _make(folder: Path, pom: Path, which: Version) -> None:
    chosen = [f"-Dhive.artifact={which.artifact}", f"-Dhive.version={which.version}"]
    jars = f"-DoutputDirectory={folder}/jars"
    command = ["mvn", "-q", "-B", "-f", str(pom), *chosen, "dependency:copy-dependencies", jars]
    run(command, _INSTALL_SECONDS)
    (archive,) = (folder / "jars").glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        for member in tar:
            below = member.name.partition("/")[2]
            if below.startswith("scripts/metastore/upgrade/derby/"):
                member.name = below
                tar.extract(member, folder, filter="data")
    archive.unlink()
    _configure(folder)
    java = ["env", f"METASTORE_HOME={folder}", *_java(folder, folder), which.schema_tool]
    run([*java, "-dbType", "derby", "-initSchema"], _SCHEMA_SECONDS)


def _settings(folder: Path) -> dict[str, str]:
    return {
        "metastore.warehouse.dir": f"file://{folder}/warehouse",
        "metastore.thrift.bind.host": "127.0.0.1",
        "metastore.expression.proxy": f"{_PACKAGE}.DefaultPartitionExpressionProxy",
        # What it would do by default needs the rest of Hive.
        "metastore.task.threads.always": f"{_PACKAGE}.events.EventCleanerTask",
        "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/db;create=true",
        "javax.jdo.option.ConnectionDriverName": "org.apache.derby.jdbc.EmbeddedDriver",
    }


def _configure(folder: Path) -> None:
    (folder / "conf").mkdir()
    properties = "".join(
        f"<property><name>{name}</name><value>{value}</value></property>\n"
        for name, value in _settings(folder).items()
    )
    site = folder / "conf" / "metastore-site.xml"
    site.write_text(f"<configuration>\n{properties}</configuration>\n")


def _java(programs: Path, folder: Path) -> list[str]:
    java = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    java += ["-Dderby.stream.error.file=/dev/null"]
    return [*java, "-cp", f"{folder}/conf:{programs}/jars/*"]


def launch(version: str) -> Server:
    """Start a metastore of its own, of version "3" or "4", on a free port.

    Raises:
        Unavailable: It cannot be had.
    """
    programs = ensure(version)
    folder = Path(tempfile.mkdtemp(prefix="flightlake-hive-"))
    shutil.copytree(programs / "db", folder / "db")
    _configure(folder)
    port = free_port()
    process = Process(
        [*_java(programs, folder), f"{_PACKAGE}.HiveMetaStore", "-p", str(port)], folder
    )
    process.wait_until(lambda: listens(port))
    return Server(port, process)


@functools.cache
def start(version: str) -> Server:
    """Return the metastore that all tests share; it runs until the tests end."""
    return launch(version)
