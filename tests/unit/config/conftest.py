"""Fixtures of the configuration tests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flightlake.config import ConfigError, Settings, load
from tests.fix_config import ANYBODY, Loader, Problems


@pytest.fixture
def read(tmp_path: Path) -> Loader:
    def read(text: str, environment: Mapping[str, str] = ANYBODY, **settings: Any) -> Settings:
        (tmp_path / "flightlake.toml").write_text(text)
        return load(tmp_path / "flightlake.toml", environment, **settings)

    return read


@pytest.fixture
def problems(read: Loader) -> Problems:
    def problems(text: str, environment: Mapping[str, str] = ANYBODY) -> list[str]:
        with pytest.raises(ConfigError) as refusal:
            read(text, environment)
        return list(refusal.value.problems)

    return problems
