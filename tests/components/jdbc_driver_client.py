"""The official Flight SQL JDBC driver, from Maven Central, behind a small Java program."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.components import CACHE, Unavailable
from tests.components.processes import run

NAME = "jdbc-driver"
_SOURCE = Path(__file__).with_name("jdbc_driver")
_INSTALL_SECONDS = 300
_RUN_SECONDS = 300


def ensure() -> Path:
    """Return the folder with the driver's jar and the compiled program.

    Raises:
        Unavailable: There is no JDK or Maven, or the download fails.
    """
    for program in ("java", "javac", "mvn"):
        if shutil.which(program) is None:
            raise Unavailable(f"there is no {program}; install a JDK (17 or newer) and Maven")
    sources = [(_SOURCE / name).read_bytes() for name in ("pom.xml", "Client.java")]
    folder = CACHE / NAME / hashlib.sha256(b"".join(sources)).hexdigest()[:12]
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix="making-", dir=folder.parent))
        pom, jars = str(_SOURCE / "pom.xml"), f"-DoutputDirectory={making}"
        run(["mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies", jars], _INSTALL_SECONDS)
        run(["javac", "-d", str(making), str(_SOURCE / "Client.java")], _INSTALL_SECONDS)
        making.rename(folder)
    return folder


def client(url: str, *what: str) -> str:
    """Connect to *url*, do *what*, one after the other; return what the program prints.

    Raises:
        Unavailable: The driver cannot be had.
        AssertionError: The program failed; with the end of its standard error.
    """
    jars = ensure()
    java = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    java += ["--add-opens=java.base/java.nio=ALL-UNNAMED", "-cp", f"{jars}/*:{jars}", "Client"]
    done = subprocess.run(
        [*java, url, ",".join(what)],
        capture_output=True,
        text=True,
        timeout=_RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-1000:]}\n{done.stderr[-3000:]}"
    return done.stdout
