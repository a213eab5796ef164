"""Signing keys in a directory."""

import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flightlake.auth.keys import Key, KeyRing
from flightlake.clock import ManualClock
from flightlake.errors import NotReady

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def ring(directory: Path, clock: ManualClock) -> KeyRing:
    return KeyRing(directory, rotation=7 * DAY, retention=DAY, clock=clock)


def test_the_first_start_makes_a_key_that_only_the_owner_can_read(
    tmp_path: Path, clock: ManualClock
) -> None:
    key = ring(tmp_path / "state" / "keys", clock).current()
    file = tmp_path / "state" / "keys" / f"{key.id}.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert len(key.secret) == 32
    assert key.secret.hex() not in repr(key)


def test_a_second_start_uses_the_same_key(tmp_path: Path, clock: ManualClock) -> None:
    assert ring(tmp_path, clock).current() == ring(tmp_path, clock).current()


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path, clock: ManualClock) -> None:
    found: list[Key] = []
    gate = threading.Barrier(8)

    def start() -> None:
        gate.wait()
        found.append(ring(tmp_path, clock).current())

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(list(tmp_path.glob("*.key"))) == 1


def test_a_key_signs_until_it_is_due_and_verifies_after(tmp_path: Path, clock: ManualClock) -> None:
    keys = ring(tmp_path, clock)
    first = keys.current()
    clock.advance(7 * DAY - timedelta(seconds=1))
    assert keys.current() == first
    clock.advance(timedelta(seconds=1))
    second = keys.current()
    assert second != first
    assert keys.by_id(first.id) == first


def test_another_process_knows_a_new_key_at_once(tmp_path: Path, clock: ManualClock) -> None:
    one, other = ring(tmp_path, clock), ring(tmp_path, clock)
    clock.advance(7 * DAY)
    new = one.current()
    assert other.by_id(new.id) == new
    assert other.current() == new


def test_an_old_key_is_removed_when_all_it_signed_has_expired(
    tmp_path: Path, clock: ManualClock
) -> None:
    keys = ring(tmp_path, clock)
    first = keys.current()
    clock.advance(7 * DAY)
    second = keys.current()
    clock.advance(7 * DAY)
    keys.current()
    assert keys.by_id(first.id) is None
    assert keys.by_id(second.id) == second
    assert len(list(tmp_path.glob("*.key"))) == 2


def test_a_key_that_signed_something_long_lived_is_kept_as_long(
    tmp_path: Path, clock: ManualClock
) -> None:
    keys = ring(tmp_path, clock)
    first = keys.signing_key(START + 30 * DAY)
    for _ in range(4):
        clock.advance(7 * DAY)
        keys.current()
    assert ring(tmp_path, clock).by_id(first.id) == first
    for _ in range(2):
        clock.advance(7 * DAY)
        keys.current()
    assert keys.by_id(first.id) is None
    assert not list(tmp_path.glob("*.keep"))


def test_removing_a_key_file_revokes_it_at_once(tmp_path: Path, clock: ManualClock) -> None:
    keys = ring(tmp_path, clock)
    key = keys.current()
    (tmp_path / f"{key.id}.key").unlink()
    assert keys.by_id(key.id) is None
    assert keys.current() != key


def test_made_up_key_ids_do_not_make_the_directory_be_read_each_time(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ring(tmp_path, clock)
    reads = 0
    original = Path.iterdir

    def counting(path: Path):  # type: ignore[no-untyped-def]
        nonlocal reads
        reads += 1
        return original(path)

    monkeypatch.setattr(Path, "iterdir", counting)
    clock.advance(timedelta(seconds=1))
    for number in range(100):
        assert keys.by_id(f"20260101T000000Z-{number:016x}") is None
        assert keys.by_id(f"nonsense-{number}") is None
    assert reads == 1


def test_damaged_key_files_are_passed_over(tmp_path: Path, clock: ManualClock) -> None:
    key = ring(tmp_path, clock).current()
    (tmp_path / "20270101T000000Z-0000000000000000.key").write_text("not hex")
    (tmp_path / "20270101T000000Z-0000000000000001.key").write_text("abcd")
    (tmp_path / "20270101T000000Z-0000000000000002.keep").write_text("tomorrow")
    (tmp_path / "README").write_text("hello")
    assert ring(tmp_path, clock).current() == key


def test_no_draft_is_left_behind(tmp_path: Path, clock: ManualClock) -> None:
    ring(tmp_path, clock).signing_key(START + 300 * DAY)
    kinds = sorted(path.suffix or path.name for path in tmp_path.iterdir())
    assert kinds == [".keep", ".key", ".lock"]


def test_a_directory_that_cannot_be_made_stops_the_start(
    tmp_path: Path, clock: ManualClock
) -> None:
    (tmp_path / "keys").write_text("a file")
    with pytest.raises(NotReady, match="keys"):
        ring(tmp_path / "keys" / "below", clock)


def test_a_ring_that_cannot_rotate_goes_on_with_its_key(tmp_path: Path, clock: ManualClock) -> None:
    key = ring(tmp_path, clock).current()
    (tmp_path / ".lock").unlink()
    (tmp_path / ".lock").mkdir()  # cannot be opened: as in a directory that is read-only
    keys = ring(tmp_path, clock)
    clock.advance(8 * DAY)
    assert keys.current() == key
    (tmp_path / ".lock").rmdir()
    clock.advance(timedelta(minutes=2))
    assert keys.current() != key
