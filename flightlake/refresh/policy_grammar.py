"""The clauses and settings that say when a view is refreshed by itself.

A setting is written as a clause of CREATE (``TARGET_LAG = '5 minutes'``), within ``WITH (…)``
of it, or in ``ALTER … SET (…)``; what it says is a few fields of ``Policy``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flightlake.errors import InvalidSql
from flightlake.names import nearest
from flightlake.refresh.durations import parse_duration
from flightlake.refresh.heads import Head
from flightlake.refresh.policy import OnChange
from flightlake.refresh.schedules import parse_schedule

Fields = dict[str, Any]
"""Fields of ``Policy`` and their values; ``mode`` is the definition's."""

_KNOWN_LATER: Mapping[str, str] = {
    "MAX_CONCURRENT": "one refresh of a view runs at a time; leave MAX_CONCURRENT out",
    "MEMORY_LIMIT": "refreshes share the memory of all statements (limits.memory); leave it out",
    "RETRIES": "what may pass is tried again without end; leave RETRIES out",
    "PIN_SOURCES": "PIN_SOURCES is not there yet; leave it out",
    "STATE_COLUMNS": "STATE_COLUMNS is not there yet; leave it out",
    "ALLOW_FLOAT_MERGE": "ALLOW_FLOAT_MERGE is not there yet; leave it out",
    "VERIFY_EVERY": "VERIFY_EVERY is not there yet; run VERIFY MATERIALIZED VIEW",
    "LAYOUT": "LAYOUT is not there yet; a view is always one table",
    "REFRESH_GROUP": "REFRESH_GROUP is not there yet; leave it out",
    "ENABLE_REWRITE": "queries are not rewritten yet; leave ENABLE_REWRITE out",
    "MAX_FULL_BYTES": "MAX_FULL_BYTES is not there yet; leave it out",
}


def mode(head: Head) -> Fields:
    """Read a refresh mode."""
    found = head.which("AUTO", "FULL", "INCREMENTAL")
    if found is None:
        raise head.unexpected("AUTO, FULL or INCREMENTAL")
    return {"mode": found}


def target_lag(head: Head) -> Fields:
    """Read ``'5 minutes'``, ``DOWNSTREAM`` or ``NONE``."""
    word = head.which("DOWNSTREAM", "NONE")
    if word is not None:
        return {"target_lag": None, "downstream": word == "DOWNSTREAM"}
    lag = parse_duration(_text(head, "a text like '5 minutes', DOWNSTREAM or NONE"), "TARGET_LAG")
    return {"target_lag": lag, "downstream": False}


def schedule(head: Head) -> Fields:
    """Read ``'cron 0 3 * * *' [AT TIME ZONE 'Europe/Paris']`` or ``'every 15 minutes'``."""
    text = _text(head, "a text like 'every 15 minutes' or 'cron 0 3 * * *'")
    zone = None
    if head.take("AT"):
        head.require("TIME", "ZONE")
        zone = _text(head, "a text like 'Europe/Paris'")
    return {"schedule": parse_schedule(text, zone)}


def on_change(head: Head) -> Fields:
    """Read what follows the words ``ON CHANGE``."""
    if not head.take("AT"):
        return {"on_change": OnChange()}
    head.require("MOST", "EVERY")
    least = parse_duration(_text(head, "a text like '1 minute'"), "AT MOST EVERY")
    return {"on_change": OnChange(least)}


def comment(head: Head) -> Fields:
    """Read a comment."""
    return {"comment": _text(head, "a text in single quotes")}


def _change_setting(head: Head) -> Fields:
    word = head.which("TRUE", "FALSE")
    if word is not None:
        return {"on_change": OnChange() if word == "TRUE" else None}
    text = _text(head, "TRUE, FALSE or a text like '1 minute'")
    return {"on_change": OnChange(parse_duration(text, "ON_CHANGE"))}


def _timeout(head: Head) -> Fields:
    return {"timeout": parse_duration(_text(head, "a text like '30 minutes'"), "TIMEOUT")}


