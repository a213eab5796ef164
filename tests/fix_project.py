"""Projects in folders, and the commands that hold them against a server."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fix_processes import PASSWORD, USER, Server

LAKE = {
    "lake/silver/items.sql": """\
-- target_lag: 5 minutes
-- comment: what was ordered

SELECT item, sum(price) AS total, count(*) AS orders
FROM lake.shop.orders
GROUP BY item
""",
    "lake/gold/dear.sql": "SELECT item, total FROM lake.silver.items WHERE total > 3\n",
    "lake/gold/best.sql": "SELECT max(total) AS total FROM dear\n",
}
"""A project of three views, each of which reads the one before it."""


def write(folder: Path, files: Mapping[str, str | None]) -> Path:
    """Write *files* by path into *folder*; None takes one away."""
    for path, text in files.items():
        file = folder / path
        if text is None:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


def command(server: Server, *words: str | Path, stdin: str = "") -> Ended:
    """Run ``flightlake`` with *words* as ``ada``, who may write, on *server*."""
    environment = {
        **os.environ,
        "FLIGHTLAKE_URI": server.location,
        "FLIGHTLAKE_USER": USER,
        "FLIGHTLAKE_PASSWORD": PASSWORD,
    }
    done = subprocess.run(
        [sys.executable, "-m", "flightlake", *map(str, words), "--insecure"],
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
