"""A process that runs statements about views, and may die at one of their steps.

Run as ``python -m tests.fix_view_process ORDER``, where ORDER is JSON; see ``Order``.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from pyiceberg.catalog.sql import SqlCatalog

from flightlake.errors import FlightlakeError
from tests.fix_catalogs import Lake
from tests.fix_faults import Stormy, Weather, stormy_files
from tests.fix_materialized import mill_on

COUNTS = "counts"
"""A fault that is none: the number of steps of the last statement is printed at the end."""


@dataclass(frozen=True)
class Order:
    """Statements to run on a lake; at step *at* of the last one *fault* strikes.

    ``endless``: after the last comes the first again, without end.
    ``file_bytes``: no file may become larger (``RLIMIT_FSIZE``).
    """

    name: str
    root: str
    properties: dict[str, str]
    spill: str
    statements: Sequence[str]
    at: int = -1
    fault: str = ""
    file_bytes: int = 0
    endless: bool = False


def order(lake: Lake, spill: Path, *statements: str, **more: Any) -> Order:
    return Order(lake.name, lake.root, dict(lake.properties), str(spill), statements, **more)


def begin(wanted: Order) -> "subprocess.Popen[str]":
    """Start the process; it says one line of JSON for each statement that it survives."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fix_view_process", json.dumps(asdict(wanted))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )


def paused(process: "subprocess.Popen[str]") -> bool:
    """Wait until *process* has stopped itself, or has ended; return whether it is stopped."""
    # What it says fits into a pipe, so it waits for nobody.
    state = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    return state is not None and state.si_code == os.CLD_STOPPED


def said(process: "subprocess.Popen[str]", seconds: float = 180) -> tuple[int, list[str], str]:
    """Wait for the end of *process*; return its code, what became of statements, and stderr."""
    try:
        out, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, [json.loads(line) for line in out.splitlines()], errors


def run(wanted: Order) -> None:
    """Do what is ordered, in this process; print what became of each statement."""
    writer = SqlCatalog(wanted.name, **wanted.properties)
    lake = Lake(wanted.name, "sql", wanted.properties, writer, wanted.root)
    if wanted.file_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (wanted.file_bytes, wanted.file_bytes))
    itself = os.getpid()
    weather = Weather(
        die=lambda: os.kill(itself, signal.SIGKILL),
        pause=lambda: os.kill(itself, signal.SIGSTOP),
    )
    with stormy_files(weather) if wanted.fault else nullcontext():
        mill = mill_on(lake, Stormy(lake.open(), weather), Path(wanted.spill))
        again = cycle if wanted.endless else iter
        for number, statement in enumerate(again(wanted.statements), 1):
            if wanted.fault and number == len(wanted.statements):
                weather.begin(wanted.at, wanted.fault)
            try:
                told = str(mill.run(statement)[0]["strategy"])
            except FlightlakeError as failure:
                told = f"{type(failure).__name__}: {failure.message}"
            print(json.dumps(told), flush=True)
        if wanted.fault == COUNTS:
            print(json.dumps(len(weather.seen)), flush=True)
        mill.engine.close()


if __name__ == "__main__":
    run(Order(**json.loads(sys.argv[1])))
