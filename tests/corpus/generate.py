"""``make corpus``: install the writers, and have them write the tables anew.

``make corpus ARGS='PATTERN …'`` writes only the tables whose names match.  Needs a JDK (17 or
newer) and Maven; takes about half an hour.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FOLDER = ROOT / ".cache" / "corpus"
_PACKAGES = (
    "pyspark==4.0.1",
    "pyiceberg[pyarrow,sql-sqlite]==0.12.0",
    "duckdb==1.5.5",
    "duckdb-extension-iceberg==1.5.5",
    "duckdb-extension-avro==1.5.5",
)
_JARS = (
    "org.apache.iceberg:iceberg-spark-runtime-4.0_2.13:1.10.1",
    "org.xerial:sqlite-jdbc:3.50.3.0",
)


def main(*patterns: str) -> int:
    """Write the corpus; returns the exit code."""
    jars = _jars()
    python = _python()
    command = [str(python), "-m", "tests.corpus.writers", str(jars), *patterns]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


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


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
