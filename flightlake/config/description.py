"""A configuration as text, secrets left out: what ``flightlake check-config`` prints."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from flightlake.config.machine import cores, memory_bytes
from flightlake.config.models import Settings
from flightlake.config.values import Memory, format_duration, format_size

HIDDEN = "(not shown)"

_SECRET_NAME = re.compile(r"secret|passw|token|credential|key|sas|signature|auth|cookie", re.I)
_USER_INFO = re.compile(r"(?<=://)([^/@\s]*?):[^/\s]*@")
_PARAMETER = re.compile(r"(?i)((?:secret|passw\w*|token|key|credential)\w*=)[^&\s;]*")
_SIZES = (
    *("limits.statement_bytes", "limits.metadata_memory"),
    *("limits.spill_limit", "limits.message_bytes"),
)


def describe(settings: Settings) -> list[str]:
    """Return a line ``key = value`` for each setting in effect; no secret is among them."""
    lines = []
    for key, value in flatten(settings):
        text = _text(key, value)
        note = _note(key, value, settings)
        lines.append(f"{key} = {text}" + (f"  # {note}" if note else ""))
    return lines


def flatten(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each setting with its key, tables and lists gone through."""
    for name, field in type(model).model_fields.items():
        key = prefix + (field.alias or name)
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from flatten(value, f"{key}.")
        elif isinstance(value, Mapping):
            for inner, item in value.items():
                if isinstance(item, BaseModel):
                    yield from flatten(item, f"{key}.{inner}.")
                else:
                    yield f'{key}."{inner}"', item
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for number, item in enumerate(value):
                yield from flatten(item, f"{key}[{number}].")
        else:
            yield key, value


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return json.dumps(format_duration(value))
    if isinstance(value, int):
        size = format_size(value) if key in _SIZES else str(value)
        return size if size.isdecimal() else json.dumps(size)
    if isinstance(value, Memory):
        return json.dumps(str(value))
    if isinstance(value, tuple):
        return json.dumps(list(value))
    if value is None:
        return '""'
    if isinstance(value, Path):
        return json.dumps(str(value))
    name = key.partition(".properties.")[2]
    if name and _SECRET_NAME.search(name):
        return HIDDEN
    if key.startswith("catalogs."):
        value = _USER_INFO.sub(rf"\1:{HIDDEN}@", value)
        value = _PARAMETER.sub(rf"\1{HIDDEN}", value)
    return json.dumps(value, ensure_ascii=False)


def _note(key: str, value: Any, settings: Settings) -> str:
    """Return what a value means on this machine, where it depends on it."""
    if key == "limits.memory":
        return f"{value.of(memory_bytes()) / 2**30:.1f} GiB here"
    if key == "limits.threads" and value == 0:
        return f"{cores()} here"
    if key == "limits.running" and value == 0:
        return f"{2 * cores()} here"
    if key == "limits.spill_directory" and value is None:
        return str(settings.spill_directory)
    if key == "session.catalog" and not value and settings.default_catalog:
        return settings.default_catalog
    return ""
