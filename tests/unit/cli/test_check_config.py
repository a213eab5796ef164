"""``flightlake check-config``."""

from pathlib import Path

import pytest

from flightlake.cli import main


def test_a_good_file_is_shown_as_it_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "flightlake.toml"
    path.write_text("[auth]\nanonymous = true\n[server]\nport = 4\n")
    assert main(["check-config", "--config", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok"
    assert "server.port = 4" in lines


def test_each_problem_has_a_line_and_the_code_is_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "flightlake.toml"
    path.write_text("[auth]\nanonymos = true\n[server]\nport = 'x'\n")
    assert main(["check-config", "--config", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "flightlake: server.port: this must be a whole number",
        "flightlake: auth.anonymos: there is no such key; did you mean `anonymous`?",
    ]


def test_it_needs_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check-config"])
    assert ended.value.code == 2
    assert "--config" in capsys.readouterr().err
