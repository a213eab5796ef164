"""What is wrong with a configuration, in sentences that name the key."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from flightlake.errors import Code, FlightlakeError
from flightlake.names import nearest

_BOUNDS = {
    "greater_than_equal": "at least",
    "greater_than": "more than",
    "less_than_equal": "at most",
    "less_than": "less than",
}


class ConfigError(FlightlakeError):
    """The configuration cannot be used; ``problems`` has a sentence for each thing wrong.

    Only the operator sees it: it may name paths, and never holds the value of a secret.
    """

    code = Code.FAILED_PRECONDITION

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


def sentences(
    section: str, model: Any, error: ValidationError, origins: Mapping[str, str]
) -> list[str]:
    """Return a sentence for each thing wrong in *section*, whose type is *model*.

    *origins* says which environment variable a key comes from.
    """
    found = []
    for item in error.errors(include_url=False):
        location = tuple(step for step in item["loc"] if step != "[key]")
        key = dotted((section, *location))
        kind, context = item["type"], item.get("ctx", {})
        if kind == "extra_forbidden":
            text = unknown_key(str(location[-1]), _keys_at(model, location[:-1]))
        else:
            text = _sentence(kind, context, item["msg"])
        found.append(problem(key, text, origins))
    return found


def problem(key: str, text: str, origins: Mapping[str, str]) -> str:
    """Return *text* with the key it is about, and where its value comes from if not the file."""
    variable = origins.get(key)
    return f"{key} (from {variable}): {text}" if variable else f"{key}: {text}"


def unknown_key(name: str, known: Sequence[str]) -> str:
    """Return what to say of a key that does not exist."""
    similar = nearest(name, known)
    if similar is not None:
        return f"there is no such key; did you mean `{similar}`?"
    return f"there is no such key; here belong {', '.join(sorted(known))}"


def dotted(location: Sequence[str | int]) -> str:
    """Return a key's path as the documentation writes it: ``auth.jwt[0].issuer``."""
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def keys_of(model: type[BaseModel]) -> list[str]:
    """Return the keys of a section, as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _keys_at(model: Any, location: Sequence[str | int]) -> list[str]:
    """Return the keys that may stand at *location* below *model*."""
    for step in location:
        if isinstance(model, type) and issubclass(model, BaseModel):
            model = model.model_fields[str(step)].annotation
        elif get_origin(model) is not None:  # a mapping's or a list's values
            model = next(part for part in reversed(get_args(model)) if part is not Ellipsis)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return keys_of(model)
    return []


def _sentence(kind: str, context: Mapping[str, Any], message: str) -> str:
    match kind:
        case "missing":
            return "this key is required"
        case "value_error":
            return str(context["error"])
        case "int_parsing" | "int_type" | "int_from_float":
            return "this must be a whole number"
        case "bool_parsing" | "bool_type":
            return "this must be true or false"
        case "string_type":
            return 'this must be a text in quotes, like "text"'
        case "string_too_short":
            return "this must not be empty"
        case "literal_error":
            return f"this must be {context['expected']}"
        case "model_type" | "mapping_type" | "dict_type":
            return "this must be a table of keys"
        case "tuple_type" | "list_type":
            return "this must be a list"
        case "greater_than_equal" | "greater_than" | "less_than_equal" | "less_than":
            bound = next(context[name] for name in ("ge", "gt", "le", "lt") if name in context)
            return f"this must be {_BOUNDS[kind]} {bound}"
        case _:
            return message[:1].lower() + message[1:]
