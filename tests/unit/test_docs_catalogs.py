"""docs/catalogs.md is true: its examples load and open, and its properties are those followed."""

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flightlake.config import load
from flightlake.lake import properties, stores
from flightlake.lake.catalogs import CATALOGS, open_catalog
from flightlake.lake.stores import settings_for
from tests.components import ROOT
from tests.fix_config import ANYBODY

PAGE = (ROOT / "docs" / "catalogs.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
SECRET = "postgresql://canary"


def entry(example: str) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(example)["catalogs"]["lake"]
    return found


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: entry(example)["type"])
def test_an_example_is_loaded_and_opened(example: str, tmp_path: Path) -> None:
    for name in entry(example).get("property_files", {}).values():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{SECRET}\n")
    (tmp_path / "flightlake.toml").write_text(example)
    catalog = load(tmp_path / "flightlake.toml", ANYBODY).catalogs["lake"]
    told = catalog.all_properties()
    assert open_catalog("lake", catalog.type, told, timedelta(seconds=1)).name == "lake"
    where = catalog.warehouse if "://" in catalog.warehouse else "s3://lake/warehouse"
    store = settings_for(where, told, 1)
    secrets = [name for name in catalog.property_files if name.startswith(("s3.", "client."))]
    if secrets:
        assert store.secret_access_key == SECRET
    if store.azure is not None:
        assert SECRET in (store.azure.account_key, store.azure.client_secret)


def test_every_type_has_an_example() -> None:
    assert {entry(example)["type"] for example in EXAMPLES} == set(CATALOGS)


def test_every_kind_of_store_has_an_example() -> None:
    schemes = {entry(example).get("warehouse", "").partition(":")[0] for example in EXAMPLES}
    assert {"file", "s3", "gs", "abfss"} <= schemes


def test_the_properties_of_the_page_are_those_that_are_followed() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    named = {
        name
        for row in rows
        for name in re.findall(r"`((?:s3|gcs|adls|client|glue)\.[a-z0-9.-]+)`", row)
    }
    followed = {name for name in properties.FOLLOWED if not name.startswith("hive.")}
    assert named == followed - {"client.profile-name"}
    assert followed >= stores.HONOURED