def _retention(head: Head) -> Fields:
    text = _text(head, "a text like '7 days'")
    return {"history_retention": parse_duration(text, "HISTORY_RETENTION")}


def _suspend_after(head: Head) -> Fields:
    return {"suspend_after": _number(head, "SUSPEND_AFTER", 1, 1000)}


def _priority(head: Head) -> Fields:
    return {"priority": _number(head, "PRIORITY", 0, 1000)}


OPTIONS: Mapping[str, tuple[Callable[[Head], Fields], tuple[str, ...]]] = {
    "TIMEOUT": (_timeout, ("timeout",)),
    "SUSPEND_AFTER": (_suspend_after, ("suspend_after",)),
    "HISTORY_RETENTION": (_retention, ("history_retention",)),
    "PRIORITY": (_priority, ("priority",)),
}
"""What ``WITH (…)`` knows: how it is read, and the fields that it sets."""

SETTINGS: Mapping[str, tuple[Callable[[Head], Fields], tuple[str, ...]]] = {
    "TARGET_LAG": (target_lag, ("target_lag", "downstream")),
    "SCHEDULE": (schedule, ("schedule",)),
    "ON_CHANGE": (_change_setting, ("on_change",)),
    "COMMENT": (comment, ("comment",)),
    "REFRESH_MODE": (mode, ("mode",)),
    **OPTIONS,
}
"""What ``ALTER … SET (…)`` and ``UNSET (…)`` know."""


def options(head: Head) -> Fields:
    """Read ``(option = value, …)`` of ``WITH``.

    Raises:
        InvalidSql: A value is wrong, or an option is not known or given twice.
        Unsupported: An option is known, and not there.
    """
    return _assigned(head, OPTIONS)


def settings(head: Head) -> Fields:
    """Read ``(setting = value, …)`` of ``ALTER … SET``; raises as ``options`` does."""
    return _assigned(head, SETTINGS)


def unset(head: Head) -> tuple[str, ...]:
    """Read ``(setting, …)`` of ``ALTER … UNSET``; return the fields."""
    head.require("(")
    found: list[str] = []
    while True:
        found += SETTINGS[_known(head, SETTINGS)][1]
        if not head.take(","):
            break
    head.require(")")
    return tuple(found)


def _assigned(
    head: Head, known: Mapping[str, tuple[Callable[[Head], Fields], tuple[str, ...]]]
) -> Fields:
    head.require("(")
    found: Fields = {}
    while True:
        name = _known(head, known)
        head.require("=")
        read, fields = known[name]
        if any(field in found for field in fields):
            raise InvalidSql(f"{name.lower()} is given twice; give it once")
        found |= read(head)
        if not head.take(","):
            break
    head.require(")")
    return found


def _known(head: Head, known: Mapping[str, object]) -> str:
    head.refuse(_KNOWN_LATER)
    found = head.which(*known)
    if found is not None:
        return found
    written = ".".join(head.name())
    near = nearest(written, [name.lower() for name in known])
    hint = f"did you mean {near}?" if near else f"known are {', '.join(sorted(known)).lower()}"
    raise InvalidSql(f"there is no option {written[:50]!r} of a materialized view; {hint}")


def _text(head: Head, wanted: str) -> str:
    text = head.take_string()
    if text is None:
        raise head.unexpected(wanted)
    if any(ord(character) < 32 and character not in "\n\t" for character in text):
        raise InvalidSql("a text holds a control character; leave it out")
    return text


def _number(head: Head, what: str, least: int, most: int) -> int:
    number = head.take_number()
    if number is None:
        raise head.unexpected("a whole number")
    if not least <= number <= most:
        raise InvalidSql(f"{what} is at least {least} and at most {most}, and not {number}")
    return number


def initialize(head: Head) -> bool:
    """Read what follows ``INITIALIZE =``; return whether the first refresh makes the rows."""
    found = head.which("ON_CREATE", "ON_SCHEDULE")
    if found is None:
        raise head.unexpected("ON_CREATE or ON_SCHEDULE")
    return found == "ON_SCHEDULE"
