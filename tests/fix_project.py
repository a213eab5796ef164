"""Projects in folders, and the commands that hold them against a server."""

import io
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flightlake.cli import main
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


Run = Callable[..., Ended]


@pytest.fixture
def project_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``flightlake`` as ``ada``, who may write, on a server: ``run(server, "plan", …)``."""
    # The commands put a hook of their own in its place, for good.
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)

    def command(server: Server, *words: str | Path, stdin: str = "") -> Ended:
        monkeypatch.setenv("FLIGHTLAKE_URI", server.location)
        monkeypatch.setenv("FLIGHTLAKE_USER", USER)
        monkeypatch.setenv("FLIGHTLAKE_PASSWORD", PASSWORD)
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        code = main([*map(str, words), "--insecure"])
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return command
