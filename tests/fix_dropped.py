"""Dropped views in a lake in a folder: their files, and what is known of them."""

import json
from pathlib import Path

from flightlake.lake.commits import current
from flightlake.refresh.dropped_views import PREFIX, history_of
from flightlake.refresh.maintenance import Maintained
from tests.fix_materialized import Mill
from tests.fix_upkeep import Keeper


def folder_of(mill: Mill, view: str = "v") -> Path:
    """Return the folder of a view."""
    return Path(mill.table(view).location().removeprefix("file://"))


def files_in(folder: Path) -> set[Path]:
    """Return all files below *folder*."""
    return {path for path in folder.rglob("*") if path.is_file()}


def notes(mill: Mill) -> dict[str, dict[str, object]]:
    """Return what is written down of dropped views."""
    found = current(mill.catalog, history_of(mill.lake.name))
    told = {} if found is None else found.metadata.properties
    return {name: json.loads(text) for name, text in told.items() if name.startswith(PREFIX)}


def removed(kept: Keeper) -> list[Maintained]:
    """Keep the views a day and a half later; return what was done for dropped ones."""
    kept.pass_days(1.5)
    lake = kept.mill.lake
    there = {table for _, table in lake.writer.list_tables(lake.root)}
    place = lake.name, lake.root
    done = kept.run(mine=lambda view: (view.catalog, view.db_schema) == place)
    return [one for one in done if one.view.table not in there]
