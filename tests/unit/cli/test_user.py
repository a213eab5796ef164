"""``flightlake user``."""

import io
import sys
from pathlib import Path

import pytest

from flightlake.auth import passwords as module
from flightlake.auth.passwords import Passwords
from flightlake.auth.throttle import Throttle
from flightlake.auth.users import UsersFile
from flightlake.cli import main
from flightlake.clock import SystemClock
from flightlake.errors import NotAuthenticated
from tests.fix_auth import CHEAP


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.hash_password, "__defaults__", (CHEAP,))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.toml"


def run(monkeypatch: pytest.MonkeyPatch, stdin: str, *argv: object) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    return main([str(word) for word in argv])


def logs_in(path: Path, name: str, password: str) -> bool:
    clock = SystemClock()
    passwords = Passwords(UsersFile(path), Throttle(clock=clock), clock=clock, cost=CHEAP)
    try:
        passwords.verify(name, password, "127.0.0.1")
    except NotAuthenticated:
        return False
    return True


def add(monkeypatch: pytest.MonkeyPatch, path: Path, name: str, *more: str) -> int:
    words = ["user", "add", name, "--password-stdin", "--users-file", path, *more]
    return run(monkeypatch, "open sesame\nrest", *words)


def test_a_user_that_is_added_can_log_in_and_is_listed(
    monkeypatch: pytest.MonkeyPatch, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(monkeypatch, path, "zoe") == 0
    assert add(monkeypatch, path, "ann", "--role", "writer", "--role", "analyst") == 0
    assert logs_in(path, "ann", "open sesame")
    assert not logs_in(path, "ann", "open sesame\n")
    assert main(["user", "list", "--users-file", str(path)]) == 0
    captured = capsys.readouterr()
    assert captured.out == "ann\tanalyst,writer\nzoe\t\n"
    assert "argon2" not in captured.out


def test_a_password_is_changed(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    add(monkeypatch, path, "ann")
    words = ["user", "passwd", "ann", "--password-stdin", "--users-file", path]
    assert run(monkeypatch, "new\r\n", *words) == 0
    assert logs_in(path, "ann", "new")
    assert not logs_in(path, "ann", "open sesame")


def test_a_removed_user_is_gone(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    add(monkeypatch, path, "ann")
    assert main(["user", "remove", "ann", "--users-file", str(path)]) == 0
    assert not logs_in(path, "ann", "open sesame")


def test_the_file_is_found_through_the_configuration(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    config = path.parent / "flightlake.toml"
    config.write_text("[auth]\nusers_file = 'users.toml'\n")
    words = ["user", "add", "ann", "--password-stdin", "--config", config]
    assert run(monkeypatch, "open sesame", *words) == 0
    assert logs_in(path, "ann", "open sesame")


@pytest.mark.parametrize(
    ("argv", "stdin", "sentence"),
    [
        (["add", "token", "--password-stdin"], "x", "is taken"),
        (["add", "a:b", "--password-stdin"], "x", "no colon"),
        (["add", "ann", "--password-stdin"], "", "a password has 1 to"),
        (["add", "ann"], "", "there is no terminal"),
        (["add", "old"], "", "already; use `flightlake user passwd`"),
        (["add", "ann", "--role", "a b", "--password-stdin"], "x", "cannot be a role"),
        (["passwd", "ann"], "", "there is no user 'ann'"),
        (["remove", "ann"], "", "there is no user 'ann'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
    path: Path,
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
    stdin: str,
    sentence: str,
) -> None:
    add(monkeypatch, path, "old")
    before = path.read_bytes()
    assert run(monkeypatch, stdin, "user", *argv, "--users-file", path) == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert path.read_bytes() == before


def test_without_a_file_it_asks_for_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FLIGHTLAKE__AUTH__USERS_FILE", raising=False)
    assert main(["user", "list"]) == 1
    assert "--users-file" in capsys.readouterr().err


def test_a_directory_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["user", "list", "--users-file", str(tmp_path / "no" / "users.toml")]) == 1
    assert "does not exist" in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answers", "code"), [(["x", "x"], 0), (["x", "y"], 1)])
def test_at_a_terminal_it_asks_twice(
    monkeypatch: pytest.MonkeyPatch, path: Path, answers: list[str], code: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt: answers.pop(0))
    assert main(["user", "add", "ann", "--users-file", str(path)]) == code
    assert path.exists() == (code == 0)
