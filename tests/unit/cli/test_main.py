"""The ``flightlake`` command itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from flightlake import __version__, cli
from flightlake.cli import SUBCOMMANDS, main


def test_help_names_every_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for item in SUBCOMMANDS:
        assert f"    {item.name}" in shown
        assert item.help in shown


def test_help_comes_at_once_because_nothing_large_is_imported() -> None:
    code = (
        "import sys; from flightlake.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('grpc', 'pyarrow', 'datafusion', 'pyiceberg', 'pydantic', 'jwt')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_python_m_flightlake_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flightlake", "--version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout == f"flightlake {__version__}\n"


@pytest.mark.parametrize("argv", [[], ["serv"], ["user"], ["user", "ad"], ["token"], ["--x"]])
def test_wrong_usage_ends_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert "usage: flightlake" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["user", "token", "check-config", "plan", "apply", "merge"])
def test_every_subcommand_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) > 8


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*args: object, **settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("flightlake.config.load", interrupted)
    assert main(["check-config", "--config", str(tmp_path / "x")]) == 130


def test_an_error_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    users = str(tmp_path / "users.toml")
    assert cli.main(["user", "remove", "bob", "--users-file", users]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "flightlake: there is no user 'bob'\n"


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("[auth]\nanonymous = true\n")
    command = [sys.executable, "-m", "flightlake", "check-config", "--config", "f.toml"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=300) == 1
