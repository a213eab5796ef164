"""Memory of one message serves the next one."""

import os
import subprocess
import sys

import pytest

_COUNT_FAULTS = """
import resource, sys
from flightlake.server.malloc import keep_message_memory
if sys.argv[1] == "keep":
    keep_message_memory()
part = bytes(1 << 20)
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
before = faults()
for _ in range(100):
    # As with a client that reads slowly: several wait, then all are gone.
    waiting = [b"".join([part] * 3) for _ in range(3)]
    del waiting
print(faults() - before)
"""


def _faults(how: str, environment: dict[str, str]) -> int:
    answer = subprocess.run(
        [sys.executable, "-c", _COUNT_FAULTS, how],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return int(answer.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="about glibc")
def test_message_memory_is_not_asked_for_again() -> None:
    assert _faults("keep", {}) * 10 < _faults("do not", {})


@pytest.mark.skipif(sys.platform != "linux", reason="about glibc")
def test_what_the_environment_says_stays() -> None:
    # Then every message is mapped anew: 9 MiB of pages, a hundred times.
    wanted = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    assert _faults("keep", wanted) > 100 * 1_000
