"""DuckDB with its extension for Iceberg, from PyPI: another engine that reads tables."""

import fcntl
import functools
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.components import CACHE, Unavailable
from tests.components.processes import run

NAME = "duckdb"
_VERSION = "1.5.5"
_PACKAGES = (
    f"duckdb=={_VERSION}",
    f"duckdb-extension-iceberg=={_VERSION}",
    f"duckdb-extension-avro=={_VERSION}",
    "pytz==2025.2",  # DuckDB makes moments in time zones with it
)
_PROGRAM = Path(__file__).with_name("duckdb_reader_program.py")
_INSTALL_SECONDS = 300
_READ_SECONDS = 300


@functools.cache
def start() -> Path:
    """Return a Python that has DuckDB, in a virtual environment of its own.

    Raises:
        Unavailable: It cannot be installed.
    """
    environment = CACHE / NAME / f"{_VERSION}-{len(_PACKAGES)}"
    (CACHE / NAME).mkdir(parents=True, exist_ok=True)
    with (CACHE / NAME / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed = environment / ".installed"
        if not installed.exists():
            run([sys.executable, "-m", "venv", "--clear", str(environment)], _INSTALL_SECONDS)
            install = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
            run(
                [
                    *install,
                    "--disable-pip-version-check",
                    *_PACKAGES,
                ],
                _INSTALL_SECONDS,
            )
            installed.touch()
    return environment / "bin" / "python"


def read(python: Path, tables: Mapping[str, str], queries: Sequence[str]) -> list[list[list[str]]]:
    """Return the rows of *queries*, every value as text.

    Args:
        python: One that has DuckDB.
        tables: The location of the metadata file of each table, by the name it has in queries.
        queries: What is asked.

    Raises:
        Unavailable: DuckDB fails; says how.
    """
    asked = json.dumps({"tables": tables, "queries": list(queries)})
    ended = subprocess.run(
        [str(python), str(_PROGRAM)],
        input=asked,
        capture_output=True,
        text=True,
        timeout=_READ_SECONDS,
        check=False,
    )
    if ended.returncode:
        raise Unavailable(ended.stderr[-2000:])
    answers: list[list[list[str]]] = json.loads(ended.stdout)
    return answers
