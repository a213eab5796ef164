"""docs/system-tables.md is true: it has every column of every table, with its type."""

import re

from flightlake.engine.system_tables import SCHEMAS
from flightlake.flightsql.sql_types import sql_type
from tests.components import ROOT

PAGE = (ROOT / "docs" / "system-tables.md").read_text("utf-8")


def test_every_column_is_described_in_its_place_and_no_other() -> None:
    sections = re.split(r"^## `(\w+)`$", PAGE, flags=re.M)[1:]
    documented = {
        name: re.findall(r"^\| `(\w+)` \| ([A-Z ]+) \|", text, re.M)
        for name, text in zip(sections[::2], sections[1::2], strict=True)
    }
    assert documented == {
        name: [(field.name, sql_type(field.type).name) for field in schema]
        for name, schema in SCHEMAS.items()
    }


def test_every_state_is_named() -> None:
    from flightlake.query import activity
    from flightlake.refresh import view_rows, view_tables

    words = (
        *(activity.WAITING, activity.PLANNING, activity.PLANNED, activity.RUNNING, activity.ENDED),
        *(view_tables.CURRENT, view_tables.CHANGED, view_tables.REPLACED, view_tables.GONE),
        *(view_tables.FIXED, view_rows.UNREACHABLE),
    )
    assert [word for word in words if f"`{word}`" not in PAGE] == []
