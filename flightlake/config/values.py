"""Values in a configuration that are more than TOML knows: durations, sizes, shares, paths."""

import math
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from flightlake.auth.jwt import FOREIGN_ALGORITHMS
from flightlake.names import nearest

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|TiB|kB|MB|GB|TB)?")
_BYTES = {
    "B": 1,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_LONGEST = timedelta(days=3660)


def parse_duration(text: str) -> timedelta:
    """Return the duration that *text* says: ``"30s"``, ``"1.5h"``, ``"250ms"``.

    Raises:
        ValueError: It says none.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f'"{text}" is not a duration; write a number and ms, s, m, h or d, like "30s"'
        )
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > _LONGEST.total_seconds():
        raise ValueError(f'"{text}" is longer than ten years')
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """Return *duration* as a configuration would have it, in the largest unit that fits."""
    milliseconds = round(duration.total_seconds() * 1000)
    for unit in ("d", "h", "m", "s"):
        size = round(_SECONDS[unit] * 1000)
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def parse_size(text: str) -> int:
    """Return the bytes that *text* says: ``"2MiB"``, ``"50GB"``, ``"1000"``.

    Raises:
        ValueError: It says none.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f'"{text}" is not a size; write bytes, or a number and KiB, MiB, GiB or TiB'
        )
    return math.floor(float(match[1]) * _BYTES[match[2] or "B"])


def format_size(size: int) -> str:
    """Return *size* in bytes as a configuration would have it."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return str(size)


@dataclass(frozen=True, slots=True)
class Memory:
    """An amount of memory: *size* in bytes, or a *share* (0 to 1) of what the machine has."""

    size: int | None = None
    share: float | None = None

    def of(self, total: int) -> int:
        """Return the bytes this is on a machine that has *total*."""
        if self.share is not None:
            return math.floor(total * self.share)
        return self.size or 0

    def __str__(self) -> str:
        if self.share is not None:
            return f"{round(self.share * 100, 2):g}%"
        return format_size(self.size or 0)


def parse_memory(text: str) -> Memory:
    """Return the memory that *text* says: ``"60%"`` or ``"8GiB"``.

    Raises:
        ValueError: It says none, or a share above 100 %.
    """
    match = _SHARE.fullmatch(text.strip())
    if match is None:
        try:
            return Memory(size=parse_size(text))
        except ValueError:
            raise ValueError(
                f'"{text}" is not an amount of memory; write a share, like "60%", or a size,'
                ' like "8GiB"'
            ) from None
    if not 0 < float(match[1]) <= 100:
        raise ValueError("a share of the memory is above 0% and at most 100%")
    return Memory(share=float(match[1]) / 100)


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    raise ValueError('a duration is a text with its unit, like "30s"')


def _size(value: Any) -> Any:
    return parse_size(value) if isinstance(value, str) else _count(value)


def _memory(value: Any) -> Any:
    if isinstance(value, Memory):
        return value
    if isinstance(value, str):
        return parse_memory(value)
    return Memory(size=_count(value))


def _count(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("this must be a whole number")
    return value


def _path(value: Any, info: ValidationInfo) -> Any:
    """Relative paths begin at the configuration file, wherever the server is started."""
    if value is None or value == "":
        return None
    if not isinstance(value, str | Path):
        raise ValueError("this must be a path")
    directory: Path = (info.context or {}).get("directory", Path())
    return (directory / value).absolute()


def _texts(value: Any) -> Any:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _property(value: Any) -> Any:
    """Properties are texts to pyiceberg; numbers and booleans may be written plainly."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _algorithms(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError("this must not be empty")
    for name in names:
        if name not in FOREIGN_ALGORITHMS:
            similar = nearest(name, FOREIGN_ALGORITHMS) if not name.startswith("HS") else None
            hint = similar and f"did you mean {similar}?"
            hint = hint or f"allowed are {', '.join(FOREIGN_ALGORITHMS)}"
            raise ValueError(f'"{name}" is not allowed for the tokens of others; {hint}')
    return names


def lasting(shortest: str, longest: str) -> AfterValidator:
    """Return the validator of a duration within bounds (pydantic's own shows Python code)."""
    low, high = parse_duration(shortest), parse_duration(longest)

    def within(duration: timedelta) -> timedelta:
        if not low <= duration <= high:
            raise ValueError(f"this must be at least {shortest} and at most {longest}")
        return duration

    return AfterValidator(within)


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Size = Annotated[int, BeforeValidator(_size)]
MemoryAmount = Annotated[Memory, BeforeValidator(_memory)]
Count = Annotated[int, BeforeValidator(_count)]
OptionalPath = Annotated[Path | None, BeforeValidator(_path)]
RequiredPath = Annotated[Path, BeforeValidator(_path)]
Algorithms = Annotated[tuple[str, ...], BeforeValidator(_texts), AfterValidator(_algorithms)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Property = Annotated[str, BeforeValidator(_property)]
