"""pyiceberg's own configuration does not reach a server."""

import os
import subprocess
import sys
from pathlib import Path

from tests.components import ROOT

PROGRAM = """
import sys
from datetime import timedelta
from flightlake.lake.catalogs import open_catalog
from pyiceberg.utils.config import Config

assert Config().config == {}, Config().config
catalog = open_catalog("lake", "sql", {"uri": sys.argv[1]}, timedelta(minutes=1))
print(catalog.db_schemas())
"""


def test_files_and_variables_of_pyiceberg_are_not_read(tmp_path: Path) -> None:
    import sqlite3

    sqlite3.connect(tmp_path / "catalog.db").close()
    (tmp_path / "catalog.db").touch()
    for folder in ("home", "here", "set"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / ".pyiceberg.yaml").write_text("this: [is not\\n  what: it wants")
    environment = {
        **os.environ,
        "HOME": str(tmp_path / "home"),
        "PYICEBERG_HOME": str(tmp_path / "set"),
        "PYICEBERG_MANIFEST_CACHE_SIZE": "not a number",
        "PYICEBERG_CATALOG__LAKE__URI": "sqlite:////elsewhere",
        "PYTHONPATH": str(ROOT),
    }
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, f"sqlite:///{tmp_path}/catalog.db"],
        env=environment,
        cwd=tmp_path / "here",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[]"
