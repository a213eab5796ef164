"""What the machine, or the container on it, has: memory and cores."""

import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def memory_bytes(cgroup: Path = _CGROUP) -> int:
    """Return the memory this process may use: the container's limit or the machine's, in bytes."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [
        _number(cgroup / "memory.max"),  # version 2
        _number(cgroup / "memory" / "memory.limit_in_bytes"),  # version 1
    ]
    return min([machine, *(limit for limit in limits if limit)])


def cores(cgroup: Path = _CGROUP) -> int:
    """Return how many cores this process may keep busy, at least 1."""
    available = len(os.sched_getaffinity(0))
    try:
        quota, period = (cgroup / "cpu.max").read_text("ascii").split()
        return max(1, min(available, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):  # none, or "max": as many as there are
        return max(1, available)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None
