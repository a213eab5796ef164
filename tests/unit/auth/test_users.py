"""The users file."""

import os
import stat
import threading
from pathlib import Path

import pytest

from flightlake.auth.users import User, UsersFile
from flightlake.errors import AlreadyExists, InvalidRequest, NotFound

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.toml"


def test_a_user_is_found_again_by_another_process(path: Path) -> None:
    user = User('Zoë "q" \\ o\'b', HASH, frozenset({"a", "b"}))
    UsersFile(path).add(user)
    assert UsersFile(path).get(user.name) == user
    assert UsersFile(path).all() == (user,)


def test_the_file_is_private_and_nothing_else_is_left(path: Path) -> None:
    UsersFile(path).add(User("alice", HASH))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(p.name for p in path.parent.iterdir()) == [".users.toml.lock", "users.toml"]


def test_changes_made_by_another_process_are_seen(path: Path) -> None:
    serving, editing = UsersFile(path), UsersFile(path)
    editing.add(User("alice", HASH, frozenset({"r"})))
    assert serving.get("alice") == User("alice", HASH, frozenset({"r"}))
    editing.set_password("alice", HASH + "x")
    assert serving.get("alice") == User("alice", HASH + "x", frozenset({"r"}))
    editing.remove("alice")
    assert serving.get("alice") is None


def test_users_added_at_once_are_all_kept(path: Path) -> None:
    threads = [
        threading.Thread(target=lambda n=n: UsersFile(path).add(User(f"u{n}", HASH)))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(UsersFile(path).all()) == 12


def test_what_is_not_there_or_there_already_is_said(path: Path) -> None:
    users = UsersFile(path)
    users.add(User("alice", HASH))
    with pytest.raises(AlreadyExists, match="alice"):
        users.add(User("alice", HASH))
    with pytest.raises(NotFound, match="bob"):
        users.remove("bob")
    with pytest.raises(NotFound, match="bob"):
        users.set_password("bob", HASH)


@pytest.mark.parametrize("name", ["", "token", "a:b", "a\nb", " a", "a ", "\x7f", "x" * 129])
def test_names_that_cannot_log_in_are_refused(path: Path, name: str) -> None:
    with pytest.raises(InvalidRequest):
        UsersFile(path).add(User(name, HASH))


def test_strange_roles_are_refused(path: Path) -> None:
    with pytest.raises(InvalidRequest, match="role"):
        UsersFile(path).add(User("alice", HASH, frozenset({"a b"})))


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "[user.alice]",
        "users = 3",
        "[users.alice]\npassword = 'plain text'",
        f"[users.alice]\npassword = '{HASH}'\nrole = ['a']",
        f"[users.alice]\npassword = '{HASH}'\nroles = 'a'",
        f"[users.token]\npassword = '{HASH}'",
        "[users]\nalice = 'x'",
    ],
)
def test_a_file_that_cannot_be_understood_stops_the_start(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(InvalidRequest):
        UsersFile(path)


def test_a_file_broken_later_keeps_the_users_known_before(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    users = UsersFile(path)
    users.add(User("alice", HASH))
    path.write_text("[users.al")
    os.utime(path, ns=(1, 1))
    assert users.get("alice") is not None
    assert "keeping the users" in caplog.text


def test_a_file_that_disappears_holds_nobody(path: Path) -> None:
    users = UsersFile(path)
    users.add(User("alice", HASH))
    path.unlink()
    assert users.get("alice") is None


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path.symlink_to(tmp_path / "real" / "users.toml")
    UsersFile(path).add(User("alice", HASH))
    assert path.is_symlink()
    assert UsersFile(tmp_path / "real" / "users.toml").get("alice") is not None
