"""Verifying passwords."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from flightlake.auth import passwords as module
from flightlake.auth.passwords import HashCost, Passwords, fingerprint, hash_password
from flightlake.auth.throttle import Throttle
from flightlake.auth.users import User, UsersFile
from flightlake.clock import ManualClock
from flightlake.errors import InvalidRequest, NotAuthenticated, Overloaded
from tests.fix_auth import CHEAP, START

HOME = "198.51.100.7"


class Counting(module.PasswordHasher):
    """The real hasher, and how often and at what cost it was asked."""

    asked: list[str]
    hold: threading.Event | None = None
    entered: threading.Semaphore

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
        self.asked.append(str(hash).rsplit("$", 2)[0])
        self.entered.release()
        if self.hold is not None:
            assert self.hold.wait(120)
        return super().verify(hash, password)


@pytest.fixture
def users(tmp_path: Path) -> UsersFile:
    users = UsersFile(tmp_path / "users.toml")
    users.add(User("alice", hash_password("open sesame", CHEAP), frozenset({"analyst"})))
    return users


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> Counting:
    hasher = Counting(CHEAP.passes, CHEAP.memory_kib, CHEAP.lanes)
    hasher.asked, hasher.entered = [], threading.Semaphore(0)
    monkeypatch.setattr(module, "_hasher", lambda cost: hasher)
    return hasher


@pytest.fixture
def passwords(users: UsersFile, clock: ManualClock, hasher: Counting) -> Passwords:
    return Passwords(users, Throttle(clock=clock), clock=clock, cost=CHEAP, patience=timedelta(0))


def test_the_right_password_passes_with_the_roles_of_the_file(passwords: Passwords) -> None:
    assert passwords.verify("alice", "open sesame", HOME).roles == {"analyst"}


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("alice", "wrong"),
        ("alice", ""),
        ("bob", "open sesame"),
        ("alice", "x" * 2000),
        ("alice", "ö" * 600),
        ("ALICE", "open sesame"),
        ("alice", "\ud800"),
    ],
    ids=["wrong", "empty", "unknown", "long", "long-utf8", "case", "surrogate"],
)
def test_anything_else_gets_one_and_the_same_refusal(
    passwords: Passwords, name: str, password: str
) -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        passwords.verify(name, password, HOME)
    assert refusal.value.message == "the user name or the password is wrong"


def test_an_unknown_user_costs_as_much_as_a_known_one(
    passwords: Passwords, hasher: Counting
) -> None:
    for name in ("alice", "bob"):
        with pytest.raises(NotAuthenticated):
            passwords.verify(name, "wrong", HOME)
    known, unknown = (text.rpartition("$")[0] for text in hasher.asked)
    assert known == unknown == "$argon2id$v=19"
    known, unknown = (text.rpartition("$")[2] for text in hasher.asked)
    assert known == unknown == "m=8,t=1,p=1"


def test_a_password_just_verified_is_not_hashed_again(
    passwords: Passwords, hasher: Counting, clock: ManualClock
) -> None:
    for _ in range(10):
        passwords.verify("alice", "open sesame", HOME)
    assert len(hasher.asked) == 1
    clock.advance(timedelta(minutes=5))
    passwords.verify("alice", "open sesame", HOME)
    assert len(hasher.asked) == 2


def test_a_changed_users_file_ends_what_was_remembered(
    passwords: Passwords, users: UsersFile
) -> None:
    passwords.verify("alice", "open sesame", HOME)
    users.set_password("alice", hash_password("new", CHEAP))
    with pytest.raises(NotAuthenticated):
        passwords.verify("alice", "open sesame", HOME)
    assert passwords.verify("alice", "new", HOME)
    users.remove("alice")
    with pytest.raises(NotAuthenticated):
        passwords.verify("alice", "new", HOME)


def test_guessing_stops_costing_hashes_after_five_failures(
    passwords: Passwords, hasher: Counting, clock: ManualClock
) -> None:
    for _ in range(50):
        with pytest.raises(NotAuthenticated):
            passwords.verify("alice", "wrong", HOME)
    assert len(hasher.asked) == 5
    with pytest.raises(NotAuthenticated, match="try again later"):
        passwords.verify("alice", "open sesame", HOME)
    clock.advance(timedelta(seconds=1))
    assert passwords.verify("alice", "open sesame", HOME)


def test_a_tool_that_is_logged_in_is_not_disturbed_by_guesses_from_its_address(
    passwords: Passwords,
) -> None:
    passwords.verify("alice", "open sesame", HOME)
    for _ in range(20):
        with pytest.raises(NotAuthenticated):
            passwords.verify("alice", "wrong", HOME)
    assert passwords.verify("alice", "open sesame", HOME)


def test_no_more_than_two_are_verified_at_once(passwords: Passwords, hasher: Counting) -> None:
    hasher.hold = threading.Event()
    threads = [
        threading.Thread(target=passwords.verify, args=("alice", "open sesame", HOME))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert hasher.entered.acquire(timeout=120)
    with pytest.raises(Overloaded, match="logins at once"):
        passwords.verify("alice", "open sesame", HOME)
    hasher.hold.set()
    for thread in threads:
        thread.join()
    assert passwords.verify("alice", "open sesame", HOME)


def test_a_crowd_with_the_right_password_all_pass_on_few_hashes(
    users: UsersFile, clock: ManualClock, hasher: Counting
) -> None:
    passwords = Passwords(users, Throttle(clock=clock), clock=clock, cost=CHEAP)
    passed: list[User] = []
    threads = [
        threading.Thread(
            target=lambda: passed.append(passwords.verify("alice", "open sesame", HOME))
        )
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 12
    assert len(hasher.asked) <= 2


def test_a_damaged_hash_lets_nobody_in(
    users: UsersFile, passwords: Passwords, caplog: pytest.LogCaptureFixture
) -> None:
    users.set_password("alice", "$argon2id$nonsense")
    with pytest.raises(NotAuthenticated):
        passwords.verify("alice", "open sesame", HOME)
    assert "cannot be used" in caplog.text


def test_the_default_cost_is_the_recommended_one() -> None:
    assert hash_password("x", HashCost()).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize("password", ["", "x" * 1025])
def test_passwords_nobody_could_use_are_not_hashed(password: str) -> None:
    with pytest.raises(InvalidRequest):
        hash_password(password, CHEAP)


def test_the_fingerprint_follows_the_password_and_does_not_show_the_hash() -> None:
    one, two = User("a", hash_password("x", CHEAP)), User("a", hash_password("x", CHEAP))
    assert fingerprint(one) != fingerprint(two)
    assert fingerprint(one) not in one.password_hash
