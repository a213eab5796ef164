"""The settings of a view, in the comment at the top of its file, and as clauses of CREATE.

::

    -- target_lag: 5 minutes
    -- partitioned_by: month(day)
    SELECT …

The comment is the run of lines that begin with ``--`` at the very top; any other line ends it.
Whether a value makes sense, the server says.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flightlake.names import nearest
from flightlake.project.problems import Problem

_SETTING = re.compile(r"--\s*(?P<name>\w+)\s*:(?P<value>.*)$")
_COMMENT = re.compile(r"--")
_ZONE = re.compile(r"\s+at\s+time\s+zone\s+", re.IGNORECASE)
_LEAST = re.compile(r"at\s+most\s+every\s+(.+)", re.IGNORECASE)
_WORDS = re.compile(r"[A-Za-z_ ]+")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: ``clause`` is what it is in CREATE MATERIALIZED VIEW."""

    name: str
    line: int
    clause: str


def literal(text: str) -> str:
    """Return *text* as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _lag(value: str) -> str:
    word = value.upper()
    return f"TARGET_LAG = {word if word in ('DOWNSTREAM', 'NONE') else literal(value)}"


def _schedule(value: str) -> str:
    times, _, zone = _ZONE.sub("\n", value, count=1).partition("\n")
    return f"SCHEDULE = {literal(times)}" + (f" AT TIME ZONE {literal(zone)}" if zone else "")


def _on_change(value: str) -> str:
    least = _LEAST.fullmatch(value)
    if value.lower() in ("yes", "true"):
        return "ON CHANGE"
    return f"ON CHANGE AT MOST EVERY {literal(least[1] if least else value)}"


def _word(keyword: str) -> Callable[[str], str]:
    def clause(value: str) -> str:
        words = value.upper() if _WORDS.fullmatch(value) else literal(value)
        return f"{keyword} = {words}"

    return clause


def _partitions(value: str) -> str | None:
    depth = 0
    for character in value:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0 or not (character.isalnum() or character in '_(),." '):
            return None
    return f"PARTITIONED BY ({value})" if depth == 0 else None


def _option(name: str) -> Callable[[str], str]:
    def clause(value: str) -> str:
        return f"WITH ({name} = {value if value.isdecimal() else literal(value)})"

    return clause


KNOWN: Mapping[str, Callable[[str], str | None]] = {
    "target_lag": _lag,
    "schedule": _schedule,
    "on_change": _on_change,
    "refresh_mode": _word("REFRESH_MODE"),
    "initialize": _word("INITIALIZE"),
    "partitioned_by": _partitions,
    "comment": lambda value: f"COMMENT {literal(value)}",
    "timeout": _option("timeout"),
    "suspend_after": _option("suspend_after"),
    "history_retention": _option("history_retention"),
    "priority": _option("priority"),
}
"""What each setting is as a clause; None for a value that cannot be one."""


def read_settings(path: str, lines: Sequence[str]) -> tuple[list[Setting], int, list[Problem]]:
    """Return the settings at the top of a file of *lines*, how many lines those are, and what is
    wrong with them."""
    found: dict[str, Setting] = {}
    problems: list[Problem] = []
    number = 0
    for number, line in enumerate(lines, 1):
        if not _COMMENT.match(line):
            number -= 1
            break
        match = _SETTING.match(line)
        if match is None:
            continue
        name, value = match["name"].lower(), match["value"].strip()
        column = match.start("name") + 1
        wrong = _wrong(name, value, found)
        clause = None if wrong is not None else KNOWN[name](value)
        if clause is not None:
            found[name] = Setting(name, number, clause)
        else:
            wrong = wrong or f"{name} is a list such as month(day), region, and not {value}"
            problems.append(Problem(path, number, column, wrong))
    return list(found.values()), number, problems


def clauses(settings: Sequence[Setting]) -> list[str]:
    """Return *settings* as clauses, all options in one."""
    options = [one.clause[len("WITH (") : -1] for one in settings if one.clause.startswith("WITH")]
    rest = [one.clause for one in settings if not one.clause.startswith("WITH")]
    return [*rest, f"WITH ({', '.join(options)})"] if options else rest


def altering(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Return what ALTER MATERIALIZED VIEW does so that settings *before* become *after*.

    Both are settings as EXPLAIN CREATE MATERIALIZED VIEW tells them: ``NAME = value``.
    """
    set_ = [one for one in after if one not in before]
    kept = {_name(one) for one in after}
    unset = [_name(one) for one in before if _name(one) not in kept]
    return [
        *([f"SET ({', '.join(set_)})"] if set_ else []),
        *([f"UNSET ({', '.join(unset)})"] if unset else []),
    ]


def _name(setting: str) -> str:
    return setting.partition(" = ")[0]


def _wrong(name: str, value: str, found: Mapping[str, Setting]) -> str | None:
    if name not in KNOWN:
        near = nearest(name, KNOWN)
        known = f"did you mean '{near}'?" if near else f"there are {', '.join(KNOWN)}"
        return f"unknown setting '{name}'; {known} (a comment goes below an empty line)"
    if name in found:
        return f"setting '{name}' is given in line {found[name].line} already"
    return None if value else f"setting '{name}' has no value"
