import io

import pyarrow as pa
import pytest
from rich.text import Text

from flightlake.cli.sql_table import draw


class Terminal(io.StringIO):
    """A terminal of 40 columns without colours."""

    def isatty(self) -> bool:
        return True


def drawn(table: pa.Table, out: io.StringIO) -> list[str]:
    draw(table, out)
    return [line.rstrip() for line in Text.from_ansi(out.getvalue()).plain.splitlines()]


def test_numbers_stand_to_the_right_and_text_to_the_left() -> None:
    lines = drawn(pa.table({"n": [1, 100], "text": ["a", "bcdefg"]}), io.StringIO())
    assert lines[0].split() == ["n", "text"]
    assert lines[2] == "  1   a"
    assert lines[3] == "100   bcdefg"


def test_a_null_is_not_shown_as_an_empty_string() -> None:
    lines = drawn(pa.table({"a": ["", None]}), io.StringIO())
    assert lines[2:] == ["", "NULL"]


def test_nothing_is_cut_off_in_a_file() -> None:
    text = "x" * 500
    lines = drawn(pa.table({"a": [text], "b": [text]}), io.StringIO())
    assert lines[2].count("x") == 1000


def test_a_table_too_wide_for_the_terminal_is_shown_value_by_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    lines = drawn(pa.table({"first": ["x" * 30], "second": ["y" * 90]}), Terminal())
    assert lines[0].startswith("── row 1 ")
    assert lines[1] == "first   " + "x" * 30
    assert lines[2] == "second  " + "y" * 31 + "…"


def test_a_value_of_several_lines_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = pa.table({"plan": ["Sort\n  Scan\n"], "n": [1]})
    assert drawn(plan, io.StringIO())[2:] == ["Sort     1", "  Scan"]

    monkeypatch.setenv("COLUMNS", "12")
    monkeypatch.setenv("TERM", "xterm")
    lines = drawn(pa.table({"plan": ["Sort\n  Scan\n"], "more": ["z" * 9]}), Terminal())
    assert lines[1:] == ["plan  Sort", "        Scan", "more  zzzzz…"]


def test_control_characters_do_not_reach_the_terminal() -> None:
    lines = drawn(pa.table({"a\x1b": ["\x1b[2J\r\tz[bold]x[/bold]"]}), io.StringIO())
    assert lines[0] == "a\ufffd"
    assert lines[2] == "\ufffd[2J\ufffd→z[bold]x[/bold]"


def test_a_result_without_columns_draws_nothing() -> None:
    assert drawn(pa.table({}), io.StringIO()) == []
