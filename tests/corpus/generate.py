"""``make corpus``: install the writers, and have them write the tables anew.

``make corpus ARGS='PATTERN …'`` writes only the tables whose names match.  Needs a JDK (17 or
newer) and Maven; takes about half an hour.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.components import iceberg_rest

ROOT = Path(__file__).resolve().parents[2]
_FOLDER = ROOT / ".cache" / "corpus"
_PACKAGES = (
    "pyspark==4.0.1",
    "pyiceberg[pyarrow,pyiceberg-core,sql-sqlite]==0.12.0",
    "duckdb==1.5.5",
    "duckdb-extension-iceberg==1.5.5",
    "duckdb-extension-avro==1.5.5",
    "duckdb-extension-httpfs==1.5.5",
)
_JARS = (
    "org.apache.iceberg:iceberg-spark-runtime-4.0_2.13:1.10.1",
    "org.xerial:sqlite-jdbc:3.50.3.0",
)


def main(*patterns: str) -> int:
    """Write the corpus; returns the exit code."""
    python, jars = tools()
    settings = os.environ | {"FLIGHTLAKE_CORPUS_REST": str(iceberg_rest.ensure())}
    command = [str(python), "-m", "tests.corpus.writers", str(jars), *patterns]
    return subprocess.run(command, cwd=ROOT, env=settings, check=False).returncode


def tools() -> tuple[Path, Path]:
    """Return the writers' interpreter and the folder of their jars; installs what is missing."""
    python, jars = _python(), _jars()
    _compile(python, jars)
    return python, jars


def _python() -> Path:
    """Return the interpreter that has pyspark: 400 MB, which nothing else here needs."""
    environment = _FOLDER / "venv"
    python, told = environment / "bin" / "python", environment / ".installed"
    if not told.exists() or told.read_text().split() != list(_PACKAGES):
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([str(python), *install, *_PACKAGES], check=True)
        told.write_text("\n".join(_PACKAGES))
    return python


def _jars() -> Path:
    folder = _FOLDER / "jars"
    for artifact in _JARS:
        _, name, version = artifact.split(":")
        if not (folder / f"{name}-{version}.jar").exists():
            copy = ["dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"]
            subprocess.run(["mvn", "-q", "-B", *copy], check=True)
    return folder


def _compile(python: Path, jars: Path) -> None:
    """Put ``Files.java`` among the jars."""
    source = Path(__file__).parent / "writers" / "Files.java"
    (spark,) = python.parent.parent.glob("lib/python3*/site-packages/pyspark/jars")
    with tempfile.TemporaryDirectory() as classes:
        path = f"{jars}/*:{spark}/*"
        subprocess.run(["javac", "-nowarn", "-cp", path, "-d", classes, str(source)], check=True)
        subprocess.run(
            ["jar", "cf", str(jars / "corpus-files.jar"), "-C", classes, "."], check=True
        )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
