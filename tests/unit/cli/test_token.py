"""``flightlake token``."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flightlake.auth.keys import KeyRing
from flightlake.auth.tokens import Token, Tokens
from flightlake.cli import main
from flightlake.clock import SystemClock

DAY = timedelta(days=1)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "flightlake.toml"
    path.write_text("[state]\ndirectory = 'state'\n[auth]\naudience = 'lake-1'\n")
    return path


def read(config: Path, token: str) -> Token:
    clock = SystemClock()
    keys = KeyRing(config.parent / "state" / "keys", rotation=7 * DAY, retention=DAY, clock=clock)
    tokens = Tokens(
        keys, issuer="flightlake", audience="lake-1", lifetime=timedelta(hours=1), clock=clock
    )
    return tokens.read_bearer(token)


def test_the_server_accepts_the_token(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["token", "--config", str(config), "--subject", "etl"]
    assert main([*words, "--roles", "a, b,", "--lifetime", "30d"]) == 0
    token = read(config, capsys.readouterr().out.strip())
    assert token.identity.subject == "etl"
    assert token.identity.roles == {"a", "b"}
    assert token.identity.method == "token"
    assert token.identity.expires_at == token.expires_at
    left = token.expires_at - datetime.now(UTC)
    assert 30 * DAY - timedelta(minutes=5) < left <= 30 * DAY + timedelta(seconds=1)


def test_the_usual_lifetime_is_that_of_the_configuration(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", "--config", str(config), "--subject", "etl"]) == 0
    token = read(config, capsys.readouterr().out.strip())
    assert token.expires_at - token.issued_at < timedelta(hours=1, seconds=2)
    assert token.identity.roles == set()


@pytest.mark.parametrize(
    "words",
    [
        ["--subject", ""],
        ["--subject", "a\nb"],
        ["--subject", "x" * 300],
        ["--subject", "x", "--lifetime", "1x"],
        ["--subject", "x", "--lifetime", "0s"],
        ["--subject", "x", "--lifetime", "400d"],
    ],
    ids=["empty", "control", "long", "unit", "zero", "years"],
)
def test_what_makes_no_sense_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main(["token", "--config", str(config), *words]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("flightlake: --")
    assert captured.err.count("\n") == 1


def test_no_key_is_made_that_no_server_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["token", "--subject", "etl"]) == 1
    assert "--config" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_configuration_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", "--subject", "etl", "--config", str(tmp_path / "no.toml")]) == 2
    assert "cannot be read" in capsys.readouterr().err
