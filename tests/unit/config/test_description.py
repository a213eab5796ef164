"""A configuration as text."""

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from flightlake.config import describe, load
from flightlake.config.models import Settings
from flightlake.config.values import Memory, format_duration, format_size

DOCS = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_every_setting_has_a_line_and_what_it_means_here(tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    path.write_text("[auth]\nanonymous = true\n[catalogs.lake]\ntype = 'sql'\nuri = 'sqlite:///x'")
    lines = describe(load(path, {}))
    assert 'server.drain_timeout = "30s"' in lines
    assert "auth.anonymous = true" in lines
    assert 'limits.message_bytes = "2MiB"' in lines
    assert 'session.catalog = ""  # lake' in lines
    assert f'limits.spill_directory = ""  # {tmp_path}/flightlake-state/spill' in lines
    assert any(re.fullmatch(r'limits.memory = "60%"  # [\d.]+ GiB here', line) for line in lines)


def test_no_secret_is_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary-0")
    path = tmp_path / "f.toml"
    path.write_text("""
        [auth]
        anonymous = true
        [catalogs.a]
        type = "sql"
        uri = "postgresql://ann:canary-1@db:5432/x?sslpassword=canary-2&application_name=x"
        warehouse = "s3://canary-key:canary-3@bucket/x"
        [catalogs.a.properties]
        "s3.secret-access-key" = "canary-4"
        "s3.session-token" = "canary-5"
        "adls.sas-token" = "canary-6"
        "credential" = "id:canary-7"
        "s3.endpoint" = "http://u:canary-8@h"
        [catalogs.a.property_files]
        "oauth" = "secret"
        [catalogs.b]
        type = "sql"
        uri = "postgresql://ann:can@ary-9@db/x"
        """)
    text = "\n".join(describe(load(path, {})))
    assert not re.search(r"canary-\d|ary-9", text)
    assert "postgresql://ann:(not shown)@db:5432/x" in text
    assert "application_name=x" in text
    assert 's3.endpoint" = "http://u:' in text


def documented() -> dict[str, str]:
    """Each key in the documentation's tables with its default, as written there."""
    rows = re.findall(r"^\| `([\w.*\[\]]+)` \| ([^|]+) \|", DOCS.read_text("utf-8"), re.M)
    assert len(rows) == len(dict(rows))
    return dict(rows)


def configurable(model: type[BaseModel], prefix: str = "") -> dict[str, str]:
    """Each key of the models with its default, as TOML."""
    found: dict[str, str] = {}
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name)
        inner = [part for part in get_args(field.annotation) if isinstance(part, type)]
        models = [part for part in inner if issubclass(part, BaseModel)]
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= configurable(field.annotation, f"{key}.")
        elif models:
            mark = ".*" if str(field.annotation).startswith("collections.abc.Mapping") else "[]"
            found |= configurable(models[0], f"{key}{mark}.")
        else:
            found[key] = "required" if field.is_required() else f"`{as_toml(key, field.default)}`"
    return found


def as_toml(key: str, value: Any) -> str:
    if value is None:
        return '""'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return f'"{format_duration(value)}"'
    if isinstance(value, int) and value >= 2**20:
        size = format_size(value)
        return size if size.isdecimal() else f'"{size}"'
    if isinstance(value, str | Path | Memory):
        return f'"{value}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    return str(value)


def test_every_setting_is_documented_with_its_default_and_no_other() -> None:
    assert documented() == configurable(Settings)


def test_the_example_in_the_documentation_is_a_configuration(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCS.read_text("utf-8"), re.S)
    tomllib.loads(example)
    (tmp_path / "f.toml").write_text(example)
    assert load(tmp_path / "f.toml", {}, to_serve=False).default_catalog == "lake"
