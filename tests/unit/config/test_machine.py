"""What the machine has."""

import os
from pathlib import Path

import pytest

from flightlake.config.machine import cores, memory_bytes


def test_without_a_container_it_is_the_machine(tmp_path: Path) -> None:
    assert memory_bytes(tmp_path) == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert cores(tmp_path) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_a_containers_memory_counts(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("104857600\n")
    assert memory_bytes(tmp_path) == 100 * 2**20


@pytest.mark.parametrize("text", ["max\n", "9223372036854771712\n"])
def test_a_container_without_a_limit_has_the_machines_memory(tmp_path: Path, text: str) -> None:
    (tmp_path / "memory.max").write_text(text)
    assert memory_bytes(tmp_path) == memory_bytes(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("50000 100000", 1), ("100000 100000", 1), ("max 100000", None), ("x", None), ("1 0", None)],
)
def test_a_containers_cores_count(tmp_path: Path, text: str, expected: int | None) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert cores(tmp_path) == (expected or len(os.sched_getaffinity(0)))
