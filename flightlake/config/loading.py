"""Reads a configuration: a TOML file, then environment variables over it.

``FLIGHTLAKE__LIMITS__QUEUED=5`` overrides ``queued`` in ``[limits]``; parts are joined by two
underscores, in any case.  ``FLIGHTLAKE__AUTH__JWT__0__ISSUER`` reaches into the first
``[[auth.jwt]]``.
"""

import copy
import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from flightlake.config.checks import check
from flightlake.config.models import Settings
from flightlake.config.problems import ConfigError, dotted, keys_of, problem, sentences, unknown_key

_PREFIX = "FLIGHTLAKE__"


def load(
    path: Path | None, environment: Mapping[str, str] | None = None, *, to_serve: bool = True
) -> Settings:
    """Return the configuration in *path* (None: all defaults) with *environment* over it.

    Args:
        path: A TOML file; relative paths in it begin at its directory.
        environment: ``os.environ`` if None.
        to_serve: Check also what only a server needs: that files are there, that somebody can
            log in.

    Raises:
        ConfigError: It cannot be used; all reasons at once.
    """
    problems: list[str] = []
    document = _read(path) if path is not None else {}
    variables = os.environ if environment is None else environment
    origins = _override(document, variables, problems)
    for name in document.keys() - set(keys_of(Settings)):
        problems.append(problem(name, unknown_key(name, keys_of(Settings)), origins))
    directory = path.parent if path is not None else Path()
    sections: dict[str, Any] = {}
    partial: set[str] = set()
    for name, field in Settings.model_fields.items():
        form: Any = field.annotation
        try:
            sections[name] = _section(form, document.get(name, {}), directory)
        except ValidationError as error:
            problems += sentences(name, form, error, origins)
            partial.add(name)
            with suppress(ValidationError):
                rest = _without(document[name], error)
                sections[name] = _section(form, rest, directory)
    for key, text in check(sections, partial, to_serve=to_serve):
        problems.append(problem(key, text, origins))
    if problems:
        raise ConfigError(problems)
    return Settings.model_construct(**sections)


def _section(form: Any, values: object, directory: Path) -> Any:
    adapter: TypeAdapter[Any] = TypeAdapter(form)
    return adapter.validate_python(values, context={"directory": directory})


def _without(values: object, error: ValidationError) -> object:
    """Return *values* without the keys, lists and named tables that *error* is about."""
    rest = copy.deepcopy(values)
    for item in error.errors(include_url=False):
        steps = [step for step in item["loc"] if step != "[key]"]
        if any(isinstance(step, int) for step in steps):
            steps = steps[: next(i for i, step in enumerate(steps) if isinstance(step, int))]
        elif item["type"] == "missing":
            steps.pop()
        place: Any = rest
        for step in steps[:-1]:
            place = place.get(step, {})
        if steps:
            place.pop(steps[-1], None)
    return rest


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError([f"{path} cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path} is not UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path} is not TOML: {error}"]) from None


def _override(
    document: dict[str, Any], environment: Mapping[str, str], problems: list[str]
) -> dict[str, str]:
    """Put the variables into *document*; return which key comes from which."""
    origins: dict[str, str] = {}
    for variable in sorted(environment):
        if not variable.upper().startswith(_PREFIX):
            continue
        steps = variable[len(_PREFIX) :].split("__")
        try:
            key = _put(document, steps, _parsed(environment[variable]))
        except ValueError as error:
            problems.append(f"{variable}: {error}")
        else:
            origins[key] = variable
    return origins


def _put(document: dict[str, Any], steps: list[str], value: object) -> str:
    """Set what *steps* lead to; return the key's path."""
    place: Any = document
    location: list[str | int] = []
    for at, step in enumerate(steps):
        last = at == len(steps) - 1
        key: str | int
        if isinstance(place, list):
            if not step.isdecimal() or int(step) > len(place):
                raise ValueError(f"`{dotted(location)}` is a list; write the number of an entry")
            key = int(step)
            if key == len(place):
                place.append({})
        elif isinstance(place, dict):
            # Names of catalogs and properties may be in any case; the file's spelling counts.
            same = [name for name in place if name.lower() == step.lower()]
            key = same[0] if same else step.lower()
            if not step:
                raise ValueError("the name of a variable has two underscores between its parts")
            following = "" if last else steps[at + 1]
            place.setdefault(key, [] if following.isdecimal() else {})
        else:
            raise ValueError(f"`{dotted(location)}` is no table")
        location.append(key)
        if last:
            place[key] = value
        else:
            place = place[key]
    return dotted(location)


def _parsed(text: str) -> object:
    """Return a list or table written as in TOML; all else is a text that its key will read."""
    if text.startswith(("[", "{")):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text
    return text
