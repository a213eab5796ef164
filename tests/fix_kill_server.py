"""A process that has loaded all it needs, and forks one that refreshes views for each order.

Run as ``python -m tests.fix_kill_server``.  It reads a line of JSON for each order and answers in
one.  It runs nothing itself and has no thread when it forks, so that hundreds of processes can be
killed in the time in which a dozen could be started.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.fix_view_process import Order, run


@dataclass(frozen=True)
class Killed:
    """What became of a process: its code, what it said of its statements and when, in seconds.

    A code below 0 is the signal that ended it.
    """

    code: int
    told: Sequence[Any]
    times: Sequence[float]
    errors: str = ""


class KillServer:
    """Has processes do what is ordered, and be killed at it."""

    def __init__(self) -> None:
        # No thread of a library is there when the server forks.
        alone = {"OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fix_kill_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
            env={**os.environ, **alone},
        )

    def run(self, wanted: Order, after: int = -1, delay: float = 0) -> Killed:
        """Have *wanted* done; if *after* is not negative, kill *delay* seconds after as many
        statements were survived."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"order": asdict(wanted), "after": after, "delay": delay}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Killed(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()


class _Pipe:
    """Lines that a child writes, and when they came."""

    def __init__(self, reads: int) -> None:
        self._reads = reads
        self._rest = b""
        self.lines: list[bytes] = []
        self.times: list[float] = []
        self.ended = False

    def wait(self, seconds: float | None) -> None:
        """Read what comes next, or wait for *seconds*."""
        if not select.select([self._reads], [], [], seconds)[0]:
            return
        found = os.read(self._reads, 1 << 16)
        self.ended = not found
        *lines, self._rest = (self._rest + found).split(b"\n")
        self.lines += lines
        self.times += [time.monotonic()] * len(lines)


def _serve(order: dict[str, Any]) -> Killed:
    reads, writes = os.pipe()
    fails, errors = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writes, 1)
        os.dup2(errors, 2)
        _obey(Order(**order["order"]))
    os.close(writes)
    os.close(errors)
    pipe = _Pipe(reads)
    after = order["after"]
    while not pipe.ended and (after < 0 or len(pipe.lines) <= after):
        pipe.wait(None)
    if not pipe.ended:
        until = time.monotonic() + order["delay"]
        while not pipe.ended and (left := until - time.monotonic()) > 0:
            pipe.wait(left)
        os.kill(child, signal.SIGKILL)
        while not pipe.ended:
            pipe.wait(None)
    os.close(reads)
    with os.fdopen(fails, "rb") as stream:
        said = stream.read().decode(errors="replace")
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    told = [json.loads(line) for line in pipe.lines[1:]]
    return Killed(code, told, pipe.times, said)


def _obey(order: Order) -> None:
    code = 1
    try:
        print("begins", flush=True)
        run(order)
        code = 0
    except BaseException:  # noqa: BLE001 - the server must not go on twice
        traceback.print_exc()
    finally:
        # Whatever happens, the child does not go on as the server.
        os._exit(code)


if __name__ == "__main__":
    from tests.fix_story_pool import in_a_hurry

    in_a_hurry()
    for asked in sys.stdin:
        print(json.dumps(asdict(_serve(json.loads(asked)))), flush=True)
