"""Lengths of time as statements write them: ``'5 minutes'``, ``'1 hour 30 minutes'``."""

import re
from datetime import timedelta

from flightlake.errors import InvalidSql

_UNITS = {
    "second": 1, "seconds": 1, "sec": 1, "s": 1,
    "minute": 60, "minutes": 60, "min": 60, "m": 60,
    "hour": 3600, "hours": 3600, "h": 3600,
    "day": 86400, "days": 86400, "d": 86400,
    "week": 604800, "weeks": 604800, "w": 604800,
}  # fmt: skip
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([A-Za-z]+)\s*")
LONGEST = timedelta(days=3660)
_SIZES = (("day", 86400), ("hour", 3600), ("minute", 60))


def parse_duration(text: str, what: str) -> timedelta:
    """Return the length of time that *text* says, from 1 second to ten years.

    Args:
        text: A number and a unit, or several of both.
        what: What it is for, for the message.

    Raises:
        InvalidSql: It says none, or one out of these bounds.
    """
    rest, seconds = text.strip(), 0.0
    if not rest:
        raise _wrong(text, what)
    while rest:
        match = _PART.match(rest)
        unit = None if match is None else _UNITS.get(match[2].lower())
        if match is None or unit is None:
            raise _wrong(text, what)
        seconds += float(match[1]) * unit
        rest = rest[match.end() :]
    if not 1 <= seconds <= LONGEST.total_seconds():
        raise InvalidSql(
            f"{what} is at least 1 second and at most ten years, and not '{text[:50]}'"
        )
    return timedelta(seconds=seconds)


def written(duration: timedelta) -> str:
    """Return *duration* as ``parse_duration`` reads it."""
    rest = duration.total_seconds()
    parts = []
    for unit, size in _SIZES:
        count, rest = divmod(rest, size)
        if count:
            parts.append(_counted(count, unit))
    if rest or not parts:
        parts.append(_counted(round(rest, 6), "second"))
    return " ".join(parts)


def _counted(count: float, unit: str) -> str:
    number = f"{count:.6f}".rstrip("0").rstrip(".")
    return f"{number} {unit}" if count == 1 else f"{number} {unit}s"


def _wrong(text: str, what: str) -> InvalidSql:
    return InvalidSql(
        f"'{text[:50]}' is no length of time for {what}; write a number and a unit, like"
        " '5 minutes' or '1 hour 30 minutes'"
    )
