"""Other processes: started, ended, and what they use."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_CPUCLOCK_SCHED = 2  # all threads of a process, as the scheduler has counted them
_PATIENCE = 60.0


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that process *pid* has used, user and system, all threads.

    This is the clock of clock_getcpuclockid(3): the sum that /proc/PID/stat shows in hundredths.
    """
    return time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)


def resident_bytes(pid: int) -> int:
    """Return how much memory of process *pid* is resident."""
    return _status(pid, "VmRSS")


def peak_resident_bytes(pid: int) -> int:
    """Return the most that has been resident since ``reset_peak``."""
    return _status(pid, "VmHWM")


def reset_peak(pid: int) -> None:
    """Begin to measure ``peak_resident_bytes`` anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} does not say its {name}")


@contextmanager
def server(module: str, arguments: Sequence[str], log: Path) -> Iterator[tuple[str, int]]:
    """Run ``python -m module arguments``; yield the location it prints as ready, and its pid.

    What it writes to its standard error goes to *log*.
    """
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout is not None
    try:
        yield _ready(process.stdout, log), process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(output: IO[str], log: Path) -> str:
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.append(output.readline()), daemon=True)
    reader.start()
    reader.join(_PATIENCE)
    word, _, location = (lines[0] if lines else "").strip().partition(" ")
    if word != "ready":
        raise RuntimeError(f"a server did not start: {log.read_text()[-2000:]}")
    return location
